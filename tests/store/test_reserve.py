"""Where the disk fills up while answers are on their way, they are saved in the room that was held back."""

from __future__ import annotations

import resource
import sqlite3
from pathlib import Path

import pytest

from ragtally.api import StoreError
from ragtally.store.calls import FILE_NAME, CallStore
from ragtally.store.reserve import Reserve
from sample_calls import BIG, sample_call, sample_reply


def test_an_answer_goes_into_the_room_that_was_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = Reserve(tmp_path / "reserve", 4)
    with CallStore(tmp_path / FILE_NAME) as store:
        store.hold(reserve)
        assert (tmp_path / "reserve").stat().st_size >= 1 << 20
        # A file that may have no more pages is as full as a disk.
        connection = store.database.writing()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        spend = Reserve.spend

        def freed(self: Reserve) -> bool:
            connection.execute("PRAGMA max_page_count = 1000000")
            return spend(self)

        monkeypatch.setattr(Reserve, "spend", freed)
        for number in range(20):
            assert store.record(sample_call(number), sample_reply("because " * 500), BIG, None)
        assert reserve.spent
        assert not (tmp_path / "reserve").exists()
        assert len(store.keys_without_reply([sample_call(number).key for number in range(20)])) == 0


def test_without_room_an_answer_is_an_error(tmp_path: Path) -> None:
    with CallStore(tmp_path / FILE_NAME) as store:
        connection = store.database.writing()
        connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(StoreError, match="full") as caught:
            for number in range(20):
                store.record(sample_call(number), sample_reply("because " * 500), BIG, None)
        assert isinstance(caught.value.__cause__, sqlite3.Error)


def test_room_that_is_not_there_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write"):
        Reserve(tmp_path / "nowhere" / "reserve", 4).hold()


def test_a_limit_of_the_file_size_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1 << 20, 1 << 20))
    with pytest.raises(StoreError, match="File too large"):
        Reserve(tmp_path / "reserve", 4).hold(path)
    assert not (tmp_path / "reserve").exists()
