"""Language models over a real server: never pay twice, never lose an answer, stop cleanly."""

from __future__ import annotations

import json
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from command_line import Outcome, Project, commands
from model_server.fixture import RunningServer
from ragtally.store.claims import FILE_NAME

from .conftest import KEY, SPEC, stored, until

CALLS = 90
MANY_CALLS = 300
Start = Callable[..., RunningServer]
Asked = Callable[..., Project]


RUN = ("run", "--no-report", "spec.yaml")


def begin(project: Project, server: RunningServer, successes: int) -> int:
    """Start a run, and wait until so many calls have succeeded."""
    process = project.start(*RUN)
    until(lambda: server.counts()["successful"] >= successes)
    return process


def says_what_is_saved(outcome: Outcome, project: Project, when: str = "") -> None:
    """The last two lines say how many answers are saved, by the model's name in the spec, and how to go on."""
    saved, again = outcome.err.splitlines()[-2:]
    assert saved == f"saved: {stored(project)} of {CALLS} answers of small"
    assert again == f"{when}the same command continues: ragtally {' '.join(RUN)}"


def test_every_call_is_paid_once_and_a_second_run_pays_nothing(start: Start, asked: Asked) -> None:
    server = start()
    project = asked(server)
    first = project.ragtally(*RUN)
    assert first.code == 0, first.err
    counts = server.counts(keys=True)
    assert counts["successful"] == counts["requests"] == CALLS == stored(project)
    assert set(counts["successful_by_key"].values()) == {1}
    results = project.results("asked")
    again = project.ragtally(*RUN)
    assert again.code == 0, again.err
    assert server.counts()["requests"] == CALLS
    assert project.results("asked") == results


def test_votes_of_one_question_differ_by_their_seed_and_results_hold_cost(start: Start, asked: Asked) -> None:
    project = asked(start(skill=0.5))
    assert project.ragtally(*RUN).code == 0
    text = (project.folder / "data/results/asked/voters.csv").read_text(encoding="utf-8")
    header, *rows = [line.split(",") for line in text.splitlines()]
    accuracies = {row[header.index("accuracy")] for row in rows[:3]}
    assert len(accuracies) > 1
    assert all(float(row[header.index("dollars")]) > 0 for row in rows)


@pytest.mark.slow
def test_a_store_without_its_entries_still_pays_nothing(start: Start, asked: Asked) -> None:
    """A changed parser, rule or metric makes new entries out of the same calls."""
    server = start()
    project = asked(server)
    assert project.ragtally(*RUN).code == 0
    for step in ("ask", "parse", "vote", "base", "score"):
        subprocess.run(["rm", "-r", str(project.folder / "store" / step)], check=True)
    assert project.ragtally(*RUN).code == 0
    assert server.counts()["requests"] == CALLS


@pytest.mark.slow
def test_a_mix_of_faults_and_three_kills_lose_only_calls_in_flight(start: Start, asked: Asked) -> None:
    server = start(mix=0.1, latency=0.05, retry_after=0.2, hold_seconds=3.0)
    project = asked(server)
    spec = (project.folder / "spec.yaml").read_text(encoding="utf-8")
    project.write("spec.yaml", spec.replace("size: 30", "size: 100"))
    for successes in (40, 120, 200):
        commands().kill(begin(project, server, successes))
    last = project.ragtally(*RUN)
    assert last.code == 0, last.err
    assert stored(project) == MANY_CALLS
    in_flight = 3 * 16
    assert MANY_CALLS <= server.counts()["successful"] <= MANY_CALLS + in_flight


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_saves_what_is_in_flight_and_the_same_command_goes_on(
    start: Start, asked: Asked, number: signal.Signals
) -> None:
    server = start(latency=0.1)
    project = asked(server)
    stopped = commands().kill(begin(project, server, 20), number)
    assert stopped.code == 3, stopped.err
    assert stored(project) == server.counts()["successful"] < CALLS
    says_what_is_saved(stopped, project)
    with closing(sqlite3.connect(project.folder / "store" / FILE_NAME)) as claims:
        assert claims.execute("SELECT count(*) FROM claims").fetchone() == (0,), "nobody has to wait for it"
    assert project.ragtally(*RUN).code == 0
    assert server.counts()["successful"] == CALLS


