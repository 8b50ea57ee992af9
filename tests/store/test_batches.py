"""The batch store: a call is in one batch at most, and what is written down outlives its process."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from ragtally.api import StoreError
from ragtally.store.batches import FILE_NAME, BatchStore, StoredBatch
from ragtally.store.locks import FileLock


def batch(name: str = "one", **changed: object) -> StoredBatch:
    given = {"provider": "openai", "model": "m", "component": "litellm", "parameters": '{"model": "openai/m"}'}
    told = {"name": name, "stage": "claimed", "calls": 3, "bytes": 100, "most_dollars": 0.5}
    return StoredBatch(**given | told | changed)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> BatchStore:
    return BatchStore(tmp_path / FILE_NAME)


def test_nothing_is_made_before_the_first_claim(store: BatchStore) -> None:
    assert store.all() == store.holding(["a"]) == ()
    assert store.keys_in_batches(["a"]) == set() and store.keys_of("one") == [] and store.find("one") is None
    assert not store.database.path.exists()


def test_a_claim_is_kept_with_its_calls(store: BatchStore, tmp_path: Path) -> None:
    store.claim(batch(), ["b", "a", "c"])
    store.close()
    found = BatchStore(tmp_path / FILE_NAME)
    assert found.all() == (batch(),)
    assert found.keys_of("one") == ["a", "b", "c"]
    assert found.keys_in_batches(["a", "x"]) == {"a"}
    assert found.find("one") == batch() and batch().component_parameters == {"model": "openai/m"}


def test_no_call_is_in_two_batches(store: BatchStore) -> None:
    store.claim(batch(), ["a", "b"])
    with pytest.raises(StoreError, match="another open batch"):
        store.claim(batch("two"), ["c", "b"])
    assert store.all() == (batch(),)
    assert store.keys_in_batches(["a", "b", "c"]) == {"a", "b"}


def test_changes_are_kept(store: BatchStore) -> None:
    store.claim(batch(), ["a"])
    store.change("one", stage="open", batch_id="batch_1", submitted_at=7.0)
    assert store.find("one") == batch(stage="open", batch_id="batch_1", submitted_at=7.0)
    with pytest.raises(ValueError, match="no such columns"):
        store.change("one", provider="groq")
    with pytest.raises(StoreError, match="does not know"):
        batch(stage="lost")


def test_a_batch_is_read_when_no_call_is_left(store: BatchStore) -> None:
    keys = [str(number) for number in range(1200)]
    store.claim(batch(), keys)
    store.claim(batch("two"), ["x"])
    store.let_go("one", keys[:-1])
    assert [each.name for each in store.holding([*keys, "x"])] == ["one", "two"]
    assert [each.name for each in store.all(unread=True)] == ["one", "two"]
    store.let_go("one", ["x", keys[-1]])
    assert [each.name for each in store.all(unread=True)] == ["two"]
    assert store.keys_in_batches(["x"]) == {"x"}
    assert [each.stage for each in store.all()] == ["read", "claimed"]


def test_a_forgotten_batch_lets_its_calls_go(store: BatchStore) -> None:
    store.claim(batch(), ["a"])
    store.forget("one")
    assert store.all() == () and store.keys_in_batches(["a"]) == set()
    store.claim(batch("two"), ["a"])


def _take(path: Path, taken: multiprocessing.Queue[bool]) -> None:
    lock = FileLock(path)
    taken.put(lock.take())


def test_one_process_holds_the_lock_and_its_end_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lock"
    own = FileLock(path)
    assert own.take() and not own.take()
    assert not FileLock(path).take()
    own.release()
    context = multiprocessing.get_context("fork")
    taken: multiprocessing.Queue[bool] = context.Queue()
    process = context.Process(target=_take, args=(path, taken))
    process.start()
    assert taken.get(timeout=20)
    process.join()
    # It ended without giving the lock back.
    assert own.take()
    own.release()
    own.release()
