"""Dropping a collection that ragtally made."""

from __future__ import annotations

from ragtally import RagtallyError
from ragtally.support.environment import environment
from ragtally_weaviate.collection import marker_of
from ragtally_weaviate.connection import connect
from ragtally_weaviate.server import URL, server_of


def drop_collection(name: str, digest: str, url: str, *, embedded: bool) -> None:
    """Drop a collection, if it is there and its description says that ragtally made it for these contents."""
    if not embedded and server_of(environment()).url != url:
        raise RagtallyError(
            f"the collection {name} is at {url}, and {URL} names another server",
            hint=f"{URL}={url} ragtally store gc ..., or --leave-outside where that server is gone for good",
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
