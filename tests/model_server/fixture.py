"""Start the server from a test or a benchmark: `with running_server(skill=0.8) as server:`."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START_SECONDS = 30
_STOP_SECONDS = 10


@dataclass(frozen=True)
class RunningServer:
    """A server in a process of its own; it ends with `stop`, and with the process that started it.

    Attributes:
        process: The server's process.
        port: Its port on 127.0.0.1.
    """

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        """Where Ollama's own API is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai(self) -> str:
        """The `api_base` of the OpenAI-compatible API, in OpenAI's words."""
        return f"{self.url}/v1"

    @property
    def groq(self) -> str:
        """The `api_base` that speaks Groq's words."""
        return f"{self.url}/openai/v1"

    def counts(self, *, keys: bool = True) -> dict[str, Any]:
        """What it counted: the fields of `counts.Counts`, `distinct_keys` and `cpu_seconds`."""
        content: dict[str, Any] = self.control("GET", "counts" if keys else "counts?keys=false")
        return content

    def requests(self) -> list[dict[str, Any]]:
        """The latest calls: `path`, `headers` and `body` of each."""
        content: list[dict[str, Any]] = self.control("GET", "requests")
        return content

    def tunings(self) -> list[dict[str, Any]]:
        """The fine-tuning jobs that were accepted: orders, each with its file's `content`."""
        content: list[dict[str, Any]] = self.control("GET", "tunings")
        return content

    def change(self, **settings: Any) -> None:
        """Change settings."""
        self.control("POST", "settings", settings)

    def reset(self) -> None:
        """Forget all counts, attempts and requests; the script begins anew."""
        self.control("POST", "reset", {})

    def restore(self) -> None:
        """Go back to the settings of the start, and forget all counts."""
        self.control("POST", "restore", {})

    def control(self, method: str, path: str, content: Any = None) -> Any:
        """Speak to a control endpoint; raises ValueError with the reason where the server refuses."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_STOP_SECONDS)
        try:
            connection.request(method, f"/control/{path}", None if content is None else json.dumps(content))
            response = connection.getresponse()
            content = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(content["error"])
        return content

    def stop(self) -> None:
        """End it, and wait for its end."""
        with self.process:
            try:
                self.process.communicate(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()


def start_server(port: int = 0, **settings: Any) -> RunningServer:
    """Start a server with the fields of `settings.Settings`; a stopped one can be started again at its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "model_server", "--port", str(port)],
        cwd=Path(__file__).parents[1],
        env={name: value for name, value in os.environ.items() if not name.startswith("COV_CORE")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C is for the client alone
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(settings) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line.strip().isdigit():
        process.communicate(timeout=_START_SECONDS)
        raise ValueError(line.strip() or f"the server ended with {process.returncode}")
    return RunningServer(process, int(line))


@contextmanager
def running_server(port: int = 0, **settings: Any) -> Iterator[RunningServer]:
    """Start a server, and stop it at the end; the arguments are those of `start_server`."""
    server = start_server(port, **settings)
    try:
        yield server
    finally:
        server.stop()