@pytest.mark.slow
def test_a_daily_quota_stops_with_everything_saved(start: Start, asked: Asked) -> None:
    server = start(after={"daily_tokens": 30})
    project = asked(server)
    outcome = project.ragtally(*RUN)
    assert outcome.code == 3, outcome.err
    assert stored(project) == server.counts()["successful"] < CALLS
    says_what_is_saved(outcome, project)
    server.change(after={})
    assert project.ragtally(*RUN).code == 0
    assert server.counts()["successful"] == CALLS


def test_a_budget_names_every_model_without_a_price(start: Start, asked: Asked) -> None:
    project = asked(start())
    spec = (
        (project.folder / "spec.yaml").read_text(encoding="utf-8").replace(", price: {input: 0.05, output: 0.1}", "")
    )
    model = "  other: {litellm: {model: openai/other, api_base: 'http://127.0.0.1:9'}}\nreaders:\n"
    spec = spec.replace("readers:\n", f"{model}  other: {{chat: {{model: other}}}}\n", 1)
    project.write("spec.yaml", spec.replace("voters: [small]", "voters: [small, other]") + "budget: {usd: 5}\n")
    planned = project.ragtally("plan", "spec.yaml")
    assert planned.code == 2
    for name in ("small", "other"):
        assert f"that of {name} is unknown" in planned.err


def test_a_budget_stops_before_it_is_exceeded(start: Start, asked: Asked) -> None:
    server = start()
    project = asked(server)
    project.write("spec.yaml", SPEC.format(url=server.openai) + "budget: {usd: 0.001}\n")
    outcome = project.ragtally(*RUN)
    assert outcome.code == 3, outcome.err
    assert "budget of $0.001" in outcome.err
    paid = json.loads(project.ragtally("store", "paid", "--json").out)
    assert 0 < stored(project) < CALLS
    says_what_is_saved(outcome, project)
    assert "0.00" in json.dumps(paid)
    with sqlite3.connect(project.folder / "store" / "calls.sqlite") as connection:
        (dollars,) = connection.execute("SELECT sum(dollars) FROM calls").fetchone()
    assert dollars <= 0.001
    project.write("spec.yaml", SPEC.format(url=server.openai) + "budget: {usd: 5}\n")
    assert project.ragtally(*RUN).code == 0
    assert server.counts()["successful"] == CALLS


def test_a_wrong_key_is_told_once(start: Start, asked: Asked) -> None:
    server = start(api_key="another")
    outcome = asked(server).ragtally(*RUN)
    assert outcome.code == 2
    assert outcome.err.count("error:") == 1
    assert "OPENAI_API_KEY" in outcome.err
    assert server.counts()["requests"] < 40


def test_calls_that_fail_for_good_are_told_and_tried_again(start: Start, asked: Asked) -> None:
    server = start(faults={"413": 0.1})
    project = asked(server)
    outcome = project.ragtally(*RUN)
    assert outcome.code == 2, outcome.err
    assert "failed permanently" in outcome.err
    says_what_is_saved(outcome, project, "once that is fixed, ")
    advice = re.search(r"max_failed: [0-9.]+", outcome.err)
    assert advice, outcome.err
    project.write("spec.yaml", f"{SPEC.format(url=server.openai)}{advice[0]}\n")
    allowed = project.ragtally(*RUN)
    assert allowed.code == 0, allowed.err
    answered = stored(project)
    assert answered < CALLS
    server.change(faults={})
    assert project.ragtally(*RUN).code == 0
    assert stored(project) == CALLS
    assert server.counts()["successful"] == CALLS


