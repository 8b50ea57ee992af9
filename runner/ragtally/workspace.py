"""Where the work of a study is done, and how its entries are opened and made."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ragtally.api import Location, LossPoint, RagtallyError, StoreError
from ragtally.registry import Registry
from ragtally.steps import Step, Task, Work
from ragtally.store import DamagedEntry, Entry, Store, calls, sweep_parts, vectors
from ragtally.store.calls import CallStore
from ragtally.store.vectors import VectorStore


class Progress(Protocol):
    """Receives the progress of the work."""

    def start(self, step: str, total: int, so_far: int) -> None:
        """A step begins."""
        ...

    def advance(self, step: str, label: str) -> None:
        """A piece of work is done."""
        ...

    def measure(self, what: str, total: int, so_far: int, label: str = "") -> None:
        """Something outside the steps is so far: a download, say."""
        ...

    def warn(self, message: str) -> None:
        """Something was repaired that the user should know about."""
        ...

    def finish(self) -> None:
        """All work is done, or stopped."""
        ...


@dataclass(frozen=True)
class Workspace:
    """What running needs besides the plan."""

    store: Store  # Where finished work lies
    registry: Registry
    progress: Progress  # Is told how it goes
    # By step, what gets the calls or vectors of a task that is done again because its entry is gone.
    suppliers: dict[Step, Callable[[Task], None]] = field(default_factory=dict)

    # Are told of the losses of a training while it runs.
    loss_watchers: list[Callable[[Task, Sequence[LossPoint]], None]] = field(default_factory=list)

    @functools.cached_property
    def calls(self) -> CallStore:
        """The answers of language models, beside the finished work."""
        return CallStore(self.store.root / calls.FILE_NAME)

    @functools.cached_property
    def vectors(self) -> VectorStore:
        """The vectors of texts that were expensive to make, likewise."""
        return VectorStore(self.store.root / vectors.FILE_NAME)

    def entry(self, task: Task) -> Path:
        """Open a task's entry (see `open`)."""
        return self.open(task).folder

    def open(self, task: Task) -> Entry:
        """Open a task's entry, doing its work (again) where it is missing or damaged."""
        if self.store.complete(task.step.stored_as, task.address):
            try:
                return self.store.open(task.step.stored_as, task.address)
            except DamagedEntry as damage:
                self.progress.warn(f"{damage}; doing it again")
        if (supply := self.suppliers.get(task.step)) is not None:
            supply(task)
        self.make(task)
        return self.store.open(task.step.stored_as, task.address)

    def make(self, task: Task) -> None:
        """Do a task's work, unless its entry is complete."""
        if self.store.complete(task.step.stored_as, task.address):
            return
        entries = {role: tuple(self.open(read) for read in inputs) for role, inputs in task.inputs.items()}
        scratch = self.store.checkpoints(task.step.stored_as, task.address)
        try:
            with self.store.write(task.step.stored_as, task.address) as draft:
                work = Work(
                    task,
                    self.registry,
                    entries,
                    draft.folder,
                    self.calls,
                    self.vectors,
                    draft.provisional,
                    self._measure,
                    scratch,
                    self._watch_losses,
                )
                task.step.run(work)
                draft.provisional.extend(
                    f"{entry.step} is provisional" for read in entries.values() for entry in read if entry.provisional
                )
        except RagtallyError as error:
            if error.location is None:
                error.location = task.location
            raise
        shutil.rmtree(scratch, ignore_errors=True)

    def _watch_losses(self, task: Task, points: Sequence[LossPoint], steps: int) -> None:
        last = points[-1]
        parts = {"loss": last.train, "dev": last.dev}
        label = ", ".join(f"{name} {loss:.4g}" for name, loss in parts.items() if loss is not None)
        self.progress.measure(task.label, steps, last.step, label)
        for watch in self.loss_watchers:
            watch(task, points)

    def _measure(self, what: str, so_far: int | None, total: int | None) -> None:
        if so_far is not None and total is not None:
            self.progress.measure(what, total, so_far)

    def require_writable(self, folder: Path) -> None:
        """Make sure, before any work, that results can be written."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                sweep_parts(folder)
        except OSError as error:
            raise StoreError(
                f"the results cannot be written: {error.strerror or error}",
                location=Location(str(folder)),
                hint="make the folder writable (chmod u+w), or name another one with --results",
            ) from error
