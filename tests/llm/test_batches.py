"""Batches over a real server: every call is paid once, however a batch ends and whenever a run is killed."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command_line import Outcome, Project, commands, project_in
from model_server.fixture import RunningServer

from .conftest import KEY, stored, until

CALLS = 45
SPEC = """\
study: asked
seed: 3
dataset: {{synthetic: {{questions: 40, split: test}}}}
sample: {{size: 15}}
models:
  small:
    litellm:
      {{model: openai/small, api_base: {url}, temperature: 0.7, max_tokens: 20, timeout: 5, retries: 8,
       price: {{input: 0.05, output: 0.1}}, delivery: {delivery},
       batch: {{calls: 20, poll_seconds: 0.05, settle_seconds: 0.5{batch}}}}}
readers:
  small: {{chat: {{model: small}}}}
label: {{voters: [small], votes: 3}}
base: {{from: [small], rule: majority, agree_with_gold: false}}
grid: {{}}
metrics: [accuracy]
"""
LABEL = ("run", "spec.yaml", "--stage", "label")
Start = Callable[..., RunningServer]
Made = Callable[..., Project]


def run(project: Project, *words: str, die_after: int = 0) -> Outcome:
    """Run to the end; by default the calls of the label stage, without the report."""
    return commands().wait(project.start(*(words or LABEL), die_after=die_after))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Make a project whose model is asked by batches; 45 calls, 20 a batch."""

    def make(server: RunningServer, delivery: str = "batch", batch: str = "", more: str = "") -> Project:
        project = project_in(tmp_path / "project")
        project.environment["OPENAI_API_KEY"] = KEY
        text = SPEC.format(url=server.openai, delivery=delivery, batch=batch and f", {batch}")
        project.write("spec.yaml", text + more)
        return project

    return make


def live(project: Project) -> str:
    """The project's spec, its calls sent one by one."""
    text = (project.folder / "spec.yaml").read_text(encoding="utf-8")
    return re.sub(r"delivery: \w+,\s+batch: \{.*?\}", "delivery: live", text)


def stages(project: Project) -> list[str]:
    path = project.folder / "store" / "batches.sqlite"
    if not path.exists():
        return []
    with sqlite3.connect(path) as connection:
        try:
            return [stage for (stage,) in connection.execute("SELECT stage FROM batches ORDER BY submitted_at")]
        except sqlite3.OperationalError:
            return []  # it is just being made


def paid_once(server: RunningServer, project: Project, calls: int = CALLS) -> None:
    counts = server.counts()
    assert counts["distinct_keys"] == counts["successful"] == stored(project) == calls
    assert set(stages(project)) <= {"read"}


def test_batches_are_answered_and_paid_once_however_they_are_asked_for_later(start: Start, made: Made) -> None:
    server = start()
    project = made(server)
    first = run(project)
    assert first.code == 0, first.err
    paid_once(server, project)
    assert server.counts()["batches"] == 3
    results = project.results("asked")
    assert run(project).code == 0
    assert project.results("asked") == results
    # Delivery is no part of a call's key.
    project.write("spec.yaml", live(project).replace("study: asked", "study: again"))
    again = run(project)
    assert again.code == 0, again.err
    paid_once(server, project)


def test_a_run_can_be_left_and_come_back_to(start: Start, made: Made) -> None:
    server = start(batch_seconds=2.5)
    project = made(server)
    left = run(project, *LABEL, "--no-wait")
    assert left.code == 3
    assert "come back at 20" in left.err and "3 batches with 45 calls are open at openai" in left.err
    listed = json.loads(run(project, "store", "batches", "--json").out)
    assert [row["calls"] for row in listed] == [20, 20, 5]
    assert "parameters" not in listed[0]
    again = run(project, *LABEL, "--no-wait")
    assert again.code == 3 and stored(project) < CALLS
    back = run(project)
    assert back.code == 0, back.err
    paid_once(server, project)
    assert server.counts()["batches"] == 3


