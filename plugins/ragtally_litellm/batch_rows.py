"""One row of a batch's results, read without trust."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ragtally import BatchRow, CallError, CallFailure
from ragtally_litellm.failures import Reporter
from ragtally_litellm.replies import read_answer

# Why a row was never tried; everything else without a status is the server's failure.
_CODES: Mapping[str, CallFailure] = {"batch_expired": "timeout", "batch_cancelled": "cancelled"}


def read_row(line: bytes, reporter: Reporter) -> BatchRow:
    """Read a row."""
    # An error stands in `error`, or in the body of a `response` with an error status, whichever file it is in; where
    # there is none, some say null and some {}.
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        return BatchRow(None, reporter.of_failure("bad reply", "a row of the results is no JSON object"))
    given = row.get("custom_id")
    key = given if isinstance(given, str) and given else None
    response = row.get("response")
    if not isinstance(response, dict) or not response:
        return BatchRow(key, _without_response(row, reporter))
    status, body = response.get("status_code"), response.get("body")
    if isinstance(body, str):
        body = _parsed(body)
    if isinstance(status, int) and not 200 <= status < 300:
        said = body if body else row.get("error")
        return BatchRow(key, reporter.of_status(status, {}, json.dumps(said) if said else ""))
    try:
        answer = read_answer(body, "openai")
    except CallError as error:
        return BatchRow(key, reporter.of_failure(error.reason, error.message))
    usage = answer.usage
    return BatchRow(
        key,
        None,
        answer.text,
        answer.finish_reason,
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
        answer.model,
    )


def _without_response(row: Mapping[str, Any], reporter: Reporter) -> CallError:
    error = row.get("error")
    error = error if isinstance(error, dict) else {"message": error}
    code, said = str(error.get("code") or ""), error.get("message")
    reason = _CODES.get(code, "server" if said or code else "bad reply")
    words = " ".join(filter(None, (said if isinstance(said, str) else "", f"({code})" if code else "")))
    return reporter.of_failure(reason, words or "a row of the results has neither an answer nor an error")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
