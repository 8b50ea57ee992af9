"""What one process has claimed no other takes, until its answer is saved or the process is dead."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ragtally.store import claims
from ragtally.store.claims import FILE_NAME, Claims

HOLDER = """
import sys
from pathlib import Path
from ragtally.store.claims import Claims
claims = Claims(Path(sys.argv[1]))
print(len(claims.take(sys.argv[2:])), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / FILE_NAME


def holder(path: Path, *keys: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(path), *keys]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == f"{len(keys)}\n"
    return process


def rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    (count,) = connection.execute("SELECT (SELECT count(*) FROM claims) + (SELECT count(*) FROM holders)").fetchone()
    connection.close()
    return int(count)


def test_keys_of_calls_and_of_vectors_are_claimed_once(path: Path) -> None:
    one, other = Claims(path), Claims(path)
    assert one.held_elsewhere(["a"]) == set()
    assert one.take(["a", "b"]) == ["a", "b"] == one.take(["a", "b"])
    assert one.take([b"a"]) == [b"a"]
    assert other.take(["b", "c", "a"]) == ["c"]
    assert other.held_elsewhere(["a", "b", "c", "d"]) == {"a", "b"}
    assert one.held_elsewhere(["a", "b", "c"]) == {"c"}
    one.release()
    other.release()


def test_a_claim_ends_with_the_next_that_are_taken_and_the_rest_at_the_end(path: Path) -> None:
    one, other = Claims(path), Claims(path)
    one.take(["a", "b"])
    one.done("a")
    assert other.take(["a"]) == []
    one.take(["c"])
    assert other.take(["a", "b", "c"]) == ["a"]
    one.release()
    assert other.take(["a", "b", "c"]) == ["a", "b", "c"]
    other.release()
    assert rows(path) == 0


def test_what_a_killed_process_claimed_is_free_at_once_even_before_its_parent_knows(path: Path) -> None:
    process = holder(path, "a", "b")
    mine = Claims(path)
    assert mine.take(["a", "b"]) == []
    assert mine.held_elsewhere(["a", "b"]) == {"a", "b"}
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert mine.held_elsewhere(["a", "b"]) == set()
    assert mine.take(["a", "b", "c"]) == ["a", "b", "c"]
    mine.release()
    process.communicate()


def test_a_process_of_another_machine_is_dead_when_its_beats_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By this machine's clock alone, whatever the other's says."""
    now = 1000.0
    remote, mine = Claims(path), Claims(path, clock=lambda: now)
    with monkeypatch.context() as patch:
        patch.setattr(claims, "machine", lambda: "elsewhere")
        assert remote.take(["a"]) == ["a"]

    def beat() -> None:
        connection = sqlite3.connect(path)
        connection.execute("UPDATE holders SET beat = beat + 1 WHERE machine = 'elsewhere'")
        connection.commit()
        connection.close()

    for _ in range(4):
        assert mine.take(["a"]) == []
        now += claims.LEASE_SECONDS - 1
        beat()
    assert mine.take(["a"]) == []
    now += claims.LEASE_SECONDS
    assert mine.take(["a"]) == ["a"]
    # The one that was taken for dead goes on: what it claims next is its own again.
    assert remote.take(["a", "b"]) == ["b"]
    remote.release()
    assert mine.held_elsewhere(["a"]) == set()
    mine.release()


def test_signs_of_life_are_given_while_claims_are_held(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.01)
    mine = Claims(path)
    mine.take(["a"])
    connection = sqlite3.connect(path)
    while connection.execute("SELECT beat FROM holders").fetchone()[0] < 2:
        pass
    connection.close()
    mine.release()
