"""Work shared with other machines: what is there is looked up before work starts, what is done here is uploaded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from ragtally.api import RagtallyError
from ragtally.plan import STAGES, StudyPlan, in_order
from ragtally.registry import Registry
from ragtally.steps import ASK, INDEX, Step, Task
from ragtally.store import DamagedEntry, Store
from ragtally.store.shared_store import Key, SharedStore
from ragtally.store.uploads import Upload
from ragtally.workspace import Workspace

_SMALL = 1 << 20
_FETCHES_AT_ONCE = 16


class Sharing:
    """What a run takes from the shared store and adds to it; does nothing where there is none."""

    def __init__(self, tasks: Sequence[Task], workspace: Workspace) -> None:
        self._tasks = tasks
        self._progress = workspace.progress
        self._registry = workspace.registry
        self._store = workspace.store
        self._apart: set[Task] = set()

    def look_up(self) -> None:
        """Learn what of the tasks others have done.

        Raises:
            StoreError: If the shared store cannot be read: what is done there, and paid for, is not done again.
        """
        if (tier := self._store.tier) is None:
            return
        tier.set_apart([_key(task) for task in self._tasks if _stays_here(task, self._registry)])
        tier.look_up(_key(task) for task in self._tasks if task.step is ASK or not _is_here(task, self._store))
        self._set_apart_own_answers(tier)
        # What was asked while there was no shared store: what rests on it may be shared from now on.
        for task in self._tasks:
            if task.step is ASK:
                self._share(tier, task)
        tier.next_step()

    def push(self) -> int:
        """Share everything that is done here, in the background; returns how many entries that is."""
        if (tier := self._store.tier) is None:
            return 0
        self.look_up()
        tier.look_up(map(_key, self._tasks))
        count, step = 0, None
        for task in self._tasks:
            if task.step is not step:
                tier.next_step()
            step = task.step
            count += self._share(tier, task)
        return count

    def pull(self, largest: int | None = None) -> int:
        """Bring everything here that others have done, or what of it is not too large; returns how many entries."""
        if (tier := self._store.tier) is None:
            return 0
        self.look_up()
        absent = [
            task
            for task in self._tasks
            if not _is_here(task, self._store)
            and (record := tier.record(*_key(task))) is not None
            and (largest is None or record.size <= largest)
        ]
        if not absent:
            return 0
        begin, count = time.monotonic(), 0
        with ThreadPoolExecutor(_FETCHES_AT_ONCE) as pool:
            for number, is_sound in enumerate(pool.map(self._fetch, absent), 1):
                count += is_sound
                if time.monotonic() - begin > 1:
                    self._progress.measure("entries from the shared store", len(absent), number)
        return count

    def pull_small(self) -> None:
        """Bring everything here that results may be read from: one after the other, each would be waited for."""
        if self._store.tier is None:
            return
        with suppress(RagtallyError):
            # What cannot be fetched may not be needed; where it is, that is an error then.
            self.pull(_SMALL)
        self._progress.finish()

    def begin(self, tasks: Sequence[Task]) -> Sequence[Task]:
        """Those of a step's tasks that nobody has done since they were looked up."""
        if (tier := self._store.tier) is None:
            return tasks
        try:
            tier.look_up(map(_key, tasks))
        except RagtallyError as error:
            # They were not there a while ago, and can be done here.
            self._progress.warn(f"{error}\nthe work goes on without it")
        return [task for task in tasks if not _is_done(task, self._store)]

    def end(self, step: Step) -> None:
        """All of a step's tasks are done."""
        if (tier := self._store.tier) is None:
            return
        tier.next_step()
        if step is ASK:
            # Of two who ask at the same time the first one's answers stay: who was second needs to know before
            # anything rests on the answers.
            tier.wait()
            self._set_apart_own_answers(tier)

    def finish(self, *, wait: bool) -> None:
        """Wait until everything is shared, and say what could not be."""
        if (tier := self._store.tier) is not None and (error := tier.flush() if wait else tier.give_up()):
            self._progress.warn(str(error))

    def _fetch(self, task: Task) -> bool:
        try:
            self._store.open(*_key(task))
        except DamagedEntry as damage:
            self._progress.warn(str(damage))
            return False
        return True

    def _share(self, tier: SharedStore, task: Task) -> bool:
        step, address = _key(task)
        if not _is_here(task, self._store) or not tier.lacks(step, address):
            return False
        try:
            entry = self._store.open(step, address)
        except DamagedEntry as damage:
            self._progress.warn(str(damage))
            return False
        return tier.share(Upload(step, address, entry.folder, self._store.scratch))

    def _set_apart_own_answers(self, tier: SharedStore) -> None:
        """Use nothing from the shared store that rests on other answers than those that are here, nor add to it."""
        for task in self._tasks:
            rests_on_own = any(source in self._apart for inputs in task.inputs.values() for source in inputs)
            if rests_on_own or (task.step is ASK and self._has_other_answers(tier, task)):
                self._apart.add(task)
        if tier.set_apart([_key(task) for task in self._apart]):
            self._progress.warn(
                f"{len(self._apart):,} of {len(self._tasks):,} tasks rest on answers that were asked here and by "
                "others too, and came out otherwise there: they are neither shared nor taken from the shared store"
            )

    def _has_other_answers(self, tier: SharedStore, task: Task) -> bool:
        return _is_here(task, self._store) and tier.differs(*_key(task), self._store.folder(*_key(task)))


def sharing_of(plan: StudyPlan, workspace: Workspace, stages: Sequence[str] = STAGES) -> Sharing:
    """What some stages of a study, or all of it, have to do with the shared store."""
    return Sharing(in_order([task for stage in stages for task in plan.goals(stage)]), workspace)


def _key(task: Task) -> Key:
    return task.step.stored_as, task.address


def _is_here(task: Task, store: Store) -> bool:
    return store.is_here(*_key(task))


def _is_done(task: Task, store: Store) -> bool:
    return store.complete(*_key(task))


def _stays_here(task: Task, registry: Registry) -> bool:
    """Whether an index is of use to this machine alone: what it needs lies on a server that others may not reach."""
    return task.step is INDEX and registry.get(task.choices["retriever"]).component.external_resource is not None
