"""A process is known by its number and by when it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from ragtally.support.processes import is_running, machine, started


def test_a_process_with_the_number_of_a_dead_one_is_another_process() -> None:
    mine = os.getpid()
    assert is_running(mine, started(mine))
    assert is_running(mine, None)
    assert not is_running(mine, "1")
    assert not is_running(2**22 + 1, None)
    assert not is_running(2**70, None)


def test_a_killed_process_is_dead_before_its_parent_knows() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_running(process.pid, started(process.pid))
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_running(process.pid)
    process.communicate()


def test_a_machine_has_a_name() -> None:
    assert machine() == machine() and len(machine()) == 16
