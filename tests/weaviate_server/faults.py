"""What the stand-in does wrong, on purpose."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass
class Faults:
    """What goes wrong; everything is well at first. May be changed while the server runs.

    Attributes:
        version: The version that it says it has.
        ready: Whether it says that it is ready.
        serving: Whether gRPC says that it serves.
        key: The key that it wants; None for none.
        read_only: Whether it refuses every object, as a server with a full disk does.
        refused: How often each of these rows is still refused, by `_original_id`.
        dies_after: How many batches are taken before every further gRPC call finds nobody; None for all.
        searches: How many searches are answered before every further one finds nobody; None for all.
        hang: Seconds that every batch and search takes.
        indexing: Seconds between storing a batch and indexing it.
        misses: How many of the nearest chunks a vector search over hnsw overlooks: the second, the third, ...
        forgets: How many more searches by words overlook the best chunk.
        last_first: Whether it puts the last of equally good objects first.
        queue: How often it still says that vectors wait to be indexed.
        unindexed: Rows, by `_original_id`, that are stored and never indexed.
        loses: How many of the objects that were taken are gone when they are counted.
        calls: What it was asked, by method.
        headers: The metadata of the last gRPC call.
    """

    version: str = "1.40.3"
    ready: bool = True
    serving: bool = True
    key: str | None = None
    read_only: bool = False
    refused: dict[str, int] = field(default_factory=dict)
    dies_after: int | None = None
    searches: int | None = None
    hang: float = 0.0
    indexing: float = 0.0
    misses: int = 0
    forgets: int = 0
    last_first: bool = False
    queue: int = 0
    unindexed: set[str] = field(default_factory=set)
    loses: int = 0
    calls: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
