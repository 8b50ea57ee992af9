"""The rows of a batch's results, those that go wrong among them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_server.answers import answer
from model_server.asks import read_ask
from model_server.failures import Vendor, failure
from model_server.faults import STATUSES, WIRE, fraction
from model_server.replies import reply
from model_server.schemas import schema_refusal

if TYPE_CHECKING:
    from model_server.server import ModelServer
    from model_server.settings import Settings


@dataclass(frozen=True)
class Row:
    """A row of the results.

    Attributes:
        id: Whose it is.
        good: Whether it goes into the file of answers.
        response: What it says.
    """

    id: str
    good: bool
    response: Mapping[str, Any]


def answered_row(server: ModelServer, line: bytes, vendor: Vendor) -> Row:
    """Answer one call of a batch, and count it."""
    request = json.loads(line)
    body = json.dumps(request["body"]).encode()
    ask = read_ask(body, vendor)
    counts = server.counts
    counts.requests += 1
    counts.by_model[ask.model] += 1
    counts.requests_by_key[ask.key] += 1
    model = server.model_named(ask.model)
    if model is None:
        refused = failure("404", vendor, model=ask.model)
        return Row(request["custom_id"], False, _response(404, refused.body))
    refusal = schema_refusal(ask, server.settings.schemas)
    if refusal is not None:
        return Row(request["custom_id"], False, _response(refusal.status, refusal.body))
    fault = server.pick_fault(ask.key)
    if fault is not None and (fault in STATUSES or fault in WIRE):
        counts.by_fault[fault] += 1
        name = fault if fault in STATUSES else "500"
        return Row(
            request["custom_id"], False, _response(STATUSES[name], failure(name, vendor, model=ask.model).body)
        )
    result = answer(ask, model, server.settings)
    counts.complete += 1
    if result.text:
        counts.succeeded(ask.key)
    return Row(request["custom_id"], True, _response(200, reply(ask, result, server.settings.usage, 0.1)))


def written_row(row: Row, settings: Settings) -> list[bytes]:
    """Write a row, or what stands in its place."""
    draw, fault = fraction("row", settings.seed, row.id), None
    for name, share in settings.batch_rows.items() if row.good else ():
        fault = name if draw < share and draw >= 0 else fault
        draw -= share
    plain = _line(row.id, row.response)
    if fault == "missing":  # the call was answered (and is paid), but no row says so
        return []
    if fault == "garbage":
        return [plain[: len(plain) // 2] + b"\n"]
    if fault == "twice":
        return [plain, plain]
    if fault == "stranger":  # a row of a call that nobody asked
        return [_line("r1:of-nobody", row.response), plain]
    if fault == "no_choices":
        return [_line(row.id, {**row.response, "body": {"id": "x", "choices": []}})]
    if fault == "empty_error":  # with the body as text
        return [_line(row.id, {**row.response, "body": json.dumps(row.response["body"])}, {})]
    return [plain]


def _response(status: int, body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        content = body.decode()
    return {"status_code": status, "request_id": "req_made_up", "body": content}


def _line(custom_id: str, response: Mapping[str, Any], error: Any = None) -> bytes:
    content = {"id": "batch_req_made_up", "custom_id": custom_id, "response": response, "error": error}
    return json.dumps(content).encode() + b"\n"