def test_an_answer_that_reasoning_ate_up_says_so(start: Start, asked: Asked) -> None:
    project = asked(start(models={"small": {"reasoning_tokens": 100}}))
    spec = (project.folder / "spec.yaml").read_text(encoding="utf-8")
    base = "base: {from: [small], rule: majority, agree_with_gold: false}\ngrid: {}\n"
    grid = "grid: {reader: [small]}\ncontrols: [gold_context]\n"
    project.write("spec.yaml", spec.replace(base, grid).replace("[accuracy]", "[accuracy, unparsed_share]"))
    outcome = project.ragtally(*RUN)
    assert outcome.code == 0, outcome.err
    assert "raise max_tokens" in outcome.err
    answers = pl.read_parquet(project.folder / "data/results/asked/answers.parquet")
    assert set(answers["status"]) == {"call failed"}
    assert "reasoning" in answers["errors"][0][0]


def test_a_key_is_in_no_file_and_no_output(start: Start, asked: Asked) -> None:
    server = start(mix=0.1, api_key=KEY, retry_after=0.1, hold_seconds=1.5)
    project = asked(server)
    said = [
        project.ragtally(*words)
        for words in (["doctor", "spec.yaml"], ["plan", "spec.yaml"], ["run", "--no-report", "spec.yaml"])
    ]
    server.change(api_key="another", mix=0.0)
    project.write("spec.yaml", SPEC.format(url=server.openai).replace("0.7", "0.8"))
    said.append(project.ragtally(*RUN))
    project.ragtally("store", "export", "calls.jsonl")
    assert said[-1].code == 2
    for outcome in said:
        assert KEY not in outcome.out + outcome.err
    for path in project.folder.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_a_prompt_that_would_be_cut_is_refused_before_the_run(start: Start, asked: Asked) -> None:
    server = start(models={"tiny:1b": {"context_length": 4096}})
    project = asked(server)
    spec = SPEC.format(url=server.url).replace("openai/small", "ollama_chat/tiny:1b")
    project.write("spec.yaml", spec.replace("max_tokens: 20", "max_tokens: 20, num_ctx: 128"))
    outcome = project.ragtally(*RUN)
    assert outcome.code == 2, outcome.err
    assert "cut" in outcome.err
    assert server.counts()["successful"] == 0


def ollama_spec(server: RunningServer, parameters: str = "") -> str:
    spec = SPEC.format(url=server.url).replace("openai/small", "ollama_chat/tiny:1b")
    return spec.replace("max_tokens: 20", f"max_tokens: 20{parameters}")


def contexts(server: RunningServer) -> set[int]:
    return {request["body"]["options"]["num_ctx"] for request in server.requests()}


def test_what_a_run_would_refuse_is_said_by_plan_and_doctor(start: Start, asked: Asked) -> None:
    server = start(models={"tiny:1b": {}})
    project = asked(server)
    project.write("spec.yaml", ollama_spec(server, ", num_ctx: 128"))
    plan = project.ragtally("plan", "spec.yaml")
    assert (plan.code, "and ollama_chat/tiny:1b sees 128" in plan.err) == (0, True)
    assert "a smaller top_k or context_words, or a larger context for small: num_ctx: 1024" in plan.err
    (message,) = json.loads(project.ragtally("plan", "--json", "spec.yaml").out)["overlong_prompts"]
    doctor = project.ragtally("doctor", "spec.yaml")
    assert (doctor.code, f"missing  {message}" in doctor.out) == (2, True)
    assert message in project.ragtally(*RUN).err
    project.write("spec.yaml", ollama_spec(server))
    assert project.ragtally("doctor", "spec.yaml").code == 0
    assert json.loads(project.ragtally("plan", "--json", "spec.yaml").out)["overlong_prompts"] == []


