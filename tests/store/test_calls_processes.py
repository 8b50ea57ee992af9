"""Several processes write one call store, and are killed while they do."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ragtally.store.calls import FILE_NAME, CallStore
from sample_calls import BIG, sample_call, sample_calls, sample_reply

TESTS = Path(__file__).parents[1]

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from sample_calls import BIG, sample_calls, sample_reply
from ragtally.store.calls import CallStore
name, calls = sys.argv[3], sample_calls(int(sys.argv[4]))
print("ready", flush=True)
sys.stdin.readline()
with CallStore(Path(sys.argv[2])) as store:
    for call in calls:
        if store.record(call, sample_reply(name + " " * 2000), BIG, 1.0):
            print(call.key, flush=True)
"""
"""Records calls, and says after each one that it was the first to save."""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(TESTS), str(path), name, str(count)]
    # Without a buffer, so that what `said` has not taken is left for `rest`.
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)


def start(*processes: subprocess.Popen[bytes]) -> None:
    """Let processes go once all of them are ready, so that they meet in the same file."""
    for process in processes:
        assert said(process) == "ready"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")


def said(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def rest(process: subprocess.Popen[bytes]) -> list[str]:
    return process.communicate()[0].decode().split()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / FILE_NAME


def sound(path: Path) -> bool:
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    return found == [("ok",)]


def test_processes_that_write_at_once_save_every_call_once(path: Path) -> None:
    """They also make the file at once, which SQLite's own waiting does not cover."""
    processes = [writer(path, name, 150) for name in "abc"]
    start(*processes)
    told = [(name, rest(process)) for name, process in zip("abc", processes, strict=True)]
    assert [process.returncode for process in processes] == [0] * 3
    first = {key: name for name, keys in told for key in keys}
    assert sum(len(keys) for _, keys in told) == len(first) == 150
    with CallStore(path) as store:
        replies = store.replies_to([call.key for call in sample_calls(150)])
        assert {key: reply.text.strip() for key, reply in replies.items()} == first
        assert store.spent()[0].dollars == 150
    assert sound(path)


@pytest.mark.parametrize("after", [0, 60])
def test_a_killed_process_loses_nothing_that_it_committed(path: Path, after: int) -> None:
    process = writer(path, "killed", 100_000)
    start(process)
    told = [said(process) for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    told += rest(process)
    assert process.returncode == -signal.SIGKILL
    with CallStore(path) as store:
        assert list(store.replies_to(told)) == told
        # At most the one call that was committed and not yet told of is there besides.
        assert sum(row.calls for row in store.spent()) - len(told) in (0, 1)
        assert len(told) >= after
        store.record(sample_call("later"), sample_reply(), BIG, None)
    assert sound(path)


def test_killing_one_writer_leaves_the_other_alone(path: Path) -> None:
    killed, other = writer(path, "killed", 100_000), writer(path, "other", 300)
    start(killed, other)
    kept = [said(killed)]
    killed.send_signal(signal.SIGKILL)
    kept += rest(killed)
    told = rest(other)
    assert other.returncode == 0
    with CallStore(path) as store:
        asked = [call.key for call in sample_calls(300)]
        names = Counter(reply.text.strip() for reply in store.replies_to(asked).values())
        assert set(store.replies_to(kept)) == set(kept)
    assert sum(names.values()) == 300
    assert names["other"] == len(told)
    assert sound(path)


def test_a_second_process_does_not_pay_for_what_is_there(path: Path) -> None:
    calls = sample_calls(40)
    with CallStore(path) as first, CallStore(path) as second:
        assert second.keys_without_reply([call.key for call in calls]) == [call.key for call in calls]
        for call in calls[:30]:
            first.record(call, sample_reply(), BIG, None)
        assert second.keys_without_reply([call.key for call in calls]) == [call.key for call in calls[30:]]
