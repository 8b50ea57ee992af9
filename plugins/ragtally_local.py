"""The executor `local`: processes on this machine's cores."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from multiprocessing.context import SpawnProcess

from ragtally import Component, ExecutorTraits, Job, JobFunction, Needs, StoppedError, hookimpl

_PARAMETERS = {
    "workers": {
        "type": ["integer", "null"],
        "minimum": 1,
        "default": None,
        "description": "How many processes work at once; one per core of this machine where it is left out.",
    },
}


class LocalExecutor:
    """Starts the processes when there are several jobs; a single one is done at once, in this process."""

    def __init__(self, workers: int | None) -> None:
        self._workers = workers or len(os.sched_getaffinity(0))
        self._pool: ProcessPoolExecutor | None = None

    def run(self, function: JobFunction, jobs: Sequence[Job]) -> Iterator[tuple[int, str]]:
        """Do jobs (see `ragtally.api.Executor.run`)."""
        if min(self._workers, len(jobs)) < 2:
            yield from ((position, function(job.text)) for position, job in enumerate(jobs))
            return
        if self._pool is None:
            # Forked processes would inherit locks of threads that they do not have.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, context, _begin)
        waiting, room = deque(enumerate(jobs)), self._room(jobs)
        futures: dict[Future[str], int] = {}
        try:
            while waiting or futures:
                while waiting and len(futures) < room:
                    position, job = waiting.popleft()
                    futures[self._pool.submit(function, job.text)] = position
                for future in wait(futures, return_when=FIRST_COMPLETED).done:
                    yield futures.pop(future), future.result()
        except BrokenExecutor as error:
            raise StoppedError(
                "a process that did a part of the work was killed; where memory is short, the system does that",
                hint="run the same command again: what is done stays; with fewer processes it takes less memory "
                "(--executor local --local-workers 1)",
            ) from error
        finally:
            for future in futures:
                future.cancel()

    def _room(self, jobs: Sequence[Job]) -> int:
        """How many jobs may be done at once: no more than there is memory for."""
        if not (memory := max(job.needs.memory for job in jobs)):
            return self._workers
        import psutil

        return max(1, min(self._workers, psutil.virtual_memory().available // memory))

    def slots(self, needs: Needs) -> int:
        """Say how many processes there are (see `ragtally.api.Executor.slots`)."""
        return self._workers

    def survey(self, function: JobFunction, text: str) -> Sequence[tuple[str, str]]:
        """Ask this machine (see `ragtally.api.Executor.survey`)."""
        return [("this machine", function(text))]

    def close(self) -> None:
        """End the processes, whatever they are busy with."""
        if self._pool is None:
            return
        children = [child for child in multiprocessing.active_children() if isinstance(child, SpawnProcess)]
        for child in children:
            child.terminate()
        self._pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Prepare a process: it ends with the one that started it, and leaves the other cores to the others."""
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))
    with contextlib.suppress(ValueError):
        # Ctrl-C reaches every process of the terminal; who started this one tells the user.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)


@hookimpl
def register_executors() -> list[Component]:
    """Offer `local`."""
    traits = ExecutorTraits(is_default=True, does_tasks=False, is_remote=False)
    summary = "Processes on this machine's cores, for the pieces of large tasks; everything else is done at once."
    return [Component("local", LocalExecutor, summary, params=_PARAMETERS, traits=traits)]
