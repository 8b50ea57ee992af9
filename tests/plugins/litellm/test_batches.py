"""Files and batches as OpenAI and Groq have them: what is sent, and every way in which a result may be written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import ragtally_litellm
from model_server.fixture import running_server
from ragtally.api import Batches, BatchModel, BatchRow, BatchState, BatchTerms, Call, CallError, Message
from ragtally_litellm.batches import FileBatches, read_row
from ragtally_litellm.failures import CallErrors
from ragtally_litellm.file_requests import FileRequests
from ragtally_litellm.model import model_traits
from ragtally_litellm.routes import route_of

Fill = Callable[..., dict[str, Any]]
ERRORS = CallErrors(route_of("openai/m"), ("a-secret-key",))
GOOD = {
    "model": "m-2026",
    "choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1},
}
CALLS = [Call(f"r1:{number}", (Message("user", f"Is it {number}?"),), "label", 0, 7) for number in range(3)]


def row(**fields: Any) -> BatchRow:
    return read_row(json.dumps({"id": "x", "custom_id": "r1:1"} | fields).encode(), ERRORS)


@pytest.mark.parametrize("error", [None, {}])
@pytest.mark.parametrize("body", [GOOD, json.dumps(GOOD)])
def test_a_good_row_is_an_answer(error: Any, body: Any) -> None:
    batch_api = row(response={"status_code": 200, "body": body}, error=error)
    assert batch_api == BatchRow("r1:1", None, "yes", "stop", 9, 1, "m-2026")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"response": None, "error": {"code": "batch_expired", "message": "too late"}}, "timeout"),
        ({"response": None, "error": {"code": "batch_cancelled", "message": "stopped"}}, "cancelled"),
        ({"response": {}, "error": {"code": "server_error", "message": "a-secret-key broke"}}, "server"),
        ({"response": None, "error": None}, "bad reply"),
        ({}, "bad reply"),
        ({"response": {"status_code": 200, "body": {}}}, "bad reply"),
        ({"response": {"status_code": 200, "body": None}}, "bad reply"),
        ({"response": {"status_code": 200, "body": "no JSON"}}, "bad reply"),
        ({"response": {"status_code": 429, "body": {"error": {"message": "slow down"}}}}, "rate limit"),
        ({"response": {"status_code": 400, "body": {"error": {"message": "bad"}}}, "error": None}, "bad request"),
        ({"response": {"status_code": 500, "body": None}, "error": {"message": "broke"}}, "server"),
    ],
)
def test_every_other_row_is_a_failure_of_its_call(fields: dict[str, Any], reason: str) -> None:
    batch_api = row(**fields)
    assert batch_api.key == "r1:1" and batch_api.error is not None and batch_api.error.reason == reason
    assert "a-secret-key" not in batch_api.error.message


@pytest.mark.parametrize("line", [b"no JSON", b"[1]", b'{"custom_id": 3}', b'{"custom_id": ""}', b"\xff\xfe"])
def test_a_row_of_nobody_has_no_key(line: bytes) -> None:
    assert read_row(line, ERRORS).key is None


def batches(parameters: dict[str, Any]) -> Batches:
    model = ragtally_litellm.build(**parameters)
    assert isinstance(model, BatchModel)
    return model.batches()


async def _round_trip(batch_api: Batches, folder: Path) -> tuple[list[BatchState], list[BatchRow]]:
    (folder / "calls.jsonl").write_bytes(b"".join(batch_api.line(call) for call in CALLS))
    for number in range(3):
        state = await batch_api.submit(await batch_api.upload(folder / "calls.jsonl"), f"name-{number}")
    listed = [each async for each in batch_api.listed()]
    while state.status == "running":
        state = await batch_api.look(state.id)
    rows = [each async for each in batch_api.results(state, folder / "new")]
    await batch_api.discard(state)
    await batch_api.close()
    return listed, rows


@pytest.mark.parametrize("vendor", ["openai", "groq"])
def test_calls_go_out_and_answers_come_back(fill: Fill, tmp_path: Path, vendor: str) -> None:
    with running_server(any_model=True, batch_page=1) as server:
        base = server.openai if vendor == "openai" else server.groq
        batch_api = batches(fill(model=f"{vendor}/m", api_base=base, max_tokens=5, delivery="batch"))
        listed, rows = asyncio.run(_round_trip(batch_api, tmp_path))
        assert [state.name for state in listed] == ["name-2", "name-1", "name-0"]
        assert sorted(row.key or "" for row in rows) == [call.key for call in CALLS]
        assert all(row.error is None and row.text and row.input_tokens for row in rows)
        assert server.counts()["files"] == 4  # of six that came in or out, those of the last batch are gone
    body = json.loads((tmp_path / "calls.jsonl").read_bytes().splitlines()[0])
    assert body == {
        "custom_id": "r1:0",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Is it 0?"}], "seed": 7},
    }


def test_failures_are_told_apart(fill: Fill, tmp_path: Path) -> None:
    with running_server(any_model=True, batch_creations=["400", "503", "429_seconds"], batch_bytes=10) as server:
        batch_api = batches(fill(model="openai/m", api_base=server.openai, delivery="batch"))

        def failing(request: Any) -> CallError:
            with pytest.raises(CallError) as caught:
                asyncio.run(request)
            return caught.value

        (tmp_path / "large").write_bytes(b"x" * 100)
        assert failing(batch_api.upload(tmp_path / "large")).reason == "too long"
        (tmp_path / "small").write_bytes(b"{}")
        file_id = asyncio.run(batch_api.upload(tmp_path / "small"))
        statuses = [failing(batch_api.submit(file_id, "n")).status for _ in range(3)]
        assert statuses == [400, 503, 429]
        assert failing(batch_api.look("batch_of_another")).reason == "not found"
        server.stop()
        gone = failing(batch_api.submit(file_id, "n"))
        assert (gone.reason, gone.status) == ("connection", None)


def state(**fields: Any) -> BatchState:
    batch_api = FileBatches(FileRequests("", None, 1, ERRORS), None, ERRORS, "24h")._state(
        {"id": "b", "status": "completed"} | fields
    )  # type: ignore[arg-type]
    assert isinstance(batch_api, BatchState)
    return batch_api


@pytest.mark.parametrize("nothing", [None, "", {}, 0])
def test_a_file_that_is_not_there_is_none(nothing: Any) -> None:
    assert state(output_file_id="o", error_file_id=nothing).result_files == ("o",)
    assert state(output_file_id=nothing).result_files == ()


@pytest.mark.parametrize(
    ("status", "meaning"),
    [("validating", "running"), ("in_progress", "running"), ("finalizing", "running"), ("cancelling", "running"),
     ("completed", "completed"), ("failed", "failed"), ("expired", "expired"), ("cancelled", "cancelled"),
     ("something new", "running")],
)  # fmt: skip
def test_what_a_status_means(status: str, meaning: str) -> None:
    assert state(status=status).status == meaning


def test_a_full_queue_is_told_from_a_batch_that_is_wrong() -> None:
    full = state(status="failed", errors={"data": [{"code": "token_limit_exceeded", "message": "Enqueued"}]})
    assert full.queue_full and full.message == "Enqueued"
    wrong = state(status="failed", errors={"object": "list", "data": [{"code": "empty_file", "message": "Empty"}]})
    assert not wrong.queue_full and wrong.message == "Empty"
    assert state(status="failed", errors=None, request_counts=None, metadata=[]).message is None


def test_terms_are_the_settings_with_what_both_providers_state(fill: Fill) -> None:
    traits = model_traits(fill(model="openai/gpt-4.1-mini", delivery="batch"))
    assert traits.batch == BatchTerms(discount=0.5)
    assert traits.effective_price.input == pytest.approx(traits.price.input / 2)
    own = {"discount": 0.25, "megabytes": 1.5, "calls": 10, "window": "7d", "open": 2, "keep_files": False}
    terms = model_traits(fill(model="groq/m", delivery="batch_then_live", batch=own)).batch
    assert terms == BatchTerms(True, 0.25, 10, 1_500_000, 2, "7d", keep_files=False)
    assert terms.window_hours == 168
    assert model_traits(fill(model="groq/m")).batch is None


@pytest.mark.parametrize(
    ("fields", "about"),
    [
        ({"model": "ollama_chat/m", "delivery": "batch"}, "delivery"),
        ({"model": "openrouter/x/m", "delivery": "batch_then_live"}, "delivery"),
        ({"batch": {"discount": 0.5}}, "batch"),
        ({"delivery": "batch", "transport": "litellm"}, "transport"),
        ({"delivery": "batch", "api_base": ["http://a", "http://b"]}, "api_base"),
        ({"delivery": "batch", "usd_per_hour": 1.0}, "usd_per_hour"),
    ],
)
def test_what_cannot_be_batched_is_said_before_the_run(fill: Fill, fields: dict[str, Any], about: str) -> None:
    faults = ragtally_litellm.check_model(fill(**{"model": "openai/gpt-4.1-mini"} | fields))
    assert about in [fault.parameter for fault in faults]


def test_of_a_row_that_does_not_end_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Files:
        async def download(self, file_id: str, path: Path) -> None:
            rows = [{"custom_id": key, "response": {"body": {"x": "x" * size}}} for key, size in SIZES.items()]
            path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    async def rows(folder: Path) -> list[BatchRow]:
        batch_api = FileBatches(Files(), None, ERRORS, "24h")  # type: ignore[arg-type]
        return [row async for row in batch_api.results(state(output_file_id="o"), folder)]

    monkeypatch.setattr("ragtally_litellm.batches.LONGEST_REPLY", 1_000)
    with TemporaryDirectory() as folder:
        first, long, last = asyncio.run(rows(Path(folder)))
    assert [row.key for row in (first, long, last)] == list(SIZES)
    assert long.error is not None and "given up" in long.error.message
    assert last.error is not None and "given up" not in last.error.message


SIZES = {"r1:1": 10, "r1:2": 300_000, "r1:3": 10}