def test_ollama_loads_a_model_with_the_context_that_the_longest_prompt_needs(start: Start, asked: Asked) -> None:
    server = start(models={"tiny:1b": {}})
    project = asked(server)
    project.write("spec.yaml", ollama_spec(server))
    assert project.ragtally(*RUN).code == 0
    assert contexts(server) == {4096}, "what was sent before contexts were chosen"
    project.write("spec.yaml", ollama_spec(server).replace("max_tokens: 20", "max_tokens: 6000"))
    assert project.ragtally(*RUN).code == 0
    assert max(contexts(server)) > 6000
    assert len(contexts(server)) == 2, "loaded once"


def test_a_tag_that_moves_in_a_run_ends_it(start: Start, asked: Asked) -> None:
    server = start(models={"tiny:1b": {"digest": "a" * 64}}, latency=0.02)
    project = asked(server)
    project.write("spec.yaml", ollama_spec(server))
    process = begin(project, server, 20)
    server.change(models={"tiny:1b": {"digest": "b" * 64}})
    outcome = commands().wait(process)
    assert outcome.code == 2, outcome.err
    assert "became another model while it was being asked" in outcome.err
    saved = stored(project)
    assert 0 < saved < CALLS
    assert not project.results("asked")
    assert project.ragtally(*RUN).code == 0
    assert stored(project) == saved + CALLS, "the new model was asked everything"


@pytest.mark.slow
def test_a_tag_that_moves_is_another_model(start: Start, asked: Asked) -> None:
    server = start(models={"tiny:1b": {"digest": "a" * 64}})
    project = asked(server)
    project.write("spec.yaml", SPEC.format(url=server.url).replace("openai/small", "ollama_chat/tiny:1b"))
    first = project.ragtally(*RUN)
    assert first.code == 0, first.err
    assert server.counts()["successful"] == CALLS
    server.change(models={"tiny:1b": {"digest": "b" * 64}})
    assert project.ragtally(*RUN).code == 0
    assert server.counts()["successful"] == 2 * CALLS


