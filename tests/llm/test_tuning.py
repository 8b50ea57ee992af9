"""Fine-tuning over a real server: a training is paid for once, however it ends and whenever a run is killed."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command_line import Outcome, Project, commands, project_in
from model_server.fixture import RunningServer

from .conftest import KEY, until

SPEC = """\
study: tuned
seed: 3
dataset: {{synthetic: {{questions: 60, split: test}}}}
sample: {{size: 6}}
models:
  mini:
    litellm:
      {{model: openai/mini, api_base: {url}, temperature: 0, timeout: 5, retries: 3,
       price: {{input: 0.1, output: 0.4}},
       fine_tuning: {{training: 3, input: 0.2, output: 0.8, poll_seconds: 0.05, settle_seconds: 0.5}}}}
readers:
  prompted: {{chat: {{model: mini}}}}
  tuned: {{fine_tuning: {{model: mini, epochs: 2, train: {{split: train}}}}}}
grid: {{reader: [prompted, tuned]}}
controls: [gold_context]
metrics: [accuracy]
budget: {{usd: 1}}
"""
TRAIN = ("run", "spec.yaml", "--stage", "train")
pytestmark = pytest.mark.slow
Start = Callable[..., RunningServer]
Made = Callable[..., Project]


def run(project: Project, *words: str) -> Outcome:
    """Run to the end; by default the training alone."""
    return commands().wait(project.start(*(words or TRAIN)))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Make a project that has a model fine-tuned on 30 examples."""

    def make(server: RunningServer, folder: str = "project") -> Project:
        project = project_in(tmp_path / folder)
        project.environment["OPENAI_API_KEY"] = KEY
        project.write("spec.yaml", SPEC.format(url=server.openai))
        return project

    return make


def edit(project: Project, *changes: tuple[str, str]) -> None:
    text = (project.folder / "spec.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    project.write("spec.yaml", text)


def jobs(project: Project) -> list[dict[str, Any]]:
    path = project.folder / "store" / "tuning.sqlite"
    if not path.exists():
        return []
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute("SELECT * FROM jobs ORDER BY name")]
        except sqlite3.OperationalError:
            return []  # it is just being made


def stages(project: Project) -> list[str]:
    return [job["stage"] for job in jobs(project)]


def test_a_model_is_fine_tuned_once_and_then_asked(start: Start, made: Made) -> None:
    server = start(skill=0.5)
    project = made(server)
    planned = json.loads(run(project, "plan", "spec.yaml", "--json").out)["tunings"]
    first = run(project, "run", "spec.yaml")
    assert first.code == 0, first.err
    (tuning,) = server.tunings()
    (job,) = jobs(project)
    examples = [json.loads(line)["messages"] for line in tuning["content"].splitlines()]
    assert len(examples) == job["examples"] == planned[0]["examples"] == 30
    # The prompts that it is asked with, each with the right answer.
    asked = [request["body"] for request in server.requests() if request["body"]["model"].startswith("ft:")]
    assert len(asked) == 6 and {body["model"] for body in asked} == {job["tuned_model"]}
    assert [message["role"] for message in examples[0]] == ["system", "user", "assistant"]
    assert examples[0][0] == asked[0]["messages"][0]
    assert {messages[-1]["content"] for messages in examples} == {"yes", "no", "maybe"}
    # It learns nothing of what it is tested on.
    assert not {messages[1]["content"] for messages in examples} & {body["messages"][1]["content"] for body in asked}
    assert tuning["hyperparameters"] == {"n_epochs": 2} and tuning["seed"] == 3
    # What it cost: by the provider's count, within what the plan said.
    assert planned[0]["state"] == "to submit" and planned[0]["exact"]
    assert job["dollars"] == pytest.approx(3e-6 * job["trained_tokens"])
    assert planned[0]["dollars"] == pytest.approx(job["dollars"], rel=0.2)
    assert job["dollars"] <= job["most_dollars"] == pytest.approx(planned[0]["most_dollars"])
    results = project.results("tuned")
    trained = json.loads(results["train.json"])["models"]["tuned"]
    assert trained["training"]["dollars"] == pytest.approx(job["dollars"]) and trained["training"]["epochs"] == 2
    losses = (project.folder / "data/results/tuned/plots/loss.csv").read_text().splitlines()
    assert losses[0] == "model,part,epoch,step,loss" and losses[-1].startswith("tuned,train,2.0,6,")
    # What the provider calls the model is nobody's business but the store's.
    assert not any(job["tuned_model"].encode() in content for content in results.values())
    assert b"of the training, once" in results["report.html"]
    again = run(project, "run", "spec.yaml")
    assert again.code == 0 and project.results("tuned") == results
    assert len(server.tunings()) == 1 and server.counts()["successful"] == 12
    assert json.loads(run(project, "plan", "spec.yaml", "--json").out)["tunings"][0]["state"] == "done"
    spent = ("--usd-labelling", "5", "--hours-expert", "0")
    advice = json.loads(run(project, "advise", "spec.yaml", "--json", *spent).out)
    (choice,) = advice["choice"]["break_even"]
    assert choice["spent"] == pytest.approx(5 + job["dollars"])
    # Temperature is for asking: no other training, and other calls.
    edit(project, ("temperature: 0,", "temperature: 0.5,"))
    assert run(project, "run", "spec.yaml").code == 0
    assert len(server.tunings()) == 1 and server.counts()["successful"] == 24


