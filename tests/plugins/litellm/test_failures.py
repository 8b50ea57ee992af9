"""Providers' errors become the right `CallError`, with a hint and without keys."""

from __future__ import annotations

import json

from ragtally.api import CallError
from ragtally_litellm.failures import CallErrors
from ragtally_litellm.routes import Route

GROQ = Route("groq", "m")


def from_status(status: int, body: object, route: Route = GROQ, headers: dict[str, str] | None = None) -> CallError:
    text = body if isinstance(body, str) else json.dumps(body)
    return CallErrors(route, ("a-secret-key",)).from_status(status, headers or {}, text)


def test_hints_say_what_to_type() -> None:
    assert "GROQ_API_KEY" in str(from_status(401, "no").hint)
    assert from_status(404, "no", Route("ollama_chat", "llama3.1:8b")).hint == "ollama pull llama3.1:8b"
    assert "api_base" in str(from_status(404, "no").hint)
    assert from_status(500, "no").hint is None


def test_a_servers_error_waits_only_where_it_says_so() -> None:
    assert from_status(503, "", headers={"retry-after": "4"}).retry_after == 4
    assert from_status(400, "", headers={"retry-after": "4"}).retry_after is None
