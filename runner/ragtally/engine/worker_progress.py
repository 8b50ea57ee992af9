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
        self._written = 0.0
        self.warnings: list[str] = []

    def start(self, step: str, total: int, so_far: int) -> None: ...
    def advance(self, step: str, label: str) -> None: ...
    def measure(self, what: str, total: int, so_far: int, label: str = "") -> None:
        if self._path is None or time.monotonic() - self._written < _SECONDS:
            return
        self._written = time.monotonic()
        note = Note(what, total, so_far, label, [dataclasses.asdict(point) for point in self._losses])
        part = self._path.with_suffix(".part")
        with suppress(OSError):
            part.write_text(json.dumps(dataclasses.asdict(note)), encoding="utf-8")
            part.replace(self._path)

    def watch(self, task: Task, points: Sequence[LossPoint]) -> None:
        """Note the losses of a training with what is measured next."""
        self._losses = points

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def finish(self) -> None: ...


@contextmanager
def heard(tasks: Mapping[Path, Task], workspace: Workspace) -> Iterator[None]:
    """Tell, while the work goes on, of what is noted at some paths about tasks."""
    ended = threading.Event()

    def listen() -> None:
        seen: dict[Path, str] = {}
        while not ended.wait(_SECONDS):
            for path, task in tasks.items():
                # A disk that is full is told of where it stops the work.
                with suppress(OSError, RagtallyError):
                    text = path.read_text(encoding="utf-8")
                    if text != seen.get(path):
                        seen[path] = text
                        _tell(Note(**json.loads(text)), task, workspace)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _tell(note: Note, task: Task, workspace: Workspace) -> None:
    what = note.what if note.what == task.label else f"{task.label}: {note.what}"
    workspace.progress.measure(what, note.total, note.so_far, note.label)
    if note.losses:
        for watch in workspace.loss_watchers:
            watch(task, [LossPoint(**point) for point in note.losses])
