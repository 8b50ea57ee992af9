"""Fine-tuning jobs as OpenAI has them: what is sent, and what is made of what comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

import ragtally_litellm
from model_server.fixture import RunningServer
from ragtally.api import CallError, Price, TunableModel, TuningJobs, TuningSettings, TuningState
from ragtally_litellm.model import check_model, model_traits

T = TypeVar("T")
Fill = Callable[..., dict[str, Any]]
NAME = "0123456789abcdef01234567-1"


def jobs(parameters: dict[str, Any]) -> TuningJobs:
    model = ragtally_litellm.build(**parameters)
    assert isinstance(model, TunableModel)
    return model.tuning_jobs()


def wait(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def write_chats(folder: Path, count: int = 12) -> Path:
    path = folder / "examples.jsonl"
    turns = [{"role": "user", "content": "Is it?"}, {"role": "assistant", "content": "yes"}]
    path.write_text(f"{json.dumps({'messages': turns})}\n" * count, encoding="utf-8")
    return path


async def all_listed(api: TuningJobs) -> list[TuningState]:
    return [state async for state in api.listed()]


def test_a_job_from_its_file_to_its_model(server: RunningServer, fill: Fill, tmp_path: Path) -> None:
    server.change(any_model=True, batch_page=2)
    api = jobs(fill(model="openai/m", api_base=server.openai))
    before = len(server.tunings())
    file_id = wait(api.upload(write_chats(tmp_path)))
    accepted = [
        wait(api.submit(file_id, name, TuningSettings(2, 4, 0.5, 7))) for name in (NAME, "1-1", "2-1", "3-1", "4-1")
    ]
    sent = server.tunings()[before]
    assert sent["hyperparameters"] == {"n_epochs": 2, "batch_size": 4, "learning_rate_multiplier": 0.5}
    assert (sent["seed"], sent["suffix"], sent["metadata"]) == (7, "ragtally-01234567", {"ragtally": NAME})
    state = wait(api.look(accepted[0].id))
    assert (state.status, state.name, state.file_id) == ("succeeded", NAME, file_id)
    assert state.model is not None and state.model.startswith("ft:m:") and state.trained_tokens
    points, steps = wait(api.losses(state.id, 2))
    assert steps == 6 and [point.step for point in points] == [1, 2, 3, 4, 5, 6] and points[-1].epoch == 2.0
    assert points[0].train == pytest.approx(0.3679) and points[0].dev is None
    # Page by page, the latest first.
    assert [state.name for state in wait(all_listed(api))][:5] == ["4-1", "3-1", "2-1", "1-1", NAME]


def test_what_goes_wrong_is_told_apart(server: RunningServer, fill: Fill, tmp_path: Path) -> None:
    server.change(any_model=True, not_tunable=["m"])
    api = jobs(fill(model="openai/m", api_base=server.openai))
    file_id = wait(api.upload(write_chats(tmp_path)))
    with pytest.raises(CallError, match="is not available for fine-tuning") as refused:
        wait(api.submit(file_id, NAME, TuningSettings(1)))
    assert refused.value.status == 400 and "name another model" in str(refused.value.hint)
    with pytest.raises(CallError, match="Could not find fine tune") as lost:
        wait(api.look("ftjob-none"))
    assert lost.value.reason == "not found"
    server.change(fine_tuning=False)
    with pytest.raises(CallError, match="has no fine-tuning jobs") as absent:
        wait(all_listed(api))
    assert "lora" in str(absent.value.hint)
    server.change(fine_tuning=True, not_tunable=[])
    few = wait(api.submit(wait(api.upload(write_chats(tmp_path, 3))), NAME, TuningSettings(1)))
    assert few.status == "failed" and "at least 10" in str(few.message)


def test_openai_gets_the_settings_as_it_has_them_now(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    async def ask(self: object, method: str, path: str, content: Any = None) -> dict[str, Any]:
        sent.append(content)
        return {"id": "ftjob-1", "status": "queued", "fine_tuned_model": None, "error": {}, "trained_tokens": 0}

    monkeypatch.setattr("ragtally_litellm.file_requests.FileRequests.ask", ask)
    state = wait(jobs(fill(model="openai/gpt-4.1-mini")).submit("file-1", NAME, TuningSettings(3)))
    assert sent[0]["method"] == {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}
    assert state == TuningState("ftjob-1", "running", message="queued")


def test_what_the_new_model_costs(fill: Fill) -> None:
    listed = {"model": "openai/gpt-4.1-mini-2025-04-14", "tuned": "r1:0123456789"}
    assert model_traits(fill(**listed)).price == Price(0.8, 3.2, cached_input=0.2)
    assert model_traits(fill(**listed)).model == "ft:gpt-4.1-mini-2025-04-14:01234567"
    own = {"model": "openai/m", "api_base": "http://localhost:1/v1", "price": {"input": 1, "output": 2}}
    assert model_traits(fill(**own, tuned="r1:0")).price is None, "another model's price is not its own"
    stated = {"training": 3, "input": 4, "output": 5, "poll_seconds": 1}
    traits = model_traits(fill(**own, fine_tuning=stated, tuned="r1:0"))
    assert traits.price == Price(4, 5) and traits.tuning is not None
    assert (traits.tuning.price, traits.tuning.poll_seconds, traits.tuning.dollars(2_000_000)) == (3, 1, 6)
    assert model_traits(fill(**own)).price == Price(1, 2)
    assert model_traits(fill(model="groq/openai/gpt-oss-20b")).tuning is None
    assert [fault.parameter for fault in check_model(fill(model="groq/m", fine_tuning=stated))] == ["fine_tuning"]


def test_a_tuned_model_is_asked_by_its_name_and_known_by_its_training(server: RunningServer, fill: Fill) -> None:
    server.change(any_model=True)
    model = ragtally_litellm.build(**fill(model="openai/m", api_base=server.openai, tuned="r1:0123456789"))
    assert isinstance(model, TunableModel)

    async def ask() -> Any:
        from haystack.dataclasses import ChatMessage

        try:
            return await model.run_async([ChatMessage.from_user("Is it?")])  # type: ignore[attr-defined]
        finally:
            await model.close()  # type: ignore[attr-defined]

    with pytest.raises(CallError, match="what the fine-tuned model is called"):
        wait(ask())
    model.answer_as("a-name-of-the-providers")
    assert wait(ask())["replies"][0].meta["model"] == "ft:m:01234567"
    assert server.requests()[-1]["body"]["model"] == "a-name-of-the-providers"
