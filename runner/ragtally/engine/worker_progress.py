"""How far the jobs of workers are: each notes it in a file, which is read where the work was planned."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragtally.api import LossPoint, RagtallyError
from ragtally.steps import Task
from ragtally.workspace import Workspace

_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Note:
    """How far a job is."""

    what: str
    total: int
    so_far: int
    label: str
    losses: Sequence[Mapping[str, Any]] = ()  # Of a training, as fields of `LossPoint`


class WorkerProgress:
    """Keeps a job's warnings, which go back with its report, and notes how far it is, at most once a second."""

    def __init__(self, path: str | None = None) -> None:
        # In a folder that is not on this machine where it has a store of its own: then nothing is noted.
        self._path = None if path is None or not Path(path).parent.is_dir() else Path(path)
        self._losses: Sequence[LossPoint] = ()
        self._note: Note | None = None  # What is not written yet
        self._written = 0.0
        self.warnings: list[str] = []

    def start(self, step: str, total: int, so_far: int) -> None: ...
    def advance(self, step: str, label: str) -> None: ...
    def measure(self, what: str, total: int, so_far: int, label: str = "") -> None:
        self._note = Note(what, total, so_far, label)
        if time.monotonic() - self._written >= _SECONDS:
            self.finish()

    def watch(self, task: Task, points: Sequence[LossPoint]) -> None:
        """Note the losses of a training with what is measured next."""
        self._losses = points

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def finish(self) -> None:
        """Write what is not written yet."""
        if self._path is None or self._note is None:
            return
        losses = [dataclasses.asdict(point) for point in self._losses]
        part = self._path.with_suffix(".part")
        with suppress(OSError):
            part.write_text(json.dumps(dataclasses.asdict(self._note) | {"losses": losses}), encoding="utf-8")
            part.replace(self._path)
        self._note, self._written = None, time.monotonic()


@contextmanager
def relayed_progress(tasks: Mapping[Path, Task], workspace: Workspace) -> Iterator[None]:
    """Pass on, while the work goes on, what is noted at some paths about tasks."""
    ended = threading.Event()

    def listen() -> None:
        last_texts: dict[Path, str] = {}
        is_last = False
        while not is_last:
            is_last = ended.wait(_SECONDS)
            for path, task in tasks.items():
                # A file that is not there yet, or not whole; a disk that is full is reported where it stops the work.
                with suppress(OSError, ValueError, TypeError, RagtallyError):
                    text = path.read_text(encoding="utf-8")
                    if text != last_texts.get(path):
                        last_texts[path] = text
                        _pass_on(Note(**json.loads(text)), task, workspace)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _pass_on(note: Note, task: Task, workspace: Workspace) -> None:
    what = note.what if note.what == task.label else f"{task.label}: {note.what}"
    workspace.progress.measure(what, note.total, note.so_far, note.label)
    if note.losses:
        for watch in workspace.loss_watchers:
            watch(task, [LossPoint(**point) for point in note.losses])
