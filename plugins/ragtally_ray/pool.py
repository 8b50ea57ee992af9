"""A pool of workers that are alike: one job at a time each. One that dies costs its job a try, and is replaced."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, Literal

import ray
from ray.exceptions import OutOfMemoryError, RayError

from ragtally_ray.worker import Worker

_SECONDS_TO_START = 2.0


@dataclass(frozen=True)
class WorkerNeeds:
    """What each worker of a pool has to itself."""

    cpus: float
    gpus: float
    memory: int

    def fit(self, resources: dict[str, float]) -> int:
        """How many workers a machine has room for."""
        pairs = ((self.cpus, "CPU"), (self.gpus, "GPU"), (self.memory, "memory"))
        return min((int(resources.get(name, 0) // need) for need, name in pairs if need), default=0)

    def cover(self, other: WorkerNeeds) -> bool:
        """Whether a worker has all that another one needs; a card that it does not need is kept free."""
        return (self.cpus, self.gpus) == (other.cpus, other.gpus) and self.memory >= other.memory

    def __str__(self) -> str:
        words = [f"{self.cpus:g} CPU{'s' if self.cpus != 1 else ''}"]
        words += [f"{self.gpus:g} GPU{'s' if self.gpus != 1 else ''}"] if self.gpus else []
        words += [f"{self.memory / 1e9:.1f} GB of memory"] if self.memory else []
        return " and ".join(words)


@dataclass(frozen=True)
class PoolJob:
    """A job, and whose it is."""

    run: int
    position: int
    function: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    job: PoolJob
    kind: Literal["done", "missing", "bug", "lost"]  # `lost`: its workers died, as often as it was tried
    text: str


class Pool:
    """Starts a worker when there is a job for it, and keeps it for the next one."""

    def __init__(self, needs: WorkerNeeds, size: int, retries: int) -> None:
        self.needs, self.size, self._retries = needs, size, retries
        self.waiting: deque[PoolJob] = deque()
        self.last_death = ""
        self._last_request = 0.0
        self._idle: list[Any] = []
        self._starting: dict[Any, Any] = {}  # Workers by what tells that they are there
        self._busy: dict[Any, tuple[Any, PoolJob]] = {}
        self._tries: Counter[PoolJob] = Counter()

    @property
    def is_working(self) -> bool:
        """Whether there are jobs."""
        return bool(self._busy or self.waiting)

    @property
    def has_workers(self) -> bool:
        """Whether any worker is there, and not only asked for."""
        return bool(self._busy or self._idle)

    @property
    def lacks_room(self) -> bool:
        """Whether workers that were asked for did not come, though there is work for them."""
        return bool(self.waiting and self._starting) and time.monotonic() - self._last_request > _SECONDS_TO_START

    @property
    def is_ready(self) -> bool:
        """Whether a worker waits for a job."""
        return bool(self._idle)

    @property
    def refs(self) -> list[Any]:
        """What there is to wait for."""
        return [*self._busy, *self._starting]

    def hand_out(self) -> None:
        """Give jobs to the workers that have none, and ask for more workers."""
        while self.waiting and self._idle:
            worker, job = self._idle.pop(), self.waiting.popleft()
            self._busy[worker.do.remote(job.function, job.text)] = worker, job
        missing = min(self.size - len(self._busy), len(self.waiting)) - len(self._starting)
        for _ in range(missing):
            self._last_request = time.monotonic()
            options = {
                "num_cpus": self.needs.cpus,
                "num_gpus": self.needs.gpus,
                "memory": self.needs.memory or None,
                "scheduling_strategy": "SPREAD",
                # What becomes of the job of a worker that died is decided here.
                "max_restarts": 0,
                "max_task_retries": 0,
            }
            worker = ray.remote(Worker).options(**options).remote(max(1, int(self.needs.cpus)))
            self._starting[worker.begin.remote()] = worker

    def settle(self, ref: Any) -> Outcome | None:
        """See what came of something that was waited for; None where no job ended."""
        if (worker := self._starting.pop(ref, None)) is not None:
            try:
                ray.get(ref)
            except RayError as error:
                self._bury(worker, error)
            else:
                self._idle.append(worker)
            return None
        worker, job = self._busy.pop(ref)
        try:
            kind, text = ray.get(ref)
        except RayError as error:
            self._bury(worker, error)
            self._tries[job] += 1
            if self._tries[job] <= self._retries:
                self.waiting.appendleft(job)
                return None
            kind, text = "lost", self.last_death
        else:
            self._idle.append(worker)
        del self._tries[job]
        return Outcome(job, kind, text)

    def drop(self, run: int) -> None:
        """Forget the jobs of a run for which nobody waits any more."""
        self.waiting = deque(job for job in self.waiting if job.run != run)

    def release(self) -> None:
        """End the workers that have no job, so that others get their room."""
        for worker in [*self._idle, *self._starting.values()]:
            ray.kill(worker)
        self._idle.clear()
        self._starting.clear()

    def _bury(self, worker: Any, error: RayError) -> None:
        self.last_death = reason(error)
        # One that is out of reach may still be at work.
        ray.kill(worker)


def reason(error: RayError) -> str:
    """The last sentence of what Ray says of a death; before it stand names of its own."""
    if isinstance(error, OutOfMemoryError):
        return "its machine was out of memory"
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("\t")]
    return (lines[-1] if lines else type(error).__name__)[:300]
