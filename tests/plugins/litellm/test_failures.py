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


def test_a_prompt_too_long_for_ollama_is_told_the_context_to_write() -> None:
    # As a real one of August 2026 answered.
    message = "request (1510 tokens) exceeds the available context size (1280 tokens), try increasing it"
    inner = {"code": 400, "message": message, "type": "exceed_context_size_error"}
    error = from_status(400, {"error": json.dumps({"error": inner})}, Route("ollama_chat", "m"))
    assert error.reason == "too long"
    assert error.hint == "a smaller top_k or context_words, or a larger context: num_ctx: 2048"
    assert str(from_status(400, "maximum context", Route("ollama_chat", "m")).hint).endswith("num_ctx: ...")


def test_a_prompt_too_long_for_ones_own_server_is_told_its_options() -> None:
    errors = CallErrors(Route("openai", "m"), (), own_server=True)
    message = "request (1510 tokens) exceeds the available context size (1280 tokens), try increasing it"
    hint = str(errors.from_status(400, {}, message).hint)
    assert hint.startswith("a smaller top_k or context_words, or a larger context")
    assert "--ctx-size 2048" in hint and "--max-model-len 2048" in hint
    assert (
        from_status(400, "maximum context").hint
        == "a smaller top_k or context_words, or a model with a larger context"
    )


def test_a_servers_error_waits_only_where_it_says_so() -> None:
    assert from_status(503, "", headers={"retry-after": "4"}).retry_after == 4
    assert from_status(400, "", headers={"retry-after": "4"}).retry_after is None
