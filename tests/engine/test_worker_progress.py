"""What workers note of their progress is told where the work was planned."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ragtally.api import LossPoint
from ragtally.engine import worker_progress
from ragtally.engine.worker_progress import WorkerProgress, relayed_progress
from ragtally.steps import TRAIN, Task
from toy_study import toy_registry
from workbench import Bench

TASK = Task(TRAIN, "r1:0", {}, {}, {}, "words measure vote 1")
POINTS = [LossPoint(1, 0.5, 2.0, None), LossPoint(2, 1.0, None, 1.5)]


@pytest.fixture(autouse=True)
def short_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_progress, "_SECONDS", 0.01)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_progress_and_losses_of_a_worker_are_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, toy_registry())
    seen: list[tuple[Task, Sequence[LossPoint]]] = []
    planner = replace(bench.location, loss_watchers=[lambda task, points: seen.append((task, points))])
    worker = WorkerProgress(str(tmp_path / "0.json"))
    with relayed_progress({tmp_path / "0.json": TASK}, planner):
        worker.watch(TASK, POINTS)
        worker.measure("words measure vote 1", 10, 2, "loss 2")
        wait_until(lambda: seen)
        # What is noted last counts, however soon after another it comes.
        worker.measure("texts", 30, 3)
        worker.measure("texts", 30, 30)
        worker.finish()
    assert seen[0] == (TASK, POINTS)
    assert bench.notes.measured == ["words measure vote 1", "words measure vote 1: texts"]


def test_nothing_is_noted_where_the_planners_folder_is_not(tmp_path: Path) -> None:
    worker = WorkerProgress(str(tmp_path / "elsewhere" / "0.json"))
    worker.measure("texts", 30, 3)
    worker.warn("look")
    assert not list(tmp_path.iterdir()) and worker.warnings == ["look"]