@pytest.mark.parametrize("known_base", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_plan_is_exact_where_it_can_be(start: Start, asked: Asked, known_base: bool) -> None:
    server = start()
    project = asked(server)
    grid = "grid: {chunker: whole, retriever: bm25, top_k: 1, reader: [small], votes: 1}\n"
    project.write("spec.yaml", SPEC.format(url=server.openai).replace("grid: {}\n", grid))
    if known_base:
        assert project.ragtally("run", "spec.yaml", "--stage", "label").code == 0
    (row,) = json.loads(project.ragtally("plan", "spec.yaml", "--json").out)["models"]
    assert row["exact"] is known_base
    assert row["paid"] == (CALLS if known_base else 0)
    assert row["to_pay"] + row["paid"] == row["calls"] <= CALLS + 30
    before = server.counts()["successful"]
    assert project.ragtally(*RUN).code == 0
    paid = server.counts()["successful"] - before
    assert paid == row["to_pay"] if known_base else paid <= row["to_pay"]


@pytest.mark.slow
def test_two_runs_at_once_share_what_is_there(start: Start, asked: Asked) -> None:
    server = start(latency=0.05)
    project = asked(server)
    for process in [project.start(*RUN) for _ in range(2)]:
        outcome = commands().wait(process)
        assert outcome.code == 0, outcome.err
    assert stored(project) == CALLS
    assert Path(project.folder / "data/results/asked/voters.csv").is_file()


@pytest.mark.slow
def test_another_way_of_writing_the_same_model_pays_nothing(start: Start, asked: Asked) -> None:
    server = start()
    project = asked(server)
    assert project.ragtally(*RUN).code == 0
    spec = (project.folder / "spec.yaml").read_text(encoding="utf-8")
    project.write(
        "spec.yaml",
        spec.replace("concurrency: 16", "concurrency: 4, top_p: null").replace("study: asked", "study: again"),
    )
    assert project.ragtally(*RUN).code == 0
    assert server.counts()["requests"] == CALLS


@pytest.mark.parametrize("parts", [("ask", "parse", "calls.sqlite"), ("calls.sqlite",)])
def test_whatever_is_deleted_of_the_store_is_done_again(
    start: Callable[..., RunningServer], asked: Callable[[RunningServer], Project], parts: tuple[str, ...]
) -> None:
    server = start()
    project = asked(server)
    assert project.ragtally("run", "spec.yaml").code == 0
    for part in parts:
        path = project.folder / "store" / part
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    # Whoever has all results needs nothing of it.
    assert project.ragtally("run", "spec.yaml").code == 0
    assert server.counts()["successful"] == 90
    shutil.rmtree(project.folder / "data" / "results")
    again = project.ragtally("run", "spec.yaml")
    assert again.code == 0, again.err
    assert server.counts()["successful"] == (90 if len(parts) == 1 else 180)


def test_the_votes_on_one_prompt_follow_each_other(start: Start, asked: Asked) -> None:
    """A server that holds what it has read then reads every prompt once."""
    server = start()
    project = asked(server, **{"concurrency:_16": "concurrency: 1"})
    assert project.ragtally(*RUN).code == 0
    prompts = [json.dumps(request["body"]["messages"]) for request in server.requests()]
    assert len(prompts) == CALLS
    changes = sum(before != after for before, after in pairwise(prompts))
    assert changes == len(set(prompts)) - 1 == CALLS // 3 - 1


def test_a_server_that_tells_its_slots_is_given_as_many_calls_at_once(start: Start, asked: Asked) -> None:
    def most_at_once(slots: int) -> int:
        server = start(slots=slots, latency=0.3)
        project = asked(
            server, **{"timeout:_1": "timeout: 0.5", "size:_30": f"size: {slots}", "votes:_3": "votes: 1"}
        )
        assert project.ragtally(*RUN).code == 0
        return int(server.counts()["max_in_flight"])

    assert most_at_once(5) == 5


def test_the_plan_tells_hours_as_measured_or_that_they_are_unknown(start: Start, asked: Asked) -> None:
    server = start(latency=0.2)
    project = asked(server, **{"concurrency:_16": "concurrency: 2"})

    def planned() -> float | None:
        (model,) = json.loads(project.ragtally("plan", "--json", "spec.yaml").out)["models"]
        hours: float | None = model["hours"]
        return hours

    assert planned() is None
    assert "unknown" in project.ragtally("plan", "spec.yaml").out
    commands().kill(begin(project, server, 20), signal.SIGINT)
    left = CALLS - stored(project)
    assert planned() == pytest.approx(left * 0.1 / 3600, rel=0.5), "two at once, each a fifth of a second"


def test_what_a_provider_has_in_its_cache_is_priced_as_such(start: Start, asked: Asked) -> None:
    """The votes on a prompt follow each other, so that all but the first cost next to nothing."""

    def dollars(cache: bool, price: str) -> tuple[float, float]:
        project = asked(start(cache=cache), **{"concurrency:_16": "concurrency: 4", "input:_0.05": price})
        shutil.rmtree(project.folder / "store", ignore_errors=True)
        assert project.ragtally(*RUN).code == 0
        (paid,) = json.loads(project.ragtally("store", "paid", "--json").out)["paid"]
        cells = pl.read_csv(project.folder / "data" / "results" / "asked" / "voters.csv")
        return paid["dollars"], cells["dollars"].max()

    output = 0.1 * 90 * 1e-6
    full, reported = dollars(False, "input: 0.05, cached_input: 0.005")
    assert full == pytest.approx(reported)
    assert dollars(True, "input: 0.05") == pytest.approx((full, reported)), "where a cache saves nothing"
    for saved in dollars(True, "input: 0.05, cached_input: 0.005"):
        assert saved - output == pytest.approx((full - output) * (1 + 2 * 0.1) / 3, rel=0.05)
