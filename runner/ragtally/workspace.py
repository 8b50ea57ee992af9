"""Where the work of a study is done, and how its entries are opened and made."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ragtally.api import ChatModel, Choice, Location, LossPoint, RagtallyError, StoreError
from ragtally.api.errors import errors_at
from ragtally.registry import Registry
from ragtally.steps import FIRST, Shard, Step, Task, Work
from ragtally.store import (
    DamagedEntry,
    Draft,
    Entry,
    SharedStore,
    Store,
    calls,
    sweep_parts,
    tuning,
    vectors,
)
from ragtally.store.calls import CallStore
from ragtally.store.tuning import TuningStore
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


def open_store(root: Path, shared_store: str | None, progress: Progress) -> Store:
    """Open a store, with the one at a URL that is shared with other machines."""

    def report(message: str, so_far: int | None, total: int | None) -> None:
        if so_far is None or total is None:
            progress.warn(message)
        else:
            progress.measure(message, total, so_far)

    return Store(root, None if shared_store is None else SharedStore(shared_store, report))


class Delegate(Protocol):
    """Has work done elsewhere; what it comes to lies in the store afterwards."""

    def prepare(self, tasks: Sequence[Task], workspace: Workspace) -> None:
        """Make sure, before any work, that these tasks can be done."""
        ...

    def takes(self, task: Task, workspace: Workspace) -> bool:
        """Tell whether a task that is not cut into pieces is done elsewhere."""
        ...

    def do(self, task: Task, shards: Sequence[Shard], workspace: Workspace) -> Iterator[Shard]:
        """Do pieces of a task, in any order; yields each when it is done."""
        ...

    def do_tasks(self, tasks: Sequence[Task], workspace: Workspace) -> Iterator[Task]:
        """Do tasks that none of the others reads; yields each when it is done."""
        ...

    def embeds(self, embedder: Choice, registry: Registry) -> bool:
        """Tell whether texts are embedded elsewhere."""
        ...

    def embed(
        self, task: Task, role: vectors.Role, batches: Sequence[Sequence[str]], workspace: Workspace
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Embed the texts of a task; yields the position of each batch with its vectors when they are made."""
        ...

    def model(self, choice: Choice, registry: Registry) -> ChatModel | None:
        """A model whose weights others hold; None where it is asked from here."""
        ...

    def model_slots(self, choice: Choice, registry: Registry) -> int | None:
        """How many calls are done at once by those who hold a model's weights; None where it is asked from here."""
        ...

    def close(self) -> None:
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

    # Does the pieces of large tasks; without one, they are done here, one after the other.
    delegate: Delegate | None = None

    # Whether pieces are done on several machines, and so go through the shared store.
    shares_pieces: bool = False

    @functools.cached_property
    def calls(self) -> CallStore:
        """The answers of language models, beside the finished work."""
        return CallStore(self.store.root / calls.FILE_NAME)

    @functools.cached_property
    def vectors(self) -> VectorStore:
        """The vectors of texts that were expensive to make, likewise."""
        return VectorStore(self.store.root / vectors.FILE_NAME)

    @functools.cached_property
    def tunings(self) -> TuningStore:
        """The fine-tuning jobs of providers, likewise."""
        return TuningStore(self.store.root / tuning.FILE_NAME)

    def entry(self, task: Task) -> Path:
        """Open a task's entry (see `open`)."""
        return self.open(task).folder

    def open(self, task: Task) -> Entry:
        """Open a task's entry, doing its work (again) where it is missing or damaged."""
        # Of one that is damaged here, others may have shared another copy.
        while self.store.complete(task.step.stored_as, task.address):
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
        entries = self._entries(task)
        with errors_at(task.location):
            pieces = self._pieces(task, entries)
            with self.store.write(task.step.stored_as, task.address) as draft:
                draft.earlier.extend(piece.seconds for piece in pieces)
                if task.step.sharding and pieces:
                    folders = [piece.folder for piece in pieces if piece.address != FIRST]
                    task.step.sharding.merge(self._work(task, entries, draft, pieces[0].folder), folders)
                else:
                    task.step.run(self._work(task, entries, draft))
                draft.provisional.extend(
                    f"{entry.step} is provisional" for read in entries.values() for entry in read if entry.provisional
                )
        shutil.rmtree(self._scratch(task), ignore_errors=True)
        if pieces and (tier := self._store_of_pieces(task).tier) is not None:
            try:
                tier.remove()
            except RagtallyError as error:
                self.progress.warn(f"{error}\nthe pieces of {task.label} stay there")

    def make_all(self, tasks: Sequence[Task]) -> Iterator[Task]:
        """Do tasks, those first that others of them read; yields each when it is done."""
        left = dict.fromkeys(tasks)
        while left:
            ready = [task for task in left if left.keys().isdisjoint(task.sources)]
            jobs = {task for task in ready if self.delegate and self._is_job(task, self.delegate)}
            if self.delegate and jobs:
                yield from self.delegate.do_tasks([task for task in ready if task in jobs], self)
            for task in ready:
                if task not in jobs:
                    self.make(task)
                    yield task
                del left[task]

    def _is_job(self, task: Task, delegate: Delegate) -> bool:
        return delegate.takes(task, self) and self.piece_count(task) < 2

    def piece_count(self, task: Task) -> int:
        """Tell into how many pieces a task is cut, doing what it reads where that is missing."""
        entries = self._entries(task)
        with errors_at(task.location):
            return self._piece_count(task, entries)

    def make_piece(self, task: Task, shard: Shard) -> None:
        """Do a piece of a task's work, unless it is done."""
        pieces, step = self._store_of_pieces(task), task.step
        if step.sharding is None or pieces.complete(step.name, shard.address):
            return
        entries = self._entries(task)
        first = pieces.open(step.name, FIRST).folder if step.sharding.first else None
        with errors_at(task.location), pieces.write(step.name, shard.address) as draft:
            step.sharding.run(self._work(task, entries, draft, first), shard)
        _share(pieces)

    def _pieces(self, task: Task, entries: Mapping[str, tuple[Entry, ...]]) -> list[Entry]:
        """Do what is missing of a task's pieces, and give all; none where it is done as a whole."""
        if (count := self._piece_count(task, entries)) < 2:
            return []
        step, pieces = task.step.name, self._store_of_pieces(task)
        pieces.sweep()
        first = self._first_piece(task, entries)
        shards = [Shard(number, count) for number in range(count)]
        keys = [(step, shard.address) for shard in shards]
        if pieces.tier is not None:
            pieces.tier.look_up(keys)
        missing = [shard for shard in shards if not pieces.complete(step, shard.address)]
        for so_far, _ in enumerate(self._done(task, missing), count - len(missing) + 1):
            self.progress.measure(f"pieces of {task.label}", count, so_far)
        if pieces.tier is not None:
            pieces.tier.look_up(keys, after=0)
        done = []
        for shard in shards:
            try:
                done.append(pieces.open(step, shard.address))
            except DamagedEntry as damage:
                self.progress.warn(f"{damage}; doing it again")
                self.make_piece(task, shard)
                done.append(pieces.open(step, shard.address))
        return [*first, *done]

    def _first_piece(self, task: Task, entries: Mapping[str, tuple[Entry, ...]]) -> list[Entry]:
        """Do what all pieces of a task need, if anything."""
        step, pieces = task.step, self._store_of_pieces(task)
        if step.sharding is None or step.sharding.first is None:
            return []
        if pieces.complete(step.name, FIRST):
            with suppress(DamagedEntry):
                return [pieces.open(step.name, FIRST)]
        with pieces.write(step.name, FIRST) as draft:
            step.sharding.first(self._work(task, entries, draft))
        _share(pieces)
        return [pieces.open(step.name, FIRST)]

    def _piece_count(self, task: Task, entries: Mapping[str, tuple[Entry, ...]]) -> int:
        if not task.step.sharding:
            return 1
        with self.store.scratch() as folder:
            return task.step.sharding.count(self._work(task, entries, Draft(folder)))

    def _store_of_pieces(self, task: Task) -> Store:
        return self.store.pieces(task.step.stored_as, task.address, elsewhere=self.shares_pieces)

    def _done(self, task: Task, shards: Sequence[Shard]) -> Iterator[Shard]:
        if self.delegate is not None:
            yield from self.delegate.do(task, shards, self)
            return
        for shard in shards:
            self.make_piece(task, shard)
            yield shard

    def _entries(self, task: Task) -> dict[str, tuple[Entry, ...]]:
        return {role: tuple(self.open(read) for read in inputs) for role, inputs in task.inputs.items()}

    def _work(
        self, task: Task, entries: Mapping[str, tuple[Entry, ...]], draft: Draft, shared: Path | None = None
    ) -> Work:
        return Work(
            task,
            self.registry,
            entries,
            draft.folder,
            self.calls,
            self.vectors,
            self.tunings,
            draft.provisional,
            self._measure,
            self._scratch(task),
            self.watch_losses,
            shared or draft.folder,
        )

    def _scratch(self, task: Task) -> Path:
        return self.store.checkpoints(task.step.stored_as, task.address)

    def watch_losses(self, task: Task, points: Sequence[LossPoint], steps: int) -> None:
        """Tell whoever watches of the losses of a training, and how many steps there are at most."""
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


def _share(pieces: Store) -> None:
    """Wait until others can read what was done of a task."""
    if pieces.tier is not None and (error := pieces.tier.flush()):
        raise error
