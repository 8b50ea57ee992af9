"""What an index leaves on the server, for `ragtally store gc`."""

from __future__ import annotations

import json
from pathlib import Path

from ragtally import ExternalResource, RagtallyError
from ragtally.support.environment import environment
from ragtally_weaviate.design import Contents

_RECORD = "collection.json"


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
        name, digest, url = str(record["collection"]), str(record["digest"]), str(record["server"])
        is_embedded = bool(record["embedded"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

    def drop() -> None:
        _drop(name, digest, url, embedded=is_embedded)

    return ExternalResource(f"the collection {name} at {url}", drop)


def _drop(name: str, digest: str, url: str, *, embedded: bool) -> None:
    """Drop a collection, if it is there and its description says that ragtally made it for these contents."""
    # The client library takes a second, and most stores that are cleaned up have nothing on a server.
    from ragtally_weaviate.collection import marker_of
    from ragtally_weaviate.server import URL, connect, server_of

    if not embedded and server_of(environment()).url != url:
        raise RagtallyError(
            f"the collection {name} is at {url}, and {URL} names another server",
            hint=f"{URL}={url} ragtally store gc ..., or --leave-outside where that server is gone permanently",
        )
    with connect(embedded=embedded) as connection:
        collections = connection.client.collections
        if not collections.exists(name):
            return
        marker = marker_of(collections.use(name).config.get(simple=True).description)
        if marker is None or marker.digest != digest:
            raise RagtallyError(
                f"the collection {name} at {url} was not made by ragtally for this index; it stays",
                hint="look at it, and drop it by hand if nobody needs it",
            )
        collections.delete(name)
