"""The process of a probe: some steps of one training and nothing else, so that its peak memory is that training's.

It reads a line of JSON that says which training, and writes a line for each thing that it measured. When its input
ends, whoever started it is gone, and it ends too.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ragtally.api import (
    DataError,
    Examples,
    LossPoint,
    PluginError,
    RagtallyError,
    Reading,
    ResumableReader,
    TrainingSession,
    TrainingStep,
    Vote,
)
from ragtally.api.errors import errors_as_data
from ragtally.registry import load_registry
from ragtally.spec.load import load_study
from ragtally.steps.train import load_training_set
from ragtally.support.local_models import gpu_peak
from ragtally.support.processes import peak_memory

STEPS, LONGEST_STEPS = 18, 2
# A probe of a slow training ends after so long, with three steps to time at least: the first one is not timed.
_SECONDS, _FEWEST = 600.0, 4
# So many copies of the longest example fill the largest batches, and give every answer some.
_BATCHES, _PER_ANSWER = 4, 8

Report = Callable[[Mapping[str, Any]], None]


class _Enough(Exception):
    """All that is to be known of a training is known."""


class _Watch:
    """Reports the steps of a training and how long they took, and ends it after some of them."""

    def __init__(self, part: str, most: int, report: Report) -> None:
        self._part, self._most, self._report = part, most, report
        self._begin = self._last = time.perf_counter()
        self._steps, self._is_over = 0, False

    def after_step(self, step: TrainingStep) -> bool:
        now = time.perf_counter()
        self._steps += 1
        seconds = now - self._last
        self._report({"part": self._part, "steps": step.steps, "tokens": step.tokens, "seconds": seconds})
        self._is_over = self._steps >= self._most or (now - self._begin > _SECONDS and self._steps >= _FEWEST)
        self._last = time.perf_counter()
        return not self._is_over

    def record(self, point: LossPoint, steps: int) -> None:
        now = time.perf_counter()
        epochs = point.epoch * steps / point.step
        self._report({"part": self._part, "epochs": epochs, "evaluation": now - self._last})
        if self._is_over:
            raise _Enough
        self._last = now


def main() -> None:
    """Do what the line on standard input says."""
    # Ctrl-C reaches both processes, and the other one ends this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Where memory runs out, Linux is to end this process and not the one that can say so.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, args=(Path(request["scratch"]),), daemon=True).start()
    # What libraries print is no report.
    reports = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def report(content: Mapping[str, Any]) -> None:
        reports.write(json.dumps(content) + "\n")

    try:
        _probe(request, report)
        report({"memory": peak_memory(), "gpu": gpu_peak()})
    except RagtallyError as error:
        report({"errors": errors_as_data(error)})
    reports.close()


def _end_with_input(scratch: Path) -> None:
    while os.read(0, 1024):
        pass
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


def _probe(request: Mapping[str, Any], report: Report) -> None:
    registry = load_registry()
    study = load_study(request["spec"], registry)
    choice, vote = study.readers[request["reader"]].choice, Vote("measure", 0, study.seed)
    try:
        examples = _examples(request["folders"])
        parts = (("beginning", STEPS, examples), ("longest", LONGEST_STEPS, _longest(examples, request["batch"])))
        for part, most, some in parts:
            reader = registry.build(choice)
            if not isinstance(reader, ResumableReader):
                raise PluginError(f"the reader {choice.name!r} trains in no session, so that its steps are not seen")
            watch, folder = _Watch(part, most, report), Path(request["scratch"]) / part
            folder.mkdir(mode=0o700)
            with suppress(_Enough):
                reader.train_in(TrainingSession(folder, watch.record, watch.after_step), some, vote)
            # The next part is not to be measured on top of this one.
            del reader
            gc.collect()
    except RagtallyError as error:
        error.location = error.location or study.location(f"readers.{request['reader']}")
        raise


def _examples(folders: Mapping[str, str | None]) -> Examples:
    """What the reader learns from; of a split whose base is not there yet, what has gold labels."""
    paths = {role: None if folder is None else Path(folder) for role, folder in folders.items()}
    reading, labels = load_training_set(paths["prepare"], paths["sample"], paths["context"], paths["base"])  # type: ignore[arg-type]
    rows = [row for row, label in enumerate(labels) if label is not None]
    if not rows:
        raise DataError(
            "no question of the split that it learns from has a label yet",
            hint="ragtally run SPEC --stage train, where voters label it; or a labelled split under train",
        )
    return Examples(_rows(reading, rows), [labels[row] for row in rows])


def _longest(examples: Examples, batch: int) -> Examples:
    """The longest example again and again, with each of the answers: no batch of the training needs more memory."""
    reading, answers = examples.reading, examples.reading.answers
    lengths = [
        len(question) + sum(map(len, passages)) + (0 if answers else len(label))
        for question, passages, label in zip(reading.question, reading.passages, examples.label, strict=True)
    ]
    row, copies = lengths.index(max(lengths)), max(_BATCHES * batch, _PER_ANSWER * max(1, len(answers)))
    several = _rows(reading, [row] * copies)
    several = Reading([f"{number}" for number in range(copies)], several.question, several.passages, answers)
    return Examples(several, list(itertools.islice(itertools.cycle(answers or [examples.label[row]]), copies)))


def _rows(reading: Reading, rows: list[int]) -> Reading:
    columns = (reading.id, reading.question, reading.passages)
    ids, questions, passages = ([column[row] for row in rows] for column in columns)
    return Reading(ids, questions, passages, reading.answers)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
