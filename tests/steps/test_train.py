"""The step train: a training that is stopped goes on, and its losses are seen while it runs."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ragtally.api import (
    TRAIN_PARAMETER,
    Answers,
    Component,
    Examples,
    LossPoint,
    ReaderTraits,
    Reading,
    StoreError,
    TrainingPiece,
    TrainingSession,
    Vote,
)
from ragtally.store.inventory import garbage
from ragtally.store.locks import FileLock
from ragtally.tables import load_losses
from toy_study import OPEN, TINY, toy_registry
from workbench import Bench

STEPS = 6


class Runner:
    """Takes six steps, with a checkpoint after each other one; is stopped at a step where a test says so."""

    stop_at: int | None = None
    first_steps: Sequence[int] = ()
    labels: Sequence[str] = ()

    def train(self, examples: Examples, vote: Vote) -> None:
        raise AssertionError("a reader that can go on is trained in a session")

    def train_in(self, session: TrainingSession, examples: Examples, vote: Vote) -> None:
        type(self).labels = examples.label
        checkpoint = session.checkpoints / "step"
        first = int(checkpoint.read_text()) if checkpoint.is_file() else 0
        type(self).first_steps = [*self.first_steps, first]
        for step in range(first + 1, STEPS + 1):
            dev = 1 / step if step % 3 == 0 else None
            session.record(LossPoint(step, step / 2, train=2 / step, dev=dev), STEPS)
            if step == self.stop_at:
                raise KeyboardInterrupt
            if step % 2 == 0:
                checkpoint.write_text(str(step))

    def save(self, folder: Path) -> None:
        (folder / "model").write_text("trained")

    def load(self, folder: Path) -> None:
        assert (folder / "model").read_text() == "trained"

    def read(self, reading: Reading, vote: Vote) -> Answers:
        count = len(reading)
        return Answers(text=[None] * count, choice=["yes"] * count, error=[None] * count)


class Counter:
    """Counts each answer, in pieces."""

    stop_at: int | None = None
    pieces: Sequence[int] = ()

    def train(self, examples: Examples, vote: Vote) -> None:
        raise AssertionError("what is cut into pieces is not trained as a whole")

    def count_pieces(self, examples: Examples) -> int:
        return 3

    def prepare_pieces(self, folder: Path, examples: Examples) -> None:
        (folder / "answers").write_text(" ".join(examples.reading.answers))

    def do_piece(self, piece: TrainingPiece, examples: Examples) -> None:
        if piece.number == self.stop_at:
            raise KeyboardInterrupt
        type(self).pieces = [*self.pieces, piece.number]
        some = list(examples.label)[piece.rows(len(examples.label))]
        counts = [some.count(answer) for answer in (piece.preparation / "answers").read_text().split()]
        (piece.folder / "counts").write_text(json.dumps(counts))

    def train_from_pieces(self, preparation: Path, pieces: Sequence[Path], examples: Examples, vote: Vote) -> None:
        counts = [json.loads((piece / "counts").read_text()) for piece in pieces]
        total = [sum(column) for column in zip(*counts, strict=True)]
        self.learnt = dict(zip((preparation / "answers").read_text().split(), total, strict=True))
        assert self.learnt == {answer: list(examples.label).count(answer) for answer in self.learnt}

    def save(self, folder: Path) -> None:
        (folder / "learnt").write_text(json.dumps(self.learnt))

    def load(self, folder: Path) -> None:
        self.learnt = json.loads((folder / "learnt").read_text())

    def read(self, reading: Reading, vote: Vote) -> Answers:
        count, most = len(reading), max(self.learnt, key=lambda answer: self.learnt[answer])
        return Answers(text=[None] * count, choice=[most] * count, error=[None] * count)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(Runner, "stop_at", None)
    monkeypatch.setattr(Runner, "first_steps", ())
    traits = ReaderTraits(trains=True, answers="both")
    runner = Component("runner", Runner, "Runs.", params={"train": TRAIN_PARAMETER}, traits=traits)
    monkeypatch.setattr(Counter, "stop_at", None)
    monkeypatch.setattr(Counter, "pieces", ())
    traits = ReaderTraits(trains=True, in_pieces=True)
    counter = Component("counter", Counter, "Counts.", params={"train": TRAIN_PARAMETER}, traits=traits)
    return Bench(tmp_path, toy_registry({"reader": [runner, counter]}))


MODEL = "runner label vote 1"
SPEC = TINY.replace("learner: learner", "learner: {runner: {train: {split: train}}}").replace("learner", "runner")


def curve(bench: Bench) -> list[dict[str, Any]]:
    with (bench.folders.results / "tiny" / "plots" / "loss.csv").open(encoding="utf-8", newline="") as handle:
        return [row for row in csv.DictReader(handle) if row["model"] == MODEL]


def stopped(bench: Bench, in_use: list[tuple[str, str]] | None) -> int:
    return sum(each.why == "left by work that was stopped" for each in garbage(bench.store, in_use))


def test_a_training_that_is_stopped_goes_on_and_its_curve_is_whole(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runner, "stop_at", 5)
    with pytest.raises(KeyboardInterrupt):
        bench.run(SPEC, ("train",))
    written = next((bench.folders.results / "tiny" / "plots").glob("loss.csv")).read_text().splitlines()
    assert written[0] == "model,part,epoch,step,loss" and len(written) == 1 + 5 + 1  # while it ran
    assert stopped(bench, None) == 0 and stopped(bench, []) == 1
    monkeypatch.setattr(Runner, "stop_at", None)
    bench.run(SPEC, ("train",))
    assert Runner.first_steps[:2] == [0, 4]
    assert [(row["part"], int(row["step"])) for row in curve(bench)] == [
        *(("train", step) for step in range(1, STEPS + 1)), ("dev", 3), ("dev", 6),
    ]  # fmt: skip
    assert not list((bench.store.root / "checkpoints").iterdir())
    goal = next(task for task in bench.plan(SPEC).goals("train") if task.label == MODEL)
    entry = bench.do(goal)
    assert load_losses(entry)[2] == LossPoint(3, 1.5, 2 / 3, 1 / 3)
    assert {path.name for path in entry.iterdir()} == {"entry.json", "losses.parquet", "model"}


def test_a_model_is_trained_by_one_process_at_a_time(bench: Bench) -> None:
    task = bench.plan(SPEC).goals("train")[0]
    lock = FileLock(bench.store.checkpoints("train", task.address) / "lock")
    assert lock.take()
    with pytest.raises(StoreError, match="another process trains runner label vote 1 already"):
        bench.do(task)
    assert stopped(bench, []) == 0


def test_a_training_in_pieces_does_those_alone_that_are_missing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = SPEC.replace("runner", "counter").replace("votes: 2", "votes: 1")
    monkeypatch.setattr(Counter, "stop_at", 2)
    with pytest.raises(KeyboardInterrupt):
        bench.run(spec, ("train",))
    monkeypatch.setattr(Counter, "stop_at", None)
    bench.run(spec, ("train",))
    assert Counter.pieces == [0, 1, 2]
    assert not list((bench.store.root / "checkpoints").iterdir())


def test_open_answers_are_learnt_by_their_first_references(bench: Bench) -> None:
    spec = OPEN.replace("{speaker: speaker}", "{speaker: speaker, runner: runner}")
    bench.run(spec.replace("reader: speaker", "reader: runner"), ("train",))
    assert len(Runner.labels) > 5 and set(Runner.labels) <= {"yes", "no", "maybe"}