@pytest.mark.parametrize(
    ("settings", "batches"),
    [
        ({"batch_ends": ["expired"], "batch_nothing": "text"}, 4),
        ({"batch_ends": [None, "queue_full"], "batch_halves": True}, 4),
        (
            {
                "batch_rows": {"twice": 0.4, "stranger": 0.3, "empty_error": 0.3},
                "batch_nothing": "object",
                "batch_creations": ["429_seconds", "500"],
                "retry_after": 0.1,
            },
            3,
        ),
        (
            {
                "batch_creations": ["accept_and_500", "accept_and_reset"],
                "batch_listed_after": 0.2,
                "batch_page": 1,
                "usage": "absent",
            },
            3,
        ),
        (
            {
                "batch_faults": {"429_seconds": 0.1, "502": 0.1, "reset": 0.1},
                "retry_after": 0.1,
                "faults": {"500": 0.1},
            },
            None,
        ),
    ],
)
def test_whatever_passes_ends_with_every_call_paid_once(
    start: Start, made: Made, settings: dict[str, Any], batches: int | None
) -> None:
    server = start(**settings)
    project = made(server)
    outcome = run(project)
    assert outcome.code == 0, outcome.err
    paid_once(server, project)
    assert batches in (None, server.counts()["batches"])


@pytest.mark.parametrize("content", ["<html>\n<body>\n" + "<p>502 Bad Gateway</p>\n" * 90 + "</html>", "[]", ""])
def test_results_that_are_none_are_not_believed(start: Start, made: Made, content: str) -> None:
    server = start(batch_content=content)
    project = made(server)
    outcome = run(project)
    assert outcome.code == 3, outcome.err
    assert "the batch stays open" in outcome.err and "store forget" in outcome.err
    assert stages(project) == ["open"] * 3
    server.change(batch_content=None)
    assert run(project).code == 0
    paid_once(server, project)
    assert server.counts()["batches"] == 3


def test_rows_that_are_missing_or_cannot_be_read_are_not_paid_again_unasked(start: Start, made: Made) -> None:
    server = start(batch_rows={"missing": 0.1, "garbage": 0.1, "no_choices": 0.1})
    project = made(server)
    outcome = run(project)
    assert outcome.code == 3, outcome.err
    assert "of its calls have a result, and sends" in outcome.err
    saved = stored(project)
    assert CALLS // 2 < saved < CALLS
    assert server.counts()["successful"] == CALLS
    server.change(batch_rows={})
    for row in json.loads(run(project, "store", "batches", "--json").out):
        run(project, "store", "forget", row["name"], "--yes")
    assert run(project).code == 0
    assert stored(project) == CALLS
    assert server.counts()["successful"] == 2 * CALLS - saved


def test_what_a_batch_cannot_do_is_sent_live(start: Start, made: Made) -> None:
    server = start(batch_ends=["expired", "failed", "completed"], batch_rows={"no_choices": 0.3})
    project = made(server, delivery="batch_then_live")
    outcome = run(project)
    assert outcome.code == 0, outcome.err
    assert stored(project) == server.counts()["distinct_keys"] == CALLS
    with sqlite3.connect(project.folder / "store" / "calls.sqlite") as connection:
        reasons = {reason for (reason,) in connection.execute("SELECT DISTINCT reason FROM attempts")}
        dear = connection.execute("SELECT count(*) FROM calls WHERE dollars > 0.000015").fetchone()
    assert {"timeout", "bad request", "bad reply"} <= reasons
    assert "left by batches are sent live, at the full price" in outcome.err
    assert dear[0] > 0


def test_a_batch_that_is_turned_away_says_why(start: Start, made: Made) -> None:
    server = start(batch_ends=["failed"] * 9)
    project = made(server)
    outcome = run(project)
    assert outcome.code == 2
    assert "not supported by the Batch API" in outcome.err
    assert "max_failed" not in outcome.err, "nobody wants to allow that every call fails"
    assert server.counts()["successful"] == 0
    server.change(batch_ends=[])
    assert run(project).code == 0
    paid_once(server, project)


