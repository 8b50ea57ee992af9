"""Threads over Haystack components, which are not made to be shared by threads: one instance for each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class Instances:
    """Instances of one component; a thread borrows one, and a further one is made where all are lent."""

    def __init__(self, first: Any, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._free: list[Any] = [first]

    @contextmanager
    def borrow(self) -> Iterator[Any]:
        """Borrow an instance."""
        with self._lock:
            instance = self._free.pop() if self._free else self._make()
        try:
            yield instance
        finally:
            with self._lock:
                self._free.append(instance)

    def dismiss(self) -> list[Any]:
        """Take back all that are not lent, to close them."""
        with self._lock:
            free, self._free = self._free, []
        return free


def in_threads(
    work: Callable[[Any, Item], Outcome], items: Sequence[Item], instances: Instances, threads: int
) -> list[Outcome]:
    """Do work on items, several at once."""

    def one(item: Item) -> Outcome:
        with instances.borrow() as instance:
            return work(instance, item)

    if threads == 1 or len(items) < 2:
        return [one(item) for item in items]
    executor = ThreadPoolExecutor(max_workers=min(threads, len(items)))
    try:
        return [future.result() for future in [executor.submit(one, item) for item in items]]
    finally:
        executor.shutdown(cancel_futures=True)