def test_a_run_can_be_left_and_come_back_to(start: Start, made: Made) -> None:
    server = start(tuning_seconds=1.5)
    project = made(server)
    left = run(project, *TRAIN, "--no-wait")
    assert left.code == 3 and "1 fine-tuning job is open: tuned (ftjob-000001 at openai)" in left.err
    (listed,) = json.loads(run(project, "store", "jobs", "--json").out)
    assert listed["stage"] == "open" and "parameters" not in listed
    process = project.start(*TRAIN)
    until(lambda: (project.folder / "data/results/tuned/plots/loss.csv").exists())  # while it runs
    stopped = commands().kill(process, signal.SIGINT)
    assert stopped.code == 3 and "interrupted" in stopped.err, stopped.err
    back = run(project)
    assert back.code == 0, back.err
    assert stages(project) == ["done"] and len(server.tunings()) == 1
    # Another store takes over what is there.
    other = made(server, "other")
    assert run(other).code == 0
    assert [job["job_id"] for job in jobs(other)] == ["ftjob-000001"] and len(server.tunings()) == 1


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"tuning_ends": ["failed"]}, "ftjob-000001 at openai failed: The job failed", "as another job"),
        ({"fine_tuning": False}, "has no fine-tuning jobs (it answered 404", "check api_base"),
        ({"not_tunable": ["mini"]}, "Model mini is not available for fine-tuning", "name another model"),
        ({"api_key": "another"}, "answered 401, no access", "OPENAI_API_KEY"),
        ({"tuning_creations": ["no_credit"] * 9}, "exceeded your current quota", "credit"),
    ],
)
def test_what_goes_wrong_is_said_with_its_place_and_remedy(
    start: Start, made: Made, settings: dict[str, Any], message: str, hint: str
) -> None:
    project = made(start(**settings))
    outcome = run(project)
    assert outcome.code == 2, outcome.err
    assert message in outcome.err and hint in outcome.err and re.search(r"spec\.yaml:\d+", outcome.err), outcome.err
    assert KEY not in outcome.err
    assert set(stages(project)) <= {"failed"}


def test_a_file_that_the_provider_does_not_take(start: Start, made: Made) -> None:
    project = made(start())
    edit(project, ("questions: 60", "questions: 12"))
    outcome = run(project)
    assert outcome.code == 2
    assert "failed: Training file has 6 example(s), but must have at least 10" in outcome.err
    assert "fix what the provider names" in outcome.err


def test_a_failed_job_is_submitted_again_by_the_next_run_alone(start: Start, made: Made) -> None:
    server = start(tuning_ends=["failed"])
    project = made(server)
    assert run(project).code == 2 and len(server.tunings()) == 1
    assert run(project).code == 0 and stages(project) == ["failed", "done"]
    one, two = server.tunings()
    assert one["content"] == two["content"] and one["metadata"] != two["metadata"]


def test_a_budget_is_kept_before_anything_is_uploaded(start: Start, made: Made) -> None:
    server = start()
    project = made(server)
    (planned,) = json.loads(run(project, "plan", "spec.yaml", "--json").out)["tunings"]
    edit(project, ("usd: 1", f"usd: {planned['most_dollars'] - 0.001:.4f}"))
    outcome = run(project)
    assert outcome.code == 3 and "and fine-tuning tuned, at most $0.1" in outcome.err, outcome.err
    assert server.counts()["files"] == len(server.tunings()) == 0
    edit(project, ("usd: ", "usd: 1"))
    assert run(project).code == 0 and len(server.tunings()) == 1


def test_what_cannot_be_priced_or_tuned_is_refused_before_any_work(start: Start, made: Made) -> None:
    project = made(start())
    text = (project.folder / "spec.yaml").read_text()
    project.write("spec.yaml", text.replace("training: 3, input: 0.2,", ""))
    unpriced = run(project)
    assert unpriced.code == 2 and "that of fine-tuning for tuned is unknown" in unpriced.err
    project.write("spec.yaml", text.replace("training: 3, input: 0.2,", "training: 3,"))
    unpriced = run(project)
    assert unpriced.code == 2 and "that of mini once it is fine-tuned is unknown" in unpriced.err
    project.write("spec.yaml", re.sub(r"fine_tuning: \{training.*", "}", text.replace("openai/mini", "groq/mini")))
    elsewhere = run(project, "check", "spec.yaml")
    assert elsewhere.code == 2 and "groq/mini is not known to be fine-tuned by its provider" in elsewhere.err
    project.write("spec.yaml", text.replace("temperature: 0,", "temperature: 0, tuned: r1:00,"))
    assert run(project, "check", "spec.yaml").code == 2


