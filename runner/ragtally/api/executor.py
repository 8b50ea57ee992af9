"""The contract of an executor: does jobs somewhere, on this machine's cores or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Needs:
    """What a job wants of the machine that does it.

    Attributes:
        cpus: Cores that it keeps busy.
        gpus: Graphics cards that it makes use of where there are any; it can do without.
        memory: Bytes that it holds at its largest, or 0 where that is not known.
    """

    cpus: float = 1
    gpus: float = 0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work, as text that can go to another process or machine.

    Attributes:
        name: What it is, for people.
        text: What the function that does it is called with.
        needs: What it wants of the machine.
    """

    name: str
    text: str
    needs: Needs = field(default_factory=Needs)


JobFunction = Callable[[str], str]
"""Does a job's text and returns a text: a function at the top of an importable module, which raises nothing."""


@dataclass(frozen=True, slots=True)
class ExecutorTraits:
    """What the engine knows of an executor before it builds it.

    Attributes:
        is_default: Whether it is used where nobody names one.
        does_tasks: Whether every task that can leave this process goes to it. Otherwise only the pieces of large
            tasks do, since a task of one piece is done sooner than a process is started.
        is_remote: Whether its workers may have other software, or another view of the disk, than this process: both
            are then compared before work starts.
    """

    is_default: bool = False
    does_tasks: bool = True
    is_remote: bool = True


@runtime_checkable
class Executor(Protocol):
    """Does jobs. It knows nothing of what they are, and keeps nothing of them: finished work lies in the store."""

    def run(self, function: JobFunction, jobs: Sequence[Job]) -> Iterator[tuple[int, str]]:
        """Do jobs, several at once and in any order; starts what it needs when it is first called.

        It is called by several threads at once where each call of a language model is a job.

        Args:
            function: Does one job.
            jobs: The jobs.

        Yields:
            Of each job its position among `jobs` and what the function returned, as soon as it has ended.

        Raises:
            StoppedError: If workers die of one job again and again, or there are none left. What has ended before
                stays in the store, and the same command goes on from there.
            RagtallyError: If it cannot start.
        """
        ...

    def slots(self, needs: Needs) -> int:
        """Tell how many jobs of the same needs are done at once.

        Args:
            needs: What each of them wants of a machine.

        Returns:
            How many; 1 or more.

        Raises:
            RagtallyError: As `run` does.
        """
        ...

    def survey(self, function: JobFunction, text: str) -> Sequence[tuple[str, str]]:
        """Call a function once on each machine, to learn what is there.

        Args:
            function: The function.
            text: What it is called with.

        Returns:
            Of each machine its name for people, and what the function returned there.

        Raises:
            RagtallyError: As `run` does.
        """
        ...

    def close(self) -> None:
        """End what was started; nothing is called after that. Also called after an error or Ctrl-C."""
        ...
