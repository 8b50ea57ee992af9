"""A pool of workers: one job at a time each. One that dies costs its job a try, and is replaced."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayError

from ragtally_ray.worker import Worker

TICK = 0.5
# After so many jobs of which workers die, the others would end no better.
_MOST_FAILURES = 3
_AGAIN = "run the same command again: what is done stays"


class FailureError(Exception):
    """What goes to ragtally as an error."""

    def __init__(self, kind: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.hint = kind, message, hint


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

    def __str__(self) -> str:
        words = [f"{self.cpus:g} CPUs"]
        words += [f"{self.gpus:g} GPUs"] if self.gpus else []
        words += [f"{self.memory / 1e9:.1f} GB of memory"] if self.memory else []
        return " and ".join(words)


@dataclass
class Pool:
    """Workers that are alike."""

    needs: WorkerNeeds
    size: int  # How many there are at most
    retries: int
    wait: float
    _idle: list[Any] = field(default_factory=list)
    _starting: dict[Any, Any] = field(default_factory=dict)  # Workers by what tells that they are there
    _last_death: str = ""

    def run(
        self, function: str, count: int, jobs: Callable[[], Iterator[tuple[int, str, str]]]
    ) -> Iterator[tuple[int, str]]:
        """Do so many jobs, which come bit by bit; yields what each returned, in the order in which they end."""
        waiting: deque[tuple[int, str, str]] = deque()
        busy: dict[Any, tuple[Any, tuple[int, str, str]]] = {}
        tries: Counter[int] = Counter()
        failures: list[str] = []
        left = to_come = count
        alone_since = time.monotonic()
        while left:
            news = list(jobs())
            to_come -= len(news)
            waiting.extend(news)
            self._grow(min(self.size, left) - len(busy))
            while waiting and self._idle:
                worker, job = self._idle.pop(), waiting.popleft()
                busy[worker.do.remote(function, job[2])] = worker, job
            if busy or self._idle:
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since > self.wait:
                raise self._no_room()
            # While more jobs are on their way a worker may be idle, which must not wait for those that are not.
            timeout = 0.02 if self._idle and to_come else TICK
            for ref in _ready([*busy, *self._starting], timeout):
                if ref in self._starting:
                    self._greet(ref)
                    continue
                worker, job = busy.pop(ref)
                reply = self._reply(ref, worker, job, tries)
                if reply is not None:
                    left -= 1
                    yield job[0], reply
                elif tries[job[0]] <= self.retries:
                    waiting.appendleft(job)
                else:
                    left -= 1
                    failures.append(job[1])
                    if len(failures) >= _MOST_FAILURES:
                        raise self._stopped(failures)
        if failures:
            # A job of which workers die costs itself alone: the others are done by now.
            raise self._stopped(failures)

    def close(self) -> None:
        """End the workers, so that others get their room."""
        for worker in [*self._idle, *self._starting.values()]:
            ray.kill(worker)
        self._idle.clear()
        self._starting.clear()

    def _grow(self, total: int) -> None:
        for _ in range(total - len(self._idle) - len(self._starting)):
            worker = (
                ray.remote(Worker)
                .options(
                    num_cpus=self.needs.cpus,
                    num_gpus=self.needs.gpus,
                    memory=self.needs.memory or None,
                    scheduling_strategy="SPREAD",
                    # Whoever waits for a job decides what becomes of it when its worker dies.
                    max_restarts=0,
                    max_task_retries=0,
                )
                .remote(max(1, int(self.needs.cpus)))
            )
            self._starting[worker.begin.remote()] = worker

    def _greet(self, ref: Any) -> None:
        worker = self._starting.pop(ref)
        try:
            ray.get(ref)
        except RayError as error:
            self._last_death = reason(error)
            ray.kill(worker)
            return
        self._idle.append(worker)

    def _reply(self, ref: Any, worker: Any, job: tuple[int, str, str], tries: Counter[int]) -> str | None:
        """What a job came to; None where its worker died."""
        try:
            outcome, text = ray.get(ref)
        except RayError as error:
            tries[job[0]] += 1
            self._last_death = reason(error)
            # One that is out of reach may still be at work.
            ray.kill(worker)
            return None
        self._idle.append(worker)
        if outcome == "done":
            return str(text)
        if outcome == "missing":
            hint = "install on every machine of the cluster what is installed here"
            raise FailureError("user", f"a worker cannot import {text}", hint)
        raise FailureError("bug", f"{job[1]} failed on a worker:\n{text}")

    def _no_room(self) -> FailureError:
        why = f": {self._last_death}" if self._last_death else ""
        return FailureError(
            "stopped",
            f"the cluster has had no room for a process with {self.needs} for {self.wait:g} seconds{why}",
            f"look what else runs there (ray status), or wait for longer (--ray-wait); then {_AGAIN}",
        )

    def _stopped(self, failures: list[str]) -> FailureError:
        times = "once" if self.retries == 0 else f"{self.retries + 1} times each"
        return FailureError(
            "stopped",
            f"the process that did it died, {times}: {'; '.join(failures)} ({self._last_death})",
            f"{_AGAIN}. Where memory is short, processes are killed: start fewer (--ray-workers)",
        )


def _ready(refs: list[Any], timeout: float) -> list[Any]:
    if not refs:
        time.sleep(timeout)
        return []
    ready: list[Any] = ray.wait(refs, num_returns=1, timeout=timeout)[0]
    return ready


def reason(error: RayError) -> str:
    """The last sentences of what Ray says of a death; before them stand names of its own."""
    if isinstance(error, OutOfMemoryError):
        return "its machine was out of memory"
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("\t")]
    return (lines[-1] if lines else type(error).__name__)[:300]
