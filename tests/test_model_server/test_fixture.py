"""The test server starts, takes settings, and ends with whoever started it."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from model_server.caller import CHAT, ask
from model_server.fixture import RunningServer, running_server, start_server


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"skil": 0.5}, "no such settings: skil"),
        ({"faults": {"504": 0.1}}, "no such fault: 504"),
        ({"usage": "poem"}, "no such usage: poem"),
        ({"models": {"a": {"size": 8}}}, "a model has no size"),
        ({"faults": {"500": 0.8}, "mix": 0.3}, "add up to more than 1"),
    ],
)
def test_a_misspelt_setting_is_an_error(server: RunningServer, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        server.change(**settings)


def test_a_server_with_a_misspelt_setting_does_not_start() -> None:
    with pytest.raises(ValueError, match="no such settings: skil"):
        start_server(skil=0.5)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_stopped_server_is_gone_and_its_port_can_be_used_again() -> None:
    with running_server(latency=30) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("POST", CHAT, json.dumps({"model": "gpt-4.1-mini", "messages": []}))
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 5
        connection.close()
    assert server.process.returncode == 0
    assert not listens(server.port)
    with running_server(port=server.port) as again:
        assert again.port == server.port
        assert ask(again).status == 200


def test_a_server_ends_with_the_process_that_started_it() -> None:
    script = "import os, model_server.fixture as f; print(f.start_server().port, flush=True); os._exit(9)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[1], capture_output=True, text=True
    )
    port = int(done.stdout)
    deadline = time.monotonic() + 10
    while listens(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listens(port)
