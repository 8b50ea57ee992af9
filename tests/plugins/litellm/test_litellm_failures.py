"""Providers' errors, in their own words, become the right `CallError`."""

from __future__ import annotations

import json

import pytest

from model_server.failures import failure
from model_server.faults import STATUSES
from ragtally.api import CallError
from ragtally_litellm.failures import Reporter, message_of, reason_of
from ragtally_litellm.routes import Route

VENDORS = ["openai", "groq", "ollama", "vllm", "ollama_api"]
REASONS = {
    "429_seconds": "rate limit",
    "429_date": "rate limit",
    "429_bare": "rate limit",
    "500": "server",
    "502": "server",
    "503": "server",
    "daily_tokens": "daily quota",
    "daily_requests": "daily quota",
    "no_credit": "daily quota",
    "400": "bad request",
    "401": "authentication",
    "403": "authentication",
    "404": "not found",
    "413": "too long",
    "too_long": "too long",
    "content_policy": "refused",
}


GROQ = Route("groq", "m")


def told(status: int, body: object, route: Route = GROQ, headers: dict[str, str] | None = None) -> CallError:
    text = body if isinstance(body, str) else json.dumps(body)
    return Reporter(route, ("a-secret-key",)).of_status(status, headers or {}, text)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("fault", STATUSES)
def test_every_vendors_words_are_understood(fault: str, vendor: str) -> None:
    response = failure(fault, vendor, model="llama3.1:8b")  # type: ignore[arg-type]
    headers = {name.lower(): value for name, value in (response.headers or {}).items()}
    error = told(response.status, response.body.decode(), headers=headers)
    assert error.reason == REASONS[fault]
    assert error.status == response.status
    if fault in ("429_seconds", "429_date", "daily_tokens", "daily_requests"):
        assert error.retry_after is not None


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (402, {"error": {"message": "Insufficient credits", "code": 402}}, "daily quota"),
        (429, {"error": {"message": "Rate limit exceeded: free-models-per-day"}}, "daily quota"),
        (429, {"error": {"message": "limit", "code": "billing_hard_limit_reached"}}, "daily quota"),
        (429, {"error": {"message": "try again, see https://x.example/settings/billing"}}, "rate limit"),
        (498, {"error": {"message": "flex tier capacity exceeded"}}, "rate limit"),
        (403, {"error": {"message": "Your input was flagged", "metadata": {"reasons": ["x"]}}}, "refused"),
        (400, {"error": {"message": "API key not valid. Please pass a valid API key."}}, "authentication"),
        (400, {"object": "error", "message": "This model's maximum context length is 10 tokens."}, "too long"),
        (
            400,
            {"error": json.dumps({"error": {"message": "request (351 tokens) exceeds the available context size"}})},
            "too long",
        ),
        (500, {"error": "model requires more system memory (5.6 GiB) than is available (1.0 GiB)"}, "bad request"),
        (500, {"error": {"type": "exceed_context_size_error", "message": "no"}}, "too long"),
        (404, "404 page not found", "not found"),
        (301, "", "not found"),
        (405, {"detail": "Method Not Allowed"}, "not found"),
        (422, {"detail": [{"msg": "Input should be less than or equal to 2", "type": "le"}]}, "bad request"),
        (408, "", "timeout"),
        (504, "<html>Gateway Timeout</html>", "timeout"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "server"),
        (409, "", "server"),
        (400, {"error": {"message": "The model `x` has been decommissioned"}}, "not found"),
    ],
)
def test_other_wordings_are_understood(status: int, body: object, reason: str) -> None:
    assert told(status, body).reason == reason


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "No", "type": "t", "code": "c"}}, "No (c, t)"),
        ({"error": "model 'x' not found"}, "model 'x' not found"),
        ({"detail": "nope"}, "nope"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "the real one"}}}, None),
        ({}, "{}"),
        ("plain", "plain"),
    ],
)
def test_the_message_is_found(body: object, message: str | None) -> None:
    found = message_of(body if isinstance(body, str) else json.dumps(body))
    assert found == message if message else "the real one" in found


def test_hints_say_what_to_type() -> None:
    assert "GROQ_API_KEY" in str(told(401, "no").hint)
    assert told(404, "no", Route("ollama_chat", "llama3.1:8b")).hint == "ollama pull llama3.1:8b"
    assert "api_base" in str(told(404, "no").hint)
    assert told(500, "no").hint is None


def test_messages_are_one_short_line_without_keys() -> None:
    error = told(400, "line one\n  a-secret-key Bearer abcdefghijklmnop " + "x" * 1000)
    assert "\n" not in error.message and "a-secret-key" not in error.message and "abcdef" not in error.message
    assert len(error.message) < 450


def test_a_key_is_blotted_out_before_the_message_is_cut() -> None:
    error = told(400, "x" * 292 + "a-secret-key")
    assert "a-se" not in error.message


def test_a_servers_error_waits_only_where_it_says_so() -> None:
    assert told(503, "", headers={"retry-after": "4"}).retry_after == 4
    assert told(400, "", headers={"retry-after": "4"}).retry_after is None


def test_every_status_has_a_reason() -> None:
    assert {reason_of(status, "") for status in range(300, 600)} >= {"server", "rate limit", "bad request"}
