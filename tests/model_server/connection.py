"""HTTP/1.1 over one connection, kept bare so that the server costs less than what it measures."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_LINGER_NOT = struct.pack("ii", 1, 0)
_MOST_HEADER_BYTES = 65_536


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


class Gone(ConnectionError):
    """The caller has closed the connection."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        method: `GET`, `POST`, ...
        path: The path without the query.
        query: The query's parameters.
        headers: The headers, names in lower case.
        body: The body.
        arrived: When it had come whole, by the event loop's clock.
        connection: Where it came from and where the answer goes.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    arrived: float
    connection: Connection


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered in one piece.

    Attributes:
        status: The HTTP status.
        body: What it says.
        headers: Headers beside the usual ones.
        content_type: The body's type.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] | None = None
    content_type: str = "application/json"


def json_response(content: Any) -> Response:
    """Answer 200 with JSON."""
    return Response(200, json.dumps(content).encode())


Handler = Callable[[Request], Coroutine[Any, Any, None]]


class Connection(asyncio.Protocol):
    """One caller's connection: reads requests, hands them on one at a time, writes what is answered."""

    def __init__(self, handle: Handler, open_connections: set[Connection]) -> None:
        self._handle = handle
        self._open = open_connections
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._keep = True
        self._continued = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._open.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._task is None:
            self._next()

    def _next(self) -> None:
        request = self._read()
        if request is not None:
            self._keep = request.headers.get("connection", "").lower() != "close"
            self._task = self._loop.create_task(self._handle(request))
            self._task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, ConnectionError):
            self._loop.call_exception_handler({"message": "a request failed", "exception": error})
            self._transport.abort()
        if not self._keep:
            self._transport.close()
        elif self._buffer:
            self._next()

    def _read(self) -> Request | None:
        """Take a request out of the buffer; None where it has not come whole."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _MOST_HEADER_BYTES:
                self._transport.abort()
            return None
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        parts = (line.partition(":") for line in lines[1:])
        headers = {name.lower(): value.strip() for name, _, value in parts}
        if "expect" in headers and not self._continued:
            self._continued = True
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._take_body(end + 4, headers)
        if body is None:
            return None
        self._continued = False
        method, target, _ = lines[0].split(" ")
        url = urlsplit(target)
        query = dict(parse_qsl(url.query)) if url.query else {}
        return Request(method, url.path, query, headers, body, self._loop.time(), self)

    def _take_body(self, start: int, headers: Mapping[str, str]) -> bytes | None:
        buffer = self._buffer
        if headers.get("transfer-encoding", "").lower() != "chunked":
            stop = start + int(headers.get("content-length", 0))
            if len(buffer) < stop:
                return None
            body = bytes(buffer[start:stop])
            del buffer[:stop]
            return body
        pieces = []
        while (line_end := buffer.find(b"\r\n", start)) >= 0:
            size = int(buffer[start:line_end].split(b";")[0], 16)
            start, stop = line_end + 2, line_end + 2 + size
            if len(buffer) < stop + 2:
                return None
            pieces.append(bytes(buffer[start:stop]))
            start = stop + 2
            if size == 0:
                del buffer[:start]
                return b"".join(pieces)
        return None

    def check(self) -> None:
        """Raise `Gone` where the caller has closed the connection."""
        if self._transport.is_closing():
            raise Gone

    async def send(self, response: Response) -> None:
        """Write an answer whole; returns when the connection has taken it, raises `Gone` where it does not."""
        head = self._head(response, {"Content-Length": str(len(response.body))})
        self.write(head + response.body)
        await self.flush()

    def begin(self, response: Response, length: int | None) -> None:
        """Write an answer's head; the body (of that length, or chunked) is to follow."""
        framing = {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": str(length)}
        self.write(self._head(response, framing))

    async def stream(self, response: Response, pieces: Iterable[bytes], pause: float = 0.0) -> None:
        """Write an answer in chunks, and wait so many seconds after each."""
        self.begin(response, None)
        for piece in pieces:
            self.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await asyncio.sleep(pause)
        self.write(b"0\r\n\r\n")
        await self.flush()

    def write(self, data: bytes) -> None:
        """Write bytes; raises `Gone` where the connection is closed."""
        self.check()
        self._transport.write(data)

    async def flush(self) -> None:
        """Wait until everything written has been taken; raises `Gone` where that cannot be."""
        while self._transport.get_write_buffer_size():
            self.check()
            await asyncio.sleep(0.01)
        self.check()

    def close(self) -> None:
        """Close the connection after what has been written."""
        self._transport.close()

    def reset(self) -> None:
        """Reset the connection (RST)."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()

    def end(self) -> None:
        """Close the connection, whatever is being answered."""
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()

    def _head(self, response: Response, framing: Mapping[str, str]) -> bytes:
        usual = {"Content-Type": response.content_type, "Date": _date(int(time.time()))}
        headers = {**usual, **framing, **(response.headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}\r\n{lines}\r\n".encode("latin-1")
