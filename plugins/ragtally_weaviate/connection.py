"""Connections to the server. Nothing is sent anywhere else: the client library's look at PyPI is left out."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import grpc
import weaviate
from weaviate.classes.init import AdditionalConfig, Auth, Timeout
from weaviate.embedded import EmbeddedOptions
from weaviate.proto.v1 import health_weaviate_pb2

from ragtally.support.environment import environment
from ragtally_weaviate.failures import ServerError, message_of, without_keys, word_failure
from ragtally_weaviate.server import GRPC_HOST, GRPC_PORT, Server, server_of

_PATIENCE, _EMBEDDED_PATIENCE = 10.0, 120.0
_EMBEDDED_PORT, _EMBEDDED_GRPC_PORT = 8079, 50060
_EMBEDDED_SETTINGS = {"DISABLE_TELEMETRY": "true", "ENABLE_MODULES": "", "LOG_LEVEL": "error"}


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection."""

    client: weaviate.WeaviateClient  # The client library's client
    url: str  # The server, for messages
    version: str  # The server's version


@contextmanager
def connect(*, embedded: bool, timeout: float = 60.0) -> Iterator[Connection]:
    """Connect, make sure that the server is ready for REST and gRPC, and close the connection in the end."""
    # It would write whole chunks to the terminal where one is refused; errors are told by ragtally.
    logging.getLogger("weaviate-client").setLevel(logging.CRITICAL)
    if embedded:
        client = _embedded()
        with word_failure("an embedded server", "working"):
            yield Connection(client, f"http://127.0.0.1:{_EMBEDDED_PORT}", client.get_meta()["version"])
        return
    server = server_of(environment())
    with word_failure(server.url, "connecting", then=""):
        client = open_client(server, timeout)
    try:
        with word_failure(server.url, "connecting", then=""):
            version = client.get_meta()["version"]
            ready = client.is_ready()
        if not ready:
            raise ServerError(
                f"Weaviate at {server.url} answers, but is not ready", hint="wait until it has started, and try again"
            )
        require_grpc(server)
        with word_failure(server.url, "working"):
            yield Connection(client, server.url, version)
    finally:
        client.close()


def open_client(server: Server, timeout: float) -> weaviate.WeaviateClient:
    """Open a client; only its version is asked for."""
    return weaviate.connect_to_custom(
        http_host=server.host,
        http_port=server.port,
        http_secure=server.secure,
        grpc_host=server.grpc_host,
        grpc_port=server.grpc_port,
        grpc_secure=server.secure,
        auth_credentials=None if server.key is None else Auth.api_key(server.key),
        additional_config=_settings(timeout),
        skip_init_checks=True,
    )


def require_grpc(server: Server) -> None:
    """Ask the server's gRPC port whether it serves; the client library would try for a minute."""
    hint = f"open its gRPC port (50051 in compose.yaml), or say where it is: export {GRPC_PORT}=... {GRPC_HOST}=..."
    channel = (
        grpc.secure_channel(server.grpc, grpc.ssl_channel_credentials())
        if server.secure
        else grpc.insecure_channel(server.grpc)
    )
    with channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_weaviate_pb2.WeaviateHealthCheckRequest.SerializeToString,
            response_deserializer=health_weaviate_pb2.WeaviateHealthCheckResponse.FromString,
        )
        headers = (("authorization", f"Bearer {server.key}"),) if server.key else ()
        try:
            answer = check(health_weaviate_pb2.WeaviateHealthCheckRequest(), timeout=_PATIENCE, metadata=headers)
        except grpc.RpcError as error:
            why = without_keys(message_of(error)[-1])
            raise ServerError(
                f"Weaviate at {server.url} answers, but not to gRPC at {server.grpc}: {why}", hint=hint
            ) from None
    if answer.status != health_weaviate_pb2.WeaviateHealthCheckResponse.SERVING:
        raise ServerError(f"Weaviate at {server.url} does not serve gRPC at {server.grpc}", hint=hint)


@cache
def _embedded() -> weaviate.WeaviateClient:
    options = EmbeddedOptions(
        port=_EMBEDDED_PORT, grpc_port=_EMBEDDED_GRPC_PORT, additional_env_vars=dict(_EMBEDDED_SETTINGS)
    )
    try:
        client = weaviate.WeaviateClient(
            embedded_options=options, additional_config=_settings(_EMBEDDED_PATIENCE), skip_init_checks=True
        )
        client.connect()
    except Exception as error:
        raise ServerError(
            f"Weaviate cannot be started beside ragtally: {without_keys(message_of(error)[-1])}",
            hint="leave `embedded` out, and start a server: docker compose up --detach --wait",
        ) from None
    atexit.register(client.close)
    return client


def _settings(timeout: float) -> AdditionalConfig:
    return AdditionalConfig(timeout=Timeout(init=_PATIENCE, query=timeout, insert=timeout))
