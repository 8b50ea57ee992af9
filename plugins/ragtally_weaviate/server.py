"""Which server: named by the environment, never by a spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ragtally import RagtallyError

URL, GRPC_HOST, GRPC_PORT, KEY = "WEAVIATE_URL", "WEAVIATE_GRPC_HOST", "WEAVIATE_GRPC_PORT", "WEAVIATE_API_KEY"
EXAMPLE = "http://localhost:8080"
START = f"start one (`docker compose up --detach --wait`) and name it: export {URL}={EXAMPLE}"
_USUAL_GRPC_PORT, _SECURE_PORT, _PLAIN_PORT = 50051, 443, 80
_OLD_CLOUD, _CLOUD = ".weaviate.network", ".weaviate.cloud"


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
