"""The suite for executors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from ragtally.api import Executor, Job, Needs, StoppedError
from ragtally.testing.component import ComponentSuite

_TEXTS = ("plain", "", "çãé 日本語 🜁", '{"json": [1, 2]}', "two\nlines", "long " * 50_000)


class ExecutorSuite(ComponentSuite):
    """Checks an executor with parameters that let it do two jobs at once."""

    kind = "executor"
    protocol = Executor

    @contextmanager
    def executor(self, build: Callable[[], Any]) -> Iterator[Executor]:
        """Build it, and close it whatever happens."""
        executor: Executor = build()
        try:
            yield executor
        finally:
            executor.close()

    def test_every_job_is_done_once_and_says_which_it_is(self, build: Callable[[], Any]) -> None:
        """The texts go there and come back as they are."""
        with self.executor(build) as executor:
            replies = list(executor.run(_repeat, [Job("a job", text) for text in _TEXTS]))
            assert sorted(position for position, _ in replies) == list(range(len(_TEXTS))), "a job is missing"
            for position, reply in replies:
                assert reply == f"done: {_TEXTS[position]}", f"the text of the job {position} was changed"
            # What was started is used again.
            assert list(executor.run(_repeat, [Job("a job", "again")])) == [(0, "done: again")]
            assert list(executor.run(_repeat, [])) == []

    def test_what_is_left_is_given_up_when_nobody_waits_for_it(self, build: Callable[[], Any]) -> None:
        """A caller that stops after the first reply, because of an error, gets on at once."""
        with self.executor(build) as executor:
            replies = executor.run(_repeat, [Job("a job", str(number)) for number in range(50)])
            next(replies)
            replies.close()  # type: ignore[attr-defined]
            assert list(executor.run(_repeat, [Job("a job", "next")])) == [(0, "done: next")]

    def test_it_does_at_least_one_job_at_once(self, build: Callable[[], Any]) -> None:
        """Its slots are for jobs that want a core each."""
        with self.executor(build) as executor:
            assert executor.slots(Needs()) >= 1, "it does no job at all"

    def test_several_threads_have_jobs_done_at_once(self, build: Callable[[], Any]) -> None:
        """Each call of a language model is a job of a thread of its own."""
        with self.executor(build) as executor, ThreadPoolExecutor(4) as threads:
            replies = threads.map(lambda number: list(executor.run(_repeat, [Job("a job", str(number))])), range(8))
            assert list(replies) == [[(0, f"done: {number}")] for number in range(8)], "replies went astray"

    def test_every_machine_is_asked_once(self, build: Callable[[], Any]) -> None:
        """Its survey names each machine."""
        with self.executor(build) as executor:
            machines = executor.survey(_repeat, "here")
            assert machines, "the survey names no machine"
            assert len({name for name, _ in machines}) == len(machines), "two machines have one name"
            assert {reply for _, reply in machines} == {"done: here"}

    def test_a_worker_that_dies_of_a_job_stops_the_work(self, build: Callable[[], Any]) -> None:
        """It is an error with a remedy, not a job that is left out, and not endless."""
        with self.executor(build) as executor:
            jobs = [Job("a job", str(os.getpid())), Job("another", str(os.getpid()))]
            with pytest.raises(StoppedError) as info:
                list(executor.run(_die, jobs))
            assert info.value.hint, "the error says no remedy"

    def test_it_is_closed_without_being_used(self, build: Callable[[], Any]) -> None:
        """A study that is done already starts nothing."""
        build().close()


def _repeat(text: str) -> str:
    return f"done: {text}"


def _die(process: str) -> str:
    # An executor that does single jobs in the process of the test would end that.
    if os.getpid() != int(process):
        os._exit(9)
    return process
