"""A key placed in the environment appears in no error, log, answer or output, whatever a server echoes."""

from __future__ import annotations

import contextlib
import http.server
import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import ragtally_litellm
from model_server.fixture import RunningServer
from plugins.litellm.chat_calls import ask
from ragtally.api import CallError

Fill = Callable[..., dict[str, Any]]
KEY = "placed-by-the-test-0123456789abcdef"
"""No provider's shape, so that it is known by its variable alone."""


class Echo(http.server.BaseHTTPRequestHandler):
    """Repeats what it was sent, headers and all, in the way its path says: `/STATUS/FORM`."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        _, status, form, *_ = self.path.split("/")
        sent = self.headers.get("Authorization", "")
        output: Any = {
            "error": {"error": {"message": f"no such key: {sent}", "code": sent}},
            "nested": {"error": json.dumps({"error": {"message": sent}})},
            "text": f"<p>headers were {sent}</p>",
            "answer": {"choices": [{"message": {"content": f"yes {sent}"}, "finish_reason": "stop"}]},
            "refusal": {"choices": [{"message": {"content": None, "refusal": sent}}]},
            "broken": '{"choices": [' + sent,
            "late": {"error": {"message": sent, "code": 500}},
        }[form]
        body = (output if isinstance(output, str) else json.dumps(output)).encode()
        self.send_response(int(status), "because " + sent)
        self.send_header("Content-Length", str(len(body) * (2 if form == "broken" else 1)))
        self.send_header("X-Echo", sent)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


WAYS = [
    *((status, form) for status in (400, 401, 403, 404, 413, 429, 500) for form in ("error", "nested", "text")),
    *((200, form) for form in ("answer", "refusal", "broken", "late")),
]


@pytest.mark.parametrize("transport", ["native", "litellm"])
@pytest.mark.parametrize(("status", "form"), WAYS)
def test_the_key_is_nowhere(
    status: int,
    form: str,
    transport: str,
    echo: str,
    fill: Fill,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    with contextlib.closing(_Everything()) as output:
        (outcome,) = ask(fill(model="openai/m", api_base=f"{echo}/{status}/{form}", transport=transport))
        output.add(outcome)
        if isinstance(outcome, CallError):
            assert outcome.__cause__ is None
        else:
            assert form in ("answer", "refusal")
        output.add(caplog.text, *capfd.readouterr())
        assert KEY not in output.text()


class _Everything:
    """Collects texts, whole tracebacks of errors included."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def add(self, *outcome: Any) -> None:
        for each in outcome:
            self._texts += [str(each), repr(each), str(getattr(each, "text", ""))]
            if isinstance(each, Exception):
                self._texts += [repr(vars(each)), str(getattr(each, "hint", ""))]
                self._texts += traceback.TracebackException.from_exception(each).format(chain=True)

    def text(self) -> str:
        return "\n".join(self._texts)

    def close(self) -> None:
        self._texts.clear()


@pytest.mark.parametrize("transport", ["native", "litellm"])
@pytest.mark.parametrize("short", ["k", "e", "none", "EMPTY", "yes"])
def test_a_key_that_is_a_word_changes_no_answer(
    server: RunningServer, fill: Fill, monkeypatch: pytest.MonkeyPatch, short: str, transport: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", short)
    server.change(any_model=True)
    (outcome,) = ask(fill(model="openai/m", api_base=server.openai, transport=transport))
    assert not isinstance(outcome, Exception), outcome
    assert "hidden" not in outcome.text
    assert not outcome.meta.get("tokens_estimated")


def test_a_key_that_json_writes_otherwise_is_hidden_too(
    echo: str, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = 'placed"by\\the-test-0123'
    monkeypatch.setenv("OPENAI_API_KEY", odd)
    for form in ("error", "text", "nested"):
        (outcome,) = ask(fill(model="openai/m", api_base=f"{echo}/400/{form}"))
        assert isinstance(outcome, CallError)
        assert "placed" not in str(outcome) and "0123" not in str(outcome)


def test_the_doctor_tells_no_key(echo: str, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for path in ("400/error", "401/error", "200/answer"):
        findings = ragtally_litellm.diagnose(fill(model="openai/m", api_base=f"{echo}/{path}"))
        assert findings
        assert KEY not in repr(findings)