@pytest.mark.slow
def test_a_full_queue_stops_and_goes_on_later(start: Start, made: Made) -> None:
    server = start(batch_ends=["queue_full"] * 3)
    project = made(server)
    outcome = run(project)
    assert outcome.code == 3, outcome.err
    assert "Enqueued token limit" in outcome.err and "smaller batches" in outcome.err
    assert run(project).code == 0
    paid_once(server, project)


@pytest.mark.slow
def test_at_most_so_many_batches_are_open(start: Start, made: Made) -> None:
    server = start(batch_seconds=0.3)
    project = made(server, batch="open: 1")
    left = run(project, *LABEL, "--no-wait")
    assert left.code == 3 and server.counts()["batches"] == 1
    assert run(project).code == 0
    paid_once(server, project)


def test_kills_at_every_point_pay_nothing_twice(start: Start, made: Made) -> None:
    server = start(batch_faults={"hang": 1.0}, hold_seconds=60)
    project = made(server)
    process = project.start(*LABEL)
    until(lambda: server.counts()["by_fault"].get("hang", 0) == 1)
    commands().kill(process)  # while the file is handed over
    assert stages(project) == ["claimed"]
    server.change(batch_faults={}, batch_creations=["accept_and_hang"], batch_seconds=0.5, hold_seconds=60)
    process = project.start(*LABEL)
    until(lambda: server.counts()["batches"] == 1)
    commands().kill(process)  # accepted, but not heard of
    assert stages(project) == ["submitting"]
    process = project.start(*LABEL)
    until(lambda: server.counts()["batches"] == 3 and stages(project).count("open") >= 2)
    commands().kill(process)  # while it waits
    assert run(project, die_after=7).code == -signal.SIGKILL  # while it reads results
    assert 0 < stored(project) < CALLS
    last = run(project)
    assert last.code == 0, last.err
    paid_once(server, project)
    assert server.counts()["batches"] == 3


@pytest.mark.slow
def test_a_batch_that_was_never_accepted_is_submitted_again(start: Start, made: Made) -> None:
    server = start(batch_faults={"hang": 1.0}, hold_seconds=60)
    project = made(server)
    process = project.start(*LABEL)
    until(lambda: server.counts()["by_fault"].get("hang", 0) == 1)
    commands().kill(process)
    with sqlite3.connect(project.folder / "store" / "batches.sqlite") as connection:
        connection.execute("UPDATE batches SET stage = 'submitting', submitted_at = ?", (time.time(),))
    connection.close()
    server.change(batch_faults={})
    assert run(project).code == 0
    paid_once(server, project)


def test_two_runs_at_once_submit_every_call_once(start: Start, made: Made) -> None:
    server = start(batch_seconds=0.5)
    project = made(server)
    processes = [project.start(*LABEL) for _ in range(2)]
    for process in processes:
        outcome = commands().wait(process)
        assert outcome.code == 0, outcome.err
    paid_once(server, project)
    assert server.counts()["batches"] == 3


@pytest.mark.slow
def test_two_studies_may_share_a_batch(start: Start, made: Made) -> None:
    server = start(batch_seconds=1.0)
    project = made(server)
    assert run(project, *LABEL, "--no-wait").code == 3
    text = (project.folder / "spec.yaml").read_text(encoding="utf-8")
    project.write("less.yaml", text.replace("votes: 3", "votes: 1").replace("study: asked", "study: less"))
    project.write("live.yaml", live(project))
    less = run(project, "run", "less.yaml", "--stage", "label")
    assert less.code == 0, less.err
    assert stored(project) == 15
    one_by_one = run(project, "run", "live.yaml", "--stage", "label")
    assert one_by_one.code == 0, one_by_one.err
    paid_once(server, project)