@pytest.mark.parametrize("fault", ["accept_and_500", "accept_and_reset", "429_seconds", "503"])
def test_a_job_that_was_not_heard_of_is_found_and_not_paid_again(start: Start, made: Made, fault: str) -> None:
    server = start(tuning_creations=[fault], retry_after=0.1, batch_listed_after=0.2, batch_page=1)
    project = made(server)
    outcome = run(project)
    assert outcome.code == 0, outcome.err
    assert len(server.tunings()) == 1 and stages(project) == ["done"]


def test_kills_at_every_point_train_once(start: Start, made: Made) -> None:
    server = start(batch_faults={"hang": 1.0}, hold_seconds=60)
    project = made(server)
    process = project.start(*TRAIN)
    until(lambda: server.counts()["by_fault"].get("hang", 0) == 1)
    commands().kill(process)  # while the file is handed over
    assert stages(project) == ["claimed"]
    server.change(batch_faults={}, tuning_creations=["accept_and_hang"], tuning_seconds=1.5)
    process = project.start(*TRAIN)
    until(lambda: len(server.tunings()) == 1)
    commands().kill(process)  # accepted, but not heard of
    assert stages(project) == ["submitting"]
    process = project.start(*TRAIN)
    until(lambda: stages(project) == ["open"])
    commands().kill(process)  # while it waits
    last = run(project)
    assert last.code == 0, last.err
    assert len(server.tunings()) == 1 and stages(project) == ["done"]


def test_two_runs_at_once_train_once(start: Start, made: Made) -> None:
    server = start(tuning_seconds=0.5)
    project = made(server)
    for process in [project.start(*TRAIN) for _ in range(2)]:
        outcome = commands().wait(process)
        assert outcome.code == 0, outcome.err
    assert len(server.tunings()) == 1 and stages(project) == ["done"]


def test_a_job_can_be_cancelled_and_given_up(start: Start, made: Made) -> None:
    server = start(tuning_seconds=30)
    project = made(server)
    assert run(project, *TRAIN, "--no-wait").code == 3
    cancelled = run(project, "store", "cancel", "ftjob-000001")
    assert cancelled.code == 0, cancelled.err
    outcome = run(project)
    assert outcome.code == 2 and "was cancelled" in outcome.err
    server.change(tuning_seconds=0)
    assert run(project).code == 0 and stages(project) == ["failed", "done"]
    name = jobs(project)[-1]["name"]
    assert "would be paid again" in run(project, "store", "forget", name[:8]).out
    assert run(project, "store", "forget", name, "--yes").code == 0
    assert stages(project) == ["failed", "forgotten"]


def test_an_expired_key_leaves_the_job_where_it_is(start: Start, made: Made) -> None:
    server = start(tuning_seconds=0.5)
    project = made(server)
    assert run(project, *TRAIN, "--no-wait").code == 3
    server.change(api_key="another")
    refused = run(project)
    assert refused.code == 2 and "job ftjob-000001 goes on at openai" in refused.err, refused.err
    assert "OPENAI_API_KEY" in refused.err and KEY not in refused.err
    server.change(api_key=None)
    assert run(project).code == 0 and len(server.tunings()) == 1
    for path in project.folder.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_a_tuned_model_votes_and_is_asked_by_batches(start: Start, made: Made) -> None:
    server = start(skill=0.4)
    more = "price: {input: 0.1, output: 0.4}, delivery: batch, batch: {poll_seconds: 0.05, settle_seconds: 0.2}"
    project = made(server)
    edit(project, ("price: {input: 0.1, output: 0.4}", more), ("temperature: 0,", "temperature: 1,"))
    text = (project.folder / "spec.yaml").read_text(encoding="utf-8")
    rest = "label: {voters: [tuned], votes: 2}\nbase: {from: [tuned], rule: unanimous, agree_with_gold: false}\n"
    project.write("spec.yaml", text + rest)
    outcome = run(project, "run", "spec.yaml")
    assert outcome.code == 0, outcome.err
    assert len(server.tunings()) == 1
    with sqlite3.connect(project.folder / "store" / "calls.sqlite") as connection:
        rows = connection.execute("SELECT model, served_by, purpose, count(*) FROM calls GROUP BY 1, 2, 3").fetchall()
    name = f"ft:mini:{jobs(project)[0]['task'][3:11]}"
    assert [row for row in rows if row[0] == name] == [(name, name, "label", 12), (name, name, "measure", 6)]
