"""A probe: a few steps of a training, whose memory and speed take the place of what was estimated."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any

from ragtally.advice import probe_process
from ragtally.advice.fit import Fit, Need, unknown_needs
from ragtally.advice.memory import Amount
from ragtally.analysis.estimate import CONFIDENCE
from ragtally.analysis.jackknife import student_quantile
from ragtally.api import Choice, DataError, Location, PluginError, RagtallyError, SpecError, did_you_mean, raise_all
from ragtally.api.errors import errors_from_data
from ragtally.plan.tasks import StudyTasks
from ragtally.registry import Registry
from ragtally.spec.study import Study
from ragtally.steps import BASE, Task
from ragtally.workspace import Workspace

_STEPS = probe_process.STEPS + probe_process.LONGEST_STEPS
# Without the working directory among the places of modules, as `ragtally` itself runs.
_COMMAND = [sys.executable, "-P", "-m", "ragtally.advice.probe_process"]
# Of what a process prints before its end the last line says why it came.
_LAST_LINE = 300


@dataclass(frozen=True, slots=True)
class Speed:
    """How long the steps of a training take."""

    seconds: tuple[float, ...]  # Of each step that was timed
    tokens: tuple[int, ...]  # Of the examples of each of them
    steps: int  # The whole training has at most
    epochs: int
    evaluation: float  # Seconds that the losses take after each epoch

    @property
    def seconds_per_step(self) -> Amount:
        """The mean with its 95 % interval (Student's)."""
        mean = statistics.fmean(self.seconds)
        if len(self.seconds) < 2:
            return Amount(0.0, mean, math.inf)
        error = statistics.stdev(self.seconds) / math.sqrt(len(self.seconds))
        reach = error * student_quantile(CONFIDENCE, len(self.seconds) - 1)
        return Amount(max(min(self.seconds), mean - reach), mean, mean + reach)

    @property
    def tokens_per_second(self) -> float:
        """Tokens of examples that are learnt from in a second."""
        return sum(self.tokens) / sum(self.seconds)

    @property
    def hours(self) -> Amount:
        """The whole training, where it does not stop early."""
        others = self.epochs * self.evaluation
        return Amount(*((self.steps * seconds + others) / 3600 for seconds in self.seconds_per_step))


@dataclass(frozen=True, slots=True)
class TrainingProbe:
    """What some steps of a reader's training have shown."""

    reader: str
    memory: int  # Bytes at most: of a GPU where it trains on one, without what the driver holds, else of main memory
    estimate: Amount  # Of the same
    steps: int  # How many were taken
    speed: Speed | None  # None where too few were taken

    @property
    def error(self) -> float:
        """By which share the estimate was too high; below 0 where it was too low."""
        return self.estimate.likely / self.memory - 1


@dataclass
class _Reports:
    """What the process has told."""

    steps: list[Mapping[str, Any]] = field(default_factory=list)
    evaluations: list[Mapping[str, Any]] = field(default_factory=list)
    memory: Mapping[str, Any] | None = None
    errors: list[RagtallyError] = field(default_factory=list)

    def add(self, content: Mapping[str, Any]) -> None:
        if "tokens" in content:
            self.steps.append(content)
        elif "evaluation" in content:
            self.evaluations.append(content)
        elif "errors" in content:
            self.errors += errors_from_data(content["errors"])
        else:
            self.memory = content

    def speed(self) -> Speed | None:
        """That of the training from its beginning."""
        # The first step waits for what is loaded and compiled.
        steps = [step for step in self.steps if step["part"] == "beginning"][1:]
        evaluations = [each for each in self.evaluations if each["part"] == "beginning"]
        if not steps or not evaluations:
            return None
        seconds, tokens = (tuple(step[name] for step in steps) for name in ("seconds", "tokens"))
        # Between epochs some readers record losses that they have at hand, which takes no time.
        last = evaluations[-1]
        return Speed(seconds, tokens, steps[0]["steps"], round(last["epochs"]), last["evaluation"])


def probe_trainings(
    study: Study, registry: Registry, workspace: Workspace, needs: Sequence[Need], readers: Sequence[str]
) -> tuple[list[TrainingProbe], list[RagtallyError]]:
    """Probe readers that are tuned here, all of them where none is named; with what went wrong with others."""
    names = [name for name, pick in study.readers.items() if _is_tuned(registry, pick.choice)]
    for name in readers:
        if name not in names:
            hint = did_you_mean(name, names) if names else "add one, as tuned: {lora: {base: ...}}"
            raise SpecError(f"{name!r} is no reader of this study that is tuned on this machine", hint=hint)
    if not names:
        message = "no reader of this study is tuned on this machine, so that there is nothing to probe"
        raise SpecError(message, location=study.location("readers"), hint="leave --probe out")
    probes: list[TrainingProbe] = []
    errors: list[RagtallyError] = []
    by_name, tasks = {need.name: need for need in needs}, StudyTasks(study, registry)
    unknown = unknown_needs(study, registry)
    for name in readers or names:
        need = by_name.get(f"reader {name}")
        try:
            if need is None:
                reason = unknown[f"reader {name}"]
                message, place = f"{name} was not probed: {reason.message}", study.location(f"readers.{name}")
                raise DataError(message, location=place, hint=reason.hint)
            probes.append(_probe(need, name, study, tasks, workspace))
        except RagtallyError as error:
            errors.append(error)
    return probes, errors


def _is_tuned(registry: Registry, choice: Choice) -> bool:
    """Whether a reader is trained by steps here, or would be if its model were here."""
    say = registry.get(choice).component.footprint
    if say is None or not registry.traits(choice).trains:
        return False
    footprint = say(choice.parameters)
    return footprint is None or footprint.tuning is not None


def _probe(need: Need, name: str, study: Study, tasks: StudyTasks, workspace: Workspace) -> TrainingProbe:
    """Take some steps of a reader's training in a process of its own; nothing of it stays."""
    location = study.location(f"readers.{name}")
    if (reason := _obstacle(need)) is not None:
        raise DataError(f"{name} was not probed: {reason[0]}", location=location, hint=reason[1])
    tuning = need.footprint.tuning
    assert tuning is not None
    with workspace.store.scratch() as scratch:
        request = {
            "spec": study.file,
            "reader": name,
            "folders": _folders(tasks, name, workspace),
            "batch": tuning.batch,
            "scratch": str(scratch),
        }
        reports = _run(request, name, workspace, location)
    if reports.memory is None or not reports.steps:
        raise PluginError(f"{name} was not probed: its training reported no step", location=location)
    on_gpu = need.footprint.device == "gpu"
    libraries = next((part.amount for part in need.parts if part.name == "libraries"), Amount(0, 0, 0))
    estimate = Amount(*(all_ - (own if on_gpu else 0) for all_, own in zip(need.amount, libraries, strict=True)))
    memory = reports.memory["gpu"] if on_gpu and reports.memory["gpu"] else reports.memory["memory"]
    return TrainingProbe(name, memory, estimate, len(reports.steps), reports.speed())


def _obstacle(need: Need) -> tuple[str, str] | None:
    """Why a training must not be tried, and what to do."""
    if need.fit is Fit.NO_DEVICE:
        return "there is no GPU here, and its device says to train on one", "device: cpu, or a machine with a GPU"
    if need.available is not None and need.amount.low > need.available:
        least, free = (f"{size / 1e9:,.1f} GB" for size in (need.amount.low, need.available))
        changes = "; then ".join(change for change, _ in need.remedies)
        return f"it takes {least} at least, and {free} are free", changes or "a smaller model, or a larger machine"
    return None


def _folders(tasks: StudyTasks, name: str, workspace: Workspace) -> dict[str, str | None]:
    inputs = tasks.training(name)
    base = inputs.get("base")
    is_there = isinstance(base, Task) and workspace.store.complete(BASE.stored_as, base.address)
    folders: dict[str, str | None] = {
        "base": str(workspace.entry(base)) if is_there and isinstance(base, Task) else None
    }
    for role in ("prepare", "sample", "context"):
        task = inputs[role]
        assert isinstance(task, Task)
        folders[role] = str(workspace.entry(task))
    return folders


def _run(request: Mapping[str, Any], name: str, workspace: Workspace, location: Location) -> _Reports:
    reports = _Reports()
    with tempfile.TemporaryFile() as errors, _process(errors) as process:
        assert process.stdin is not None and process.stdout is not None
        with suppress(BrokenPipeError):  # Of a process that has ended already, its last words say more
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        for line in process.stdout:
            reports.add(json.loads(line))
            workspace.progress.measure(f"probe of {name}", _STEPS, len(reports.steps))
        code = process.wait()
        raise_all(reports.errors)
        if code:
            raise _death(code, name, len(reports.steps), _last_line(errors), location)
    return reports


@contextmanager
def _process(errors: IO[bytes]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8"
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1][:_LAST_LINE] if lines else ""


def _death(code: int, name: str, steps: int, last_line: str, location: Location) -> RagtallyError:
    after = f"after {steps} of {_STEPS} steps"
    if code == -9:
        return DataError(
            f"the probe of {name} was killed {after}, as a system does whose memory is used up",
            location=location,
            hint="a smaller batch or model; what it needs is estimated without --probe",
        )
    return PluginError(f"the probe of {name} ended {after} (exit code {code}): {last_line}", location=location)