def test_ctrl_c_leaves_the_batches_open(start: Start, made: Made) -> None:
    server = start(batch_seconds=1.5)
    project = made(server)
    process = project.start(*LABEL)
    until(lambda: stages(project).count("open") == 3)
    stopped = commands().kill(process, signal.SIGINT)
    assert stopped.code == 3, stopped.err
    assert "3 batches with 45 calls are open" in stopped.err and "the same command continues" in stopped.err
    assert run(project).code == 0
    paid_once(server, project)


def test_a_batch_can_be_cancelled(start: Start, made: Made) -> None:
    server = start(batch_seconds=30)
    project = made(server)
    assert run(project, *LABEL, "--no-wait").code == 3
    names = [row["name"] for row in json.loads(run(project, "store", "batches", "--json").out)]
    wrong = run(project, "store", "cancel", f"{names[0]}0")
    assert wrong.code == 2 and "did you mean" in wrong.err
    server.change(batch_seconds=0.1)
    for name in names:
        assert run(project, "store", "cancel", name[:8]).code == 0, "the beginning of a name will do"
    assert "cancelling" in run(project, "store").out or "running" in run(project, "store").out
    outcome = run(project)
    assert outcome.code in (0, 3), outcome.err
    assert run(project).code == 0
    paid_once(server, project)


def test_a_batch_that_the_provider_lost_is_not_paid_again_unasked(start: Start, made: Made) -> None:
    server = start(batch_seconds=30)
    project = made(server)
    assert run(project, *LABEL, "--no-wait").code == 3
    other = start()
    text = (project.folder / "spec.yaml").read_text(encoding="utf-8").replace(server.openai, other.openai)
    project.write("spec.yaml", text)
    lost = run(project)
    assert lost.code == 2 and "ragtally store forget" in lost.err
    for row in json.loads(run(project, "store", "batches", "--json").out):
        assert "20 calls" in (said := run(project, "store", "forget", row["name"]).out) or "5 calls" in said
        run(project, "store", "forget", row["name"], "--yes")
    assert run(project).code == 0
    paid_once(other, project)


def test_batch_prices_count_in_plan_and_budget(start: Start, made: Made) -> None:
    server = start()
    project = made(server, batch="discount: 0.75", more="budget: {usd: 0.0006}\n")
    planned = json.loads(run(project, "plan", "spec.yaml", "--json").out)["models"][0]
    assert (planned["batches"], planned["discount"], planned["hours"]) == (3, 0.75, 24.0)
    said = run(project, "plan", "spec.yaml").out
    assert "small by batches, 75 % off: 3 to submit" in said
    outcome = run(project)
    assert outcome.code == 0, outcome.err
    with sqlite3.connect(project.folder / "store" / "calls.sqlite") as connection:
        (dollars,) = connection.execute("SELECT sum(dollars) FROM calls").fetchone()
    # Tokens in and out of the server, at a quarter of the price.
    assert dollars == pytest.approx(planned["dollars"], rel=0.2)
    other = made(server, batch="discount: 0.0", more="budget: {usd: 0.0006}\n")
    other.write("spec.yaml", (other.folder / "spec.yaml").read_text().replace("0.7,", "0.6,"))
    stopped = run(other)
    assert stopped.code == 3 and "budget of $0.0006" in stopped.err


def test_a_key_is_in_no_file(start: Start, made: Made) -> None:
    server = start(api_key=KEY, batch_ends=["failed"], batch_rows={"garbage": 0.2})
    project = made(server, delivery="batch_then_live")
    run(project)
    server.change(api_key="another")
    project.write("spec.yaml", (project.folder / "spec.yaml").read_text().replace("0.7,", "0.6,"))
    refused = run(project)
    assert refused.code == 2 and "OPENAI_API_KEY" in refused.err
    for path in project.folder.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_files_can_be_removed_at_the_provider(start: Start, made: Made) -> None:
    server = start(batch_faults={})
    project = made(server, batch="keep_files: false")
    assert run(project).code == 0
    assert server.counts()["files"] == 0
    assert not list((project.folder / "store" / "tmp").iterdir())
