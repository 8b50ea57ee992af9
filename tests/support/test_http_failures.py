"""Providers' errors, in their own words: reason, message, and how long to wait."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import formatdate

import pytest

from model_server.failures import failure
from model_server.faults import STATUSES
from ragtally.support.http_failures import error_message, failure_reason, retry_after

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


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("fault", STATUSES)
def test_every_vendors_words_are_understood(fault: str, vendor: str) -> None:
    response = failure(fault, vendor, model="llama3.1:8b")  # type: ignore[arg-type]
    headers = {name.lower(): value for name, value in (response.headers or {}).items()}
    message = error_message(response.body.decode())
    assert failure_reason(response.status, message) == REASONS[fault]
    if fault in ("429_seconds", "429_date", "daily_tokens", "daily_requests"):
        assert retry_after(headers, message) is not None


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
    text = body if isinstance(body, str) else json.dumps(body)
    assert failure_reason(status, error_message(text)) == reason


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
    text = error_message(body if isinstance(body, str) else json.dumps(body))
    assert text == message if message else "the real one" in text


NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after": "7"}, "", 7.0),
        ({"retry-after": "1.5"}, "", 1.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, "", 0.25),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, "", 30.0),
        ({"retry-after": formatdate(NOW + 30)}, "", 30.0),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, "", 0.0),
        ({"retry-after": "6m0s"}, "", 360.0),
        ({"retry-after": "soon"}, "try again in 2s", 2.0),
        ({"retry-after": "nan"}, "", None),
        ({}, "Please try again in 9m38.016s. Need more?", 578.016),
        ({}, "Please try again in 20ms. Visit", 0.02),
        ({}, "Please try again in 1h2m3s.", 3723.0),
        ({}, "please retry after 15 seconds", 15.0),
        ({"x-ratelimit-reset-tokens": "7.66s", "x-ratelimit-remaining-tokens": "0"}, "", 7.66),
        (
            {
                "x-ratelimit-reset-requests": "2m59.5s",
                "x-ratelimit-remaining-requests": "12",
                "x-ratelimit-reset-tokens": "120ms",
                "x-ratelimit-remaining-tokens": "0",
            },
            "",
            0.12,
        ),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "9"}, "", None),
        ({"x-ratelimit-reset": str(int((NOW + 12) * 1000))}, "", 12.0),
        ({"x-ratelimit-reset": str(int(NOW + 12))}, "", 12.0),
        ({}, "slow down", None),
        ({}, "", None),
    ],
)
def test_the_wait_is_found(headers: Mapping[str, str], message: str, seconds: float | None) -> None:
    wait = retry_after(headers, message, now=NOW)
    assert wait == (None if seconds is None else pytest.approx(seconds, abs=1e-3))
