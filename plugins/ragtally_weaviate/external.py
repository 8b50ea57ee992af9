"""What an index leaves on the server: for `ragtally store gc` to drop, and for `ragtally store verify` to look at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ragtally import ExternalResource, Finding, Progress, RagtallyError
from ragtally.support.environment import environment
from ragtally_weaviate.design import Contents, Inventory

if TYPE_CHECKING:
    from ragtally_weaviate.collection import StoredCollection

_RECORD = "collection.json"
_REFILL = "it must be filled again: the next run that searches it does so"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the collection of an index is."""

    digest: str
    chunks: int
    url: str
    embedded: bool

    @property
    def inventory(self) -> Inventory:
        return Inventory(self.digest, self.chunks)

    def __str__(self) -> str:
        return f"the collection {self.inventory.name} at {self.url}"


def write_record(folder: Path, contents: Contents, *, url: str, version: str, embedded: bool) -> None:
    """Write which collection holds an index."""
    record = {
        "collection": contents.name,
        "digest": contents.digest,
        "chunks": len(contents),
        "build": contents.build,
        "server": url,
        "version": version,
        "embedded": embedded,
    }
    (folder / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def build_of(folder: Path) -> int:
    """Read which of several builds an index is; a record of earlier versions says nothing of it."""
    record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    return int(record.get("build", 1))


def collection_of(folder: Path) -> ExternalResource | None:
    """Return the collection that an index left on a server."""
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        place = _Place(str(record["digest"]), int(record["chunks"]), str(record["server"]), bool(record["embedded"]))
        is_ours = record["collection"] == place.inventory.name
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not is_ours:
        return None
    return ExternalResource(str(place), lambda: _drop(place), lambda progress: _verify(place, progress))


@contextmanager
def _stored(place: _Place, command: str) -> Iterator[StoredCollection]:
    # The client library takes a second, and most stores that are looked after have nothing on a server.
    from ragtally_weaviate.collection import StoredCollection
    from ragtally_weaviate.server import URL, connect, server_of

    if not place.embedded and server_of(environment()).url != place.url:
        raise RagtallyError(
            f"{place}: {URL} names another server", hint=f"{URL}={place.url} ragtally store {command}"
        )
    with connect(embedded=place.embedded) as connection:
        yield StoredCollection(connection, place.inventory)


def _drop(place: _Place) -> None:
    """Drop a collection, if it is there and its description says that ragtally made it for these contents."""
    with _stored(place, "gc ..., or --leave-outside where that server is gone permanently") as stored:
        if stored.marker() is not None:
            stored.drop()


def _verify(place: _Place, progress: Progress) -> Finding:
    """Look whether a search finds every chunk."""
    from ragtally_weaviate.completeness import missing_chunks

    with _stored(place, "verify") as stored:
        marker = stored.marker()
        if marker is None:
            return Finding(False, "is not there", _REFILL)
        if not marker.complete:
            return Finding(False, "is half filled", "a run is at it, or the next one fills it again")
        if waiting := stored.waiting():
            raise RagtallyError(f"{waiting:,} of its vectors are still being indexed", hint="verify again later")
        count = stored.count()
        missing = missing_chunks(stored, progress) if count == place.chunks else []
        if count == place.chunks and not missing:
            return Finding(True, "holds every chunk where searches find it")
        # So that whoever searches it next looks through it, and fills it again.
        stored.write(replace(marker, checked=False))
        if missing:
            return Finding(False, f"holds {len(missing):,} of {count:,} chunks where no search finds them", _REFILL)
        return Finding(False, f"holds {count:,} objects for {place.chunks:,} chunks", _REFILL)
