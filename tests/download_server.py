"""An HTTP server's handler that can cut, ignore, refuse and lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

CONTENT = bytes(range(256)) * 2_000  # 512,000 bytes: several pieces
PIECE = 65_536  # what is kept of a cut transfer is a multiple of this many bytes


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    statuses: list[int] = field(default_factory=list)  # answered first, one a request
    cuts: list[int] = field(
        default_factory=list
    )  # bytes of the body sent before the connection is cut, one a request
    honours_range: bool = True
    shifts_range: bool = False
    ranges: list[str | None] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        behaviour = self.behaviour
        asked = self.headers.get("Range")
        behaviour.ranges.append(asked)
        if behaviour.statuses and (status := behaviour.statuses.pop(0)) != 200:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and behaviour.honours_range else 0
        if start >= len(behaviour.content):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = behaviour.content[start:]
        self.send_response(206 if start else 200)
        if start:
            first = start + behaviour.shifts_range
            end, total = len(behaviour.content) - 1, len(behaviour.content)
            self.send_header("Content-Range", f"bytes {first}-{end}/{total}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if behaviour.cuts:
            body = body[: behaviour.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""
