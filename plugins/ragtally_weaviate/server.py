"""The server: named by the environment, never by a spec; connections to it, and what goes wrong there, in words.

Nothing is sent anywhere else: the client library's look at PyPI is left out.
"""

from __future__ import annotations

import atexit
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
import weaviate
from grpc import Channel
from weaviate import exceptions
from weaviate.classes.init import AdditionalConfig, Auth, Timeout
from weaviate.embedded import EmbeddedOptions
from weaviate.proto.v1 import batch_pb2, health_weaviate_pb2, weaviate_pb2_grpc

from ragtally import RagtallyError
from ragtally.support.environment import environment
from ragtally.support.secrets import known_secrets, redact_line

URL, GRPC_HOST, GRPC_PORT, KEY = "WEAVIATE_URL", "WEAVIATE_GRPC_HOST", "WEAVIATE_GRPC_PORT", "WEAVIATE_API_KEY"
EXAMPLE = "http://localhost:8080"
START = f"start one (`docker compose up --detach --wait`) and name it: export {URL}={EXAMPLE}"
_USUAL_GRPC_PORT, _SECURE_PORT, _PLAIN_PORT = 50051, 443, 80
_OLD_CLOUD, _CLOUD = ".weaviate.network", ".weaviate.cloud"
_PATIENCE, _EMBEDDED_PATIENCE, _WAIT = 10.0, 120.0, 0.5
_LONGEST_MESSAGE = 104_858_000  # What Weaviate takes, in bytes
_EMBEDDED_PORT, _EMBEDDED_GRPC_PORT = 8079, 50060
_EMBEDDED_SETTINGS = {"DISABLE_TELEMETRY": "true", "ENABLE_MODULES": "", "LOG_LEVEL": "error"}
LOOK = "ragtally doctor SPEC says what is missing"
AGAIN = "then run the same command again"
# The oldest server that the client library talks to.
OLDEST = "1.27"

