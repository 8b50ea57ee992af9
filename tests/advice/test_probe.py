"""Probes: what a short training reports, what follows from it, and how its process ends."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from model_shapes import LORA, SMOLLM2
from ragtally.advice import probe, probe_process
from ragtally.advice.fit import Fit, Need, need_of, with_peak
from ragtally.advice.machine import Gpu, Machine
from ragtally.advice.memory import Amount
from ragtally.api import (
    TRAIN_PARAMETER,
    Component,
    DataError,
    Examples,
    Footprint,
    LossPoint,
    PluginError,
    RagtallyError,
    ReaderTraits,
    SpecError,
    TrainingSession,
    TrainingStep,
    Vote,
)
from ragtally.api.errors import errors_as_data, errors_from_data
from ragtally.support.processes import is_running
from toy_study import TINY, Notes, toy_registry
from workbench import Bench

GB = 10**9
MACHINE = Machine(2, 64 * GB, 32 * GB)


class Stepper:
    """Takes thirty steps of two epochs, or fails at one of them."""

    footprint: Footprint | None = Footprint(SMOLLM2, 32, 32, "cpu", LORA)
    fails_at: int | None = None
    learnt: Sequence[Examples] = ()
    folders: Sequence[list[Path]] = ()

    def train_in(self, session: TrainingSession, examples: Examples, vote: Vote) -> None:
        type(self).learnt = [*self.learnt, examples]
        type(self).folders = [*self.folders, list(session.checkpoints.iterdir())]
        (session.checkpoints / "half").write_text("a checkpoint")
        for number in range(1, 31):
            if number == self.fails_at:
                raise DataError("the loss is not a number any more", hint="rate: 1e-5")
            goes_on = session.after_step(TrainingStep(number, 30, 100))
            if number % 15 == 0 or not goes_on:
                session.record(LossPoint(number, number / 15, 0.5, 0.6), 30)
            assert goes_on, "what is recorded last is all that a probe wants to know"

    def train(self, examples: Examples, vote: Vote) -> None:
        raise AssertionError

    save = load = read = train


def footprint(parameters: Mapping[str, Any]) -> Footprint | None:
    return Stepper.footprint


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for name in ("learnt", "folders"):
        monkeypatch.setattr(Stepper, name, ())
    traits, params = ReaderTraits(trains=True), {"train": TRAIN_PARAMETER}
    stepper = Component("stepper", Stepper, "Steps.", params=params, traits=traits, footprint=footprint)
    bench = Bench(tmp_path, toy_registry({"reader": [stepper]}))
    monkeypatch.setattr(probe_process, "load_registry", lambda: bench.registry)
    return bench


SPEC = TINY.replace("learner: learner", "tuned: {stepper: {train: {split: train}}}").replace(", learner]", "]")


def reports(bench: Bench) -> list[Mapping[str, Any]]:
    """What the process of a probe would report, from this process."""
    from ragtally.plan.tasks import StudyTasks

    study = bench.study(SPEC)
    folders = probe._folders(StudyTasks(study, bench.registry), "tuned", bench.location)
    (bench.folder / "scratch").mkdir()
    scratch, said = str(bench.folder / "scratch"), []
    request = {"spec": study.file, "reader": "tuned", "folders": folders, "batch": 4, "scratch": scratch}
    probe_process._probe(request, lambda content: said.append(json.loads(json.dumps(content))))
    return said


def texts_of(examples: Examples) -> list[tuple[str, ...]]:
    rows = zip(examples.reading.question, examples.reading.passages, strict=True)
    return [(question, *passages) for question, passages in rows]


def test_steps_are_taken_from_the_beginning_and_on_the_longest_example(bench: Bench) -> None:
    said = reports(bench)
    steps = [each["part"] for each in said if "tokens" in each]
    assert steps == ["beginning"] * 18 + ["longest"] * 2
    assert [each["epochs"] for each in said if "evaluation" in each] == [2.0] * 3
    all_, longest = Stepper.learnt
    texts, (text,) = texts_of(all_), set(texts_of(longest))
    assert sum(map(len, text)) == max(sum(map(len, each)) for each in texts)
    assert set(longest.label) == set(all_.reading.answers) and len(longest) >= 16
    assert Stepper.folders == [[], []], "no part goes on from another's checkpoints"


def test_an_error_of_the_training_has_its_place(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stepper, "fails_at", 3)
    with pytest.raises(DataError, match="not a number") as raised:
        reports(bench)
    assert raised.value.location is not None and raised.value.location.line == 6
    assert list(map(str, errors_from_data(errors_as_data(raised.value)))) == [str(raised.value)]


def test_a_slow_training_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 100))
    monkeypatch.setattr(probe_process.time, "perf_counter", lambda: float(next(clock)))
    watch = probe_process._Watch("beginning", 18, lambda content: None)
    assert [watch.after_step(TrainingStep(number, 900, 9)) for number in range(1, 5)] == [True, True, True, False]


def tell(*contents: Mapping[str, Any]) -> probe._Reports:
    told = probe._Reports()
    for content in contents:
        told.add(content)
    return told


def step(seconds: float, part: str = "beginning") -> dict[str, Any]:
    return {"part": part, "steps": 40, "tokens": 100, "seconds": seconds}


def test_the_whole_training_takes_its_steps_and_what_comes_after_each_epoch() -> None:
    evaluation = {"part": "beginning", "epochs": 4.0, "evaluation": 9.0}
    speed = tell(step(50), step(1), step(2), step(3), evaluation, step(99, "longest")).speed()
    assert speed is not None
    assert (speed.seconds, speed.steps, speed.epochs) == ((1, 2, 3), 40, 4)
    assert speed.tokens_per_second == 50
    assert speed.hours.likely == pytest.approx((40 * 2 + 4 * 9) / 3600)
    # Student's quantile of two degrees of freedom, 4.303, and a standard error of 1 / sqrt(3); no step was faster.
    assert speed.seconds_per_step.low == 1
    assert speed.seconds_per_step.high == pytest.approx(2 + 4.303 / math.sqrt(3), rel=0.02)
    assert tell(step(50), evaluation).speed() is None


def need(free: float = 32, footprint: Footprint | None = None) -> Need:
    own = footprint or Footprint(SMOLLM2, 32, 32, "cpu", LORA)
    return need_of("reader tuned", own, Machine(2, 64 * GB, int(free * GB)))


def test_what_was_measured_decides_whether_it_fits() -> None:
    tight = need(4.2)
    assert tight.fit is not Fit.FITS and tight.remedies
    after = with_peak(tight, 3 * GB)
    assert (after.fit, after.remedies, after.peak) == (Fit.FITS, (), 3 * GB)
    assert with_peak(tight, 5 * GB).fit is Fit.TOO_LARGE
    assert with_peak(tight, None) is tight
    assert probe.TrainingProbe("tuned", 4, Amount(1, 3, 5), 20, None).error == pytest.approx(-0.25)


@pytest.mark.parametrize(
    ("own", "cause", "remedy"),
    [
        (need(0.5), "GB at least, and 0.5 GB are free", "a smaller model"),
        (need(footprint=Footprint(SMOLLM2, 32, 16, "gpu", LORA)), "there is no GPU here", "device: cpu"),
    ],
)
def test_what_cannot_fit_is_not_tried(bench: Bench, own: Need, cause: str, remedy: str) -> None:
    study = bench.study(SPEC)
    probes, (error,) = probe.probe_trainings(study, bench.registry, bench.location, [own], ())
    assert probes == [] and cause in error.message and remedy in str(error.hint)
    assert error.location is not None and error.location.line == 6


def test_only_readers_that_are_tuned_here_are_probed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    work = (bench.study(SPEC), bench.registry, bench.location, [need()])
    with pytest.raises(SpecError, match="'finder' is no reader of this study that is tuned"):
        probe.probe_trainings(*work, ["finder"])
    study = bench.study(TINY)
    with pytest.raises(SpecError, match="nothing to probe"):
        probe.probe_trainings(study, *work[1:], ())
    monkeypatch.setattr(Stepper, "footprint", None)
    _, (error,) = probe.probe_trainings(*work[:3], [], ())
    assert "tuned was not probed: its model's size is not written" in error.message
    monkeypatch.setattr(Stepper, "footprint", Footprint(SMOLLM2, 32))
    with pytest.raises(SpecError, match="nothing to probe"):
        probe.probe_trainings(*work[:3], [], ())


def run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, script: str
) -> tuple[list[probe.TrainingProbe], list[RagtallyError]]:
    """Probe with another program in place of the training."""
    monkeypatch.setattr(probe, "_COMMAND", [sys.executable, "-S", "-c", script])
    return probe.probe_trainings(bench.study(SPEC), bench.registry, bench.location, [need()], ())


def scratch(bench: Bench) -> list[Path]:
    return list((bench.store.root / "tmp").iterdir())


def test_a_process_that_reports_makes_a_probe(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [step(5), step(1), {"part": "beginning", "epochs": 2, "evaluation": 1}, {"memory": 4 * GB, "gpu": None}]
    ((own,), errors) = run(bench, monkeypatch, f"for line in {list(map(json.dumps, lines))!r}: print(line)")
    assert errors == [] and (own.reader, own.memory, own.steps) == ("tuned", 4 * GB, 2)
    assert own.error == pytest.approx(need().amount.likely / (4 * GB) - 1)
    assert scratch(bench) == []


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        ("import os; os.kill(os.getpid(), 9)", DataError, "was killed after 0 of 20 steps, as a system does"),
        ("import sys; sys.exit('no torch')", PluginError, "ended after 0 of 20 steps (exit code 1): no torch"),
        ("pass", PluginError, "reported no step"),
    ],
)
def test_a_process_that_dies_says_why(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, script: str, kind: type[RagtallyError], message: str
) -> None:
    probes, (error,) = run(bench, monkeypatch, script)
    assert probes == [] and isinstance(error, kind) and message in error.message
    assert error.location is not None and error.location.line == 6


def test_ctrl_c_ends_the_process_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(self: Notes, what: str, total: int, done: int, label: str = "") -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Notes, "measure", measure)
    pid = bench.folder / "pid"
    script = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid()));"
    script += "print('{\"memory\": 1}', flush=True); time.sleep(60)"
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(bench, monkeypatch, script)
    assert time.monotonic() - begin < 30
    assert not is_running(int(pid.read_text())) and scratch(bench) == []


def test_vram_is_compared_without_what_the_driver_holds(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(2, 64 * GB, 32 * GB, (Gpu("large", 80 * GB, 79 * GB),))
    own = need_of("reader tuned", Footprint(SMOLLM2, 32, 16, "gpu", LORA), machine)
    script = f"""print('{json.dumps(step(1))}'); print('{{"memory": 9000000000, "gpu": 3000000000}}')"""
    monkeypatch.setattr(probe, "_COMMAND", [sys.executable, "-S", "-c", script])
    ((only,), _) = probe.probe_trainings(bench.study(SPEC), bench.registry, bench.location, [own], ())
    libraries = next(part.amount for part in own.parts if part.name == "libraries")
    assert only.memory == 3 * GB and only.estimate.likely == own.amount.likely - libraries.likely
