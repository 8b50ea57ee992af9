"""The executor of processes: jobs at once, deaths told, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from jobs_for_processes import shout, work_alone
from ragtally.api import Job, Needs
from ragtally_local import LocalExecutor


@pytest.fixture
def executor() -> Iterator[LocalExecutor]:
    executor = LocalExecutor(2)
    yield executor
    executor.close()


def test_jobs_are_done_by_processes_of_one_thread_each(executor: LocalExecutor) -> None:
    jobs = [Job("a job", text) for text in ("one", "two", "three")]
    replies = dict(executor.run(shout, jobs))
    assert sorted(replies) == [0, 1, 2]
    assert [replies[position].split()[0] for position in range(3)] == ["ONE", "TWO", "THREE"]
    assert {reply.split()[2] for reply in replies.values()} == {"1"}
    assert str(os.getpid()) not in {reply.split()[1] for reply in replies.values()}


@pytest.mark.parametrize(("memory", "alone"), [(1, False), (psutil.virtual_memory().total // 3 * 2, True)])
def test_no_more_jobs_are_done_at_once_than_there_is_memory_for(
    executor: LocalExecutor, tmp_path: Path, memory: int, alone: bool
) -> None:
    jobs = [Job("a job", str(tmp_path / "busy"), Needs(memory=memory))] * 6
    replies = dict(executor.run(work_alone, jobs))
    assert sorted(replies) == [*range(6)]
    assert (set(replies.values()) == {"alone"}) is alone


def test_one_job_is_done_here(executor: LocalExecutor) -> None:
    assert list(executor.run(str.upper, [Job("a job", "one")])) == [(0, "ONE")]
    assert executor.survey(str.upper, "one") == [("this machine", "ONE")]


@pytest.mark.slow  # Processes are started
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_the_processes_end_with_the_one_that_started_them(tmp_path: Path, signal_number: signal.Signals) -> None:
    paths = [tmp_path / "one", tmp_path / "two"]
    script = tmp_path / "script.py"
    script.write_text(
        "import json, sys\n"
        "from ragtally.api import Job\n"
        "from ragtally_local import LocalExecutor\n"
        "from jobs_for_processes import sleep\n"
        "if __name__ == '__main__':\n"
        "    executor = LocalExecutor(2)\n"
        "    try:\n"
        "        list(executor.run(sleep, [Job('a job', path) for path in json.loads(sys.argv[1])]))\n"
        "    finally:\n"
        "        executor.close()\n"
    )
    command = [sys.executable, str(script), json.dumps([str(path) for path in paths])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    wait_until(lambda: all(path.exists() and path.read_text() for path in paths))
    children = [psutil.Process(int(path.read_text())) for path in paths]
    process.send_signal(signal_number)
    process.wait(20)
    wait_until(lambda: not any(child.is_running() for child in children))


def wait_until(condition: object) -> None:
    deadline = time.monotonic() + 30
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)