_KINDS = (
    (r"read.?only|READONLY", "takes no writes", "make room on its disk, and set the collection ready{ready}"),
    (r"no space|disk (usage|is full|full)|not enough (memory|disk)|memory pressure|out of memory|RESOURCE_EXHAUSTED",
     "is full", "make room: disk or memory of the server"),
    (r"is not supported\. Please use Weaviate version", f"is older than {OLDEST}",
     "start a newer one: docker compose pull && docker compose up --detach --wait"),
    (r"\b401\b|UNAUTHENTICATED|unauthorized|anonymous access not enabled|login credentials",
     f"does not take the key in {KEY}, or wants one", f"export {KEY}=..."),
    (r"\b403\b|PERMISSION_DENIED|forbidden|insufficient permissions", "does not allow this to the key",
     f"give the key in {KEY} the right to make, read and delete collections named Ragtally_*"),
    (r"DEADLINE_EXCEEDED|Deadline Exceeded|timed out|timeout", "did not answer in time",
     "raise `timeout`, or lower `batch` and `concurrency`"),
    (r"UNAVAILABLE|Connection refused|Could not connect|Connection to Weaviate failed|Connection reset|"
     r"Server disconnected|failed to connect|Socket closed|GOAWAY|recvmsg|EOF",
     "does not answer", "start it (`docker compose up --detach --wait`), or correct WEAVIATE_URL"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Server:
    """Where a Weaviate server is, and the key for it."""

    url: str  # Its address for people: scheme, host and port
    host: str
    port: int  # Its port for REST
    secure: bool  # Whether the connections are encrypted
    grpc_host: str  # The host that answers gRPC
    grpc_port: int
    key: str | None = field(default=None, repr=False)  # The API key; None where there is none

    @property
    def grpc(self) -> str:
        """The address for gRPC."""
        return f"{self.grpc_host}:{self.grpc_port}"

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """What goes with every call over gRPC."""
        return (("authorization", f"Bearer {self.key}"),) if self.key else ()

    def channel(self) -> Channel:
        """Open a channel for gRPC."""
        options = [("grpc.max_send_message_length", _LONGEST_MESSAGE), ("grpc.max_reconnect_backoff_ms", 2000)]
        if self.secure:
            return grpc.secure_channel(self.grpc, grpc.ssl_channel_credentials(), options=options)
        return grpc.insecure_channel(self.grpc, options=options)


def server_of(values: Mapping[str, str]) -> Server:
    """Read which server the environment names."""
    address = values.get(URL, "").strip()
    if not address:
        raise RagtallyError(f"it is not known where Weaviate is: {URL} is not set", hint=START)
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise RagtallyError(f"{URL} is no address: {error}", hint=f"export {URL}={EXAMPLE}") from None
    if parts.username is not None or parts.password is not None:
        raise RagtallyError(f"{URL} holds a name or a password", hint=f"give a key as {KEY}, and {URL} without it")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise RagtallyError(
            f"{URL} must be http:// or https://, a host and perhaps a port", hint=f"export {URL}={EXAMPLE}"
        )
    secure = parts.scheme == "https"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = port or (_SECURE_PORT if secure else _PLAIN_PORT)
    return Server(
        url=f"{parts.scheme}://{host}:{port}",
        host=host,
        port=port,
        secure=secure,
        grpc_host=values.get(GRPC_HOST) or _grpc_host(host),
        grpc_port=_grpc_port(values.get(GRPC_PORT, ""), secure),
        key=values.get(KEY) or None,
    )


def _grpc_host(host: str) -> str:
    """Weaviate's own cloud answers gRPC under a name beside that for REST."""
    if host.endswith(_OLD_CLOUD):
        return host.replace(".", ".grpc.", 1)
    return f"grpc-{host}" if host.endswith(_CLOUD) else host


def _grpc_port(value: str, secure: bool) -> int:
    if not value:
        return _SECURE_PORT if secure else _USUAL_GRPC_PORT
    if not value.isdecimal() or not 0 < int(value) < 1 << 16:
        raise RagtallyError(f"{GRPC_PORT} must be a port", hint=f"export {GRPC_PORT}={_USUAL_GRPC_PORT}")
    return int(value)


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection."""

    client: weaviate.WeaviateClient  # The client library's client
    url: str  # The server, for messages
    version: str  # The server's version
    channel: Channel
    headers: Sequence[tuple[str, str]] = field(repr=False)
    timeout: float

    def write(self, objects: Sequence[batch_pb2.BatchObject]) -> Mapping[int, str]:
        """Write objects, once; says why the server did not take some, by their place."""
        # The client library writes a batch again where the server was away: what it took of the first try is then
        # stored and never indexed.
        request = batch_pb2.BatchObjectsRequest(objects=objects)
        reply = self.stub.BatchObjects(request, timeout=self.timeout, metadata=self.headers)
        return {error.index: error.error for error in reply.errors}

    @property
    def stub(self) -> Any:
        """What the client library asks by gRPC."""
        return weaviate_pb2_grpc.WeaviateStub(self.channel)  # type: ignore[no-untyped-call]

    def answers(self, seconds: float) -> bool:
        """Wait for a server that is started again, until it answers."""
        limit = time.monotonic() + seconds
        while not _is_ready(self.url, self.headers):
            if time.monotonic() > limit:
                return False
            time.sleep(_WAIT)
        try:
            # After a failure a channel connects again only when its time comes; until then other calls fail at once.
            _health(self.channel, self.headers, seconds, wait_for_ready=True)
        except grpc.RpcError:
            return False
        return True


@contextmanager
def connect(*, embedded: bool, timeout: float = 60.0) -> Iterator[Connection]:
    """Connect, make sure that the server is ready for REST and gRPC, and close the connection in the end."""
    # It would write whole chunks to the terminal where one is refused; errors are told by ragtally.
    logging.getLogger("weaviate-client").setLevel(logging.CRITICAL)
    if embedded:
        client, server = _embedded(), _EMBEDDED
        with word_failure("an embedded server", "working"), server.channel() as channel:
            yield Connection(client, server.url, client.get_meta()["version"], channel, server.headers, timeout)
        return
    server = server_of(environment())
    with word_failure(server.url, "connecting", then=""):
        client = open_client(server, timeout)
    try:
        with word_failure(server.url, "connecting", then=""):
            version = client.get_meta()["version"]
        if not _is_ready(server.url, server.headers):
            raise ServerError(
                f"Weaviate at {server.url} answers, but is not ready", hint="wait until it has started, and try again"
            )
        with word_failure(server.url, "working"), server.channel() as channel:
            require_grpc(server, channel)
            yield Connection(client, server.url, version, channel, server.headers, timeout)
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


def require_grpc(server: Server, channel: grpc.Channel) -> None:
    """Ask the server's gRPC port whether it serves; the client library would try for a minute."""
    hint = f"open its gRPC port (50051 in compose.yaml), or say where it is: export {GRPC_PORT}=... {GRPC_HOST}=..."
    try:
        answer = _health(channel, server.headers, _PATIENCE)
    except grpc.RpcError as error:
        why = without_keys(message_of(error)[-1])
        raise ServerError(
            f"Weaviate at {server.url} answers, but not to gRPC at {server.grpc}: {why}", hint=hint
        ) from None
    if answer.status != health_weaviate_pb2.WeaviateHealthCheckResponse.SERVING:
        raise ServerError(f"Weaviate at {server.url} does not serve gRPC at {server.grpc}", hint=hint)


def _is_ready(url: str, headers: Sequence[tuple[str, str]]) -> bool:
    """Ask a server whether it takes requests."""
    # Where it does not answer, the client library's own look prints why to the terminal.
    try:
        reply = httpx.get(f"{url}/v1/.well-known/ready", headers=list(headers), timeout=_PATIENCE, trust_env=False)
    except httpx.HTTPError:
        return False
    return reply.status_code == httpx.codes.OK


_EMBEDDED = Server(
    url=f"http://127.0.0.1:{_EMBEDDED_PORT}", host="127.0.0.1", port=_EMBEDDED_PORT, secure=False,
    grpc_host="127.0.0.1", grpc_port=_EMBEDDED_GRPC_PORT,
)  # fmt: skip


def _health(
    channel: Channel, headers: Sequence[tuple[str, str]], timeout: float, *, wait_for_ready: bool = False
) -> Any:
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_weaviate_pb2.WeaviateHealthCheckRequest.SerializeToString,
        response_deserializer=health_weaviate_pb2.WeaviateHealthCheckResponse.FromString,
    )
    request = health_weaviate_pb2.WeaviateHealthCheckRequest()
    return check(request, timeout=timeout, metadata=headers, wait_for_ready=wait_for_ready)


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


class ServerError(RagtallyError):
    """A Weaviate server does not do what it is asked to."""


@contextmanager
def word_failure(url: str, doing: str, *, then: str = AGAIN) -> Iterator[None]:
    """Turn what the client library raises into an error with a hint."""
    try:
        yield
    except (exceptions.WeaviateBaseError, httpx.HTTPError, grpc.RpcError, ConnectionError, TimeoutError) as error:
        texts = message_of(error)
        raise server_error(url, doing, " ".join(texts), shown=texts[-1], then=then) from None


def message_of(error: BaseException) -> list[str]:
    """List what an exception says, and what each of its causes does, the first cause last."""
    texts = [str(error) or type(error).__name__]
    if isinstance(error, grpc.RpcError) and hasattr(error, "code"):
        texts = [f"{error.code().name}: {error.details()}"]
    cause = error.__cause__ or error.__context__
    return [*texts, *(message_of(cause) if isinstance(cause, Exception) else [])]


def server_error(
    url: str, doing: str, text: str, *, shown: str | None = None, then: str = AGAIN, ready: str = ""
) -> ServerError:
    """Make the error for something that the server or the library said."""
    what, hint = next(
        ((what, hint) for pattern, what, hint in _KINDS if re.search(pattern, text, re.IGNORECASE)), ("failed", LOOK)
    )
    hints = [hint.format(ready=f": {ready}" if ready else ""), *([then] if then else [])]
    shown = without_keys(text if shown is None else shown)
    return ServerError(f"Weaviate at {url} {what} ({doing}): {shown}", hint="; ".join(hints))


def without_keys(text: str) -> str:
    """Write what somebody else said as one line that is not too long, keys hidden."""
    return redact_line(text, known_secrets(environment()))
