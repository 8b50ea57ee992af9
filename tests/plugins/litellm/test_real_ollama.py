"""The claims about Ollama, against a real one where OLLAMA_HOST names it; it needs a small model for chats."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from haystack.dataclasses import ChatMessage

import ragtally_litellm
from ragtally.api import CallError, DataError
from ragtally_litellm.routes import ollama_base

Fill = Callable[..., dict[str, Any]]
# Read before the tests' own environment hides it.
HOST = os.environ.get("OLLAMA_HOST")
BASE = ollama_base(HOST or "")
TAG = "ragtally-test:moving"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(HOST is None, reason="OLLAMA_HOST names no Ollama")]


def api(path: str, **body: Any) -> Any:
    response = requests.post(f"{BASE}/api/{path}", json=body, timeout=300)
    response.raise_for_status()
    return response.json() if response.content else {}


@pytest.fixture(scope="module")
def chat_model() -> str:
    models = requests.get(f"{BASE}/api/tags", timeout=30).json()["models"]
    names = [each["name"] for each in sorted(models, key=lambda each: each["size"])]
    names = [name for name in names if "completion" in api("show", model=name)["capabilities"]]
    if not names:
        pytest.skip("the Ollama has no model for chats: ollama pull smollm2:135m")
    return names[0]


@pytest.fixture
def tag(chat_model: str) -> Iterator[str]:
    api("copy", source=chat_model, destination=TAG)
    yield TAG
    requests.delete(f"{BASE}/api/delete", json={"model": TAG}, timeout=30)


@pytest.fixture
def parameters(fill: Fill, chat_model: str) -> dict[str, Any]:
    return fill(model=f"ollama_chat/{chat_model}", api_base=BASE, max_tokens=4, timeout=300.0)


def ask(parameters: dict[str, Any], text: str = "Say yes.", room: int = 0) -> Any:
    ragtally_litellm.fingerprint(parameters)
    return ask_built(ragtally_litellm.build(**parameters), text, room)


def ask_built(model: Any, text: str = "Say yes.", room: int = 0) -> Any:
    async def main() -> Any:
        try:
            if room:
                model.make_room(room)
            return (await model.run_async([ChatMessage.from_user(text)]))["replies"][0]
        finally:
            await model.close()

    return asyncio.run(main())


def test_penalties_and_silence_are_taken(parameters: dict[str, Any]) -> None:
    reply = ask(parameters | {"frequency_penalty": 0.0, "presence_penalty": -0.5, "reasoning_effort": "none"})
    assert reply.meta["usage"]["completion_tokens"] <= 4


def test_a_prompt_that_does_not_fit_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(CallError, match="exceed") as caught:
        ask(parameters | {"num_ctx": 256}, "word " * 1500)
    assert caught.value.reason == "too long"
    assert "num_ctx" in str(caught.value.hint)


def test_a_chosen_context_is_loaded_and_held(parameters: dict[str, Any]) -> None:
    ask(parameters, room=5000)
    (loaded,) = [each for each in requests.get(f"{BASE}/api/ps", timeout=30).json()["models"]
                 if f"ollama_chat/{each['name']}" == parameters["model"]]  # fmt: skip
    assert loaded["context_length"] == 5120
    held = datetime.fromisoformat(loaded["expires_at"]) - datetime.now(UTC)
    assert 25 < held.total_seconds() / 60 <= 30


def test_what_a_model_cannot_do_is_said_at_once(parameters: dict[str, Any], chat_model: str) -> None:
    with pytest.raises(DataError, match="does not think"):
        ragtally_litellm.fingerprint(parameters | {"reasoning_effort": "high"})
    embedder = ragtally_litellm.register_embedders()[0]
    defaults = {name: schema.get("default") for name, schema in embedder.params.items()}
    assert embedder.fingerprint is not None
    with pytest.raises(DataError, match="cannot embed texts"):
        embedder.fingerprint(defaults | {"model": f"ollama/{chat_model}", "api_base": BASE})


def test_a_similar_name_is_told(parameters: dict[str, Any], chat_model: str) -> None:
    name = chat_model.partition(":")[0] + ":no-such-tag"
    with pytest.raises(DataError, match=f"has no model {name}, but .*{chat_model}"):
        ragtally_litellm.fingerprint(parameters | {"model": f"ollama_chat/{name}"})


@pytest.mark.parametrize("transport", ["native", "litellm"])
def test_an_answer_after_the_tag_moved_is_refused(
    transport: str, parameters: dict[str, Any], tag: str, chat_model: str
) -> None:
    moving = parameters | {"model": f"ollama_chat/{tag}", "transport": transport}
    assert ask(moving).text
    api("create", model=tag, parameters={"temperature": 0.1, "top_k": 7}, stream=False, **{"from": chat_model})
    with pytest.raises(CallError, match="became another model"):
        ask_built(ragtally_litellm.build(**moving))


def test_openais_api_cuts_and_is_recognised(fill: Fill, chat_model: str, caplog: pytest.LogCaptureFixture) -> None:
    parameters = fill(model=f"openai/{chat_model}", api_base=f"{BASE}/v1", max_tokens=1, timeout=600.0)
    words = api("show", model=chat_model)["model_info"]["llama.context_length"] + 1000
    reply = ask(parameters, "word " * words)
    assert reply.meta["usage"]["prompt_tokens"] < words
    assert "cuts what does not fit silently" in caplog.text
