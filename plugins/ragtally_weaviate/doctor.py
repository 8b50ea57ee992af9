"""What is missing to search with Weaviate, and the command that fixes it."""

from __future__ import annotations

from collections.abc import Iterator

from ragtally import Finding, RagtallyError
from ragtally.support.environment import environment
from ragtally_weaviate.collection import marker_of
from ragtally_weaviate.design import PREFIX
from ragtally_weaviate.server import Connection, connect, server_of


def findings(*, embedded: bool) -> list[Finding]:
    """Look whether the server is reached, ready, new enough and answers gRPC; nothing on it is changed."""
    if embedded:
        return [Finding(True, "Weaviate is started beside ragtally when it is needed, and downloaded the first time")]
    return list(_of_server())


def _of_server() -> Iterator[Finding]:
    try:
        server = server_of(environment())
        with connect(embedded=False, timeout=10) as connection:
            yield Finding(
                True, f"Weaviate {connection.version} at {server.url} is ready, and answers gRPC at {server.grpc}"
            )
            yield from _half_filled(connection)
    except RagtallyError as error:
        yield Finding(False, error.message, error.hint)


def _half_filled(connection: Connection) -> Iterator[Finding]:
    """Name what runs are filling, and what killed ones left, which the next run fills again."""
    for name, config in sorted(connection.client.collections.list_all(simple=True).items()):
        marker = marker_of(config.description) if name.startswith(PREFIX) else None
        if marker is not None and not marker.complete:
            yield Finding(
                True,
                f"{name} is half filled, and never searched so: a run is at it, or the next one fills it again",
                f"or, if nobody needs it: curl -X DELETE {connection.url}/v1/schema/{name}",
            )
