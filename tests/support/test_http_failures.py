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
        (
            400,
            {
                "error": {
                    "message": "Failed to generate JSON. Please adjust your prompt. See 'failed_generation'.",
                    "type": "invalid_request_error",
                    "code": "json_validate_failed",
                    "failed_generation": "It does. The prompt is too long.",
                }
            },
            "bad reply",
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


def test_a_date_is_read_by_the_servers_own_clock() -> None:
    headers = {"retry-after": formatdate(NOW + 30, usegmt=True), "date": formatdate(NOW, usegmt=True)}
    assert retry_after(headers, now=NOW + 600) == pytest.approx(30)
    assert retry_after(headers | {"date": "no date"}, now=NOW) == pytest.approx(30)
    assert retry_after({"x-ratelimit-reset": str(int(NOW + 12))} | {"date": headers["date"]}, now=0.0) == 12


@pytest.mark.parametrize(
    "message",
    [
        "Rate limit reached for model `m` on tokens per minute (TPM): Limit 7000, Used 0, Requested 12903. Please "
        "try again in 10.6s.",
        "Request too large for gpt-4o on tokens per min (TPM): Limit 30,000, Requested 30,001. The input or output "
        "tokens must be reduced in order to run successfully.",
        "tokens per day (TPD): Limit: 100_000, Used: 99, Requested: 200_000",
        "Request too large for model `m`",
    ],
)
def test_a_request_above_the_limit_is_too_long_whatever_the_status_says(message: str) -> None:
    assert failure_reason(429, message) == "too long"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("tokens per minute (TPM): Limit 7000, Used 6900, Requested 300. Please try again in 1s.", "rate limit"),
        ("requests per minute (RPM): Limit 30, Used 30, Requested 1.", "rate limit"),
        ("requests per minute (RPM): Limit 0, Requested 1.", "rate limit"),
        ("tokens per minute (TPM): Limit 0, Requested 12", "rate limit"),
        ("tokens per day (TPD): Limit 100000, Used 99000, Requested 12903", "daily quota"),
    ],
)
def test_a_request_below_the_limit_waits(message: str, reason: str) -> None:
    assert failure_reason(429, message) == reason


def test_what_a_server_cannot_do_it_never_does() -> None:
    assert failure_reason(501, "this model does not support embeddings") == "bad request"


@pytest.mark.parametrize("depth", [50, 500, 10_000, 1_000_000])
@pytest.mark.parametrize(("before", "after"), [("[", "]"), ('{"error":', "}"), ('{"message":', "}")])
def test_a_deep_body_is_read_as_far_as_it_goes(depth: int, before: str, after: str) -> None:
    assert isinstance(error_message(before * depth + "1" + after * depth), str)
