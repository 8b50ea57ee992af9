"""What an index leaves on the server, for `ragtally store gc`."""

from __future__ import annotations

import json
from pathlib import Path

from ragtally import ExternalResource
from ragtally_weaviate.design import Contents

_RECORD = "collection.json"


def write_record(folder: Path, contents: Contents, *, url: str, version: str, embedded: bool) -> None:
    """Write which collection holds an index."""
    record = {
        "collection": contents.name,
        "digest": contents.digest,
        "chunks": len(contents),
        "server": url,
        "version": version,
        "embedded": embedded,
    }
    (folder / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def collection_of(folder: Path) -> ExternalResource | None:
    """Say which collection an index left on a server."""
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        name, digest, url = str(record["collection"]), str(record["digest"]), str(record["server"])
        is_embedded = bool(record["embedded"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

    def drop() -> None:
        from ragtally_weaviate.dropping import drop_collection

        drop_collection(name, digest, url, embedded=is_embedded)

    return ExternalResource(f"the collection {name} at {url}", drop)
