"""The fast lane sends what LiteLLM sends: the requests of both lanes are compared as a server saw them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import ragtally_litellm
from model_server.fixture import RunningServer
from ragtally_litellm.quiet import switched_off

with switched_off():
    from haystack.dataclasses import ChatMessage

Given = Callable[..., dict[str, Any]]
SCHEMA = {"type": "object", "properties": {"answer": {"enum": ["yes", "no"]}}, "required": ["answer"]}

SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("openai/gpt-4.1-mini", {"temperature": 0.7, "top_p": 0.9, "max_tokens": 5, "stop": ["\n", "x"]}),
    ("openai/gpt-4.1-mini", {"frequency_penalty": 0.5, "presence_penalty": -0.5, "structured": SCHEMA}),
    ("openai/gpt-4.1-mini", {"structured": True, "stop": "\n"}),
    ("openai/gpt-5-mini", {"max_tokens": 50, "reasoning_effort": "low"}),
    ("openai/own-model", {"temperature": 0.2, "extra": {"top_k": 40, "guided_choice": ["yes", "no"]}}),
    ("groq/openai/gpt-oss-20b", {"temperature": 0.7, "max_tokens": 5, "reasoning_effort": "low"}),
    ("groq/openai/gpt-oss-20b", {"structured": SCHEMA}),
    ("hosted_vllm/Qwen/Qwen3-8B", {"temperature": 0.7, "max_tokens": 5, "reasoning_effort": "high"}),
    ("hosted_vllm/Qwen/Qwen3-8B", {"extra": {"top_k": 40}}),
    ("openrouter/openai/gpt-4o", {"temperature": 0.7, "max_tokens": 5}),
    ("openrouter/openai/gpt-5", {"reasoning_effort": "max", "extra": {"route": "fallback"}}),
    ("ollama_chat/llama3.1:8b", {"temperature": 0.7, "top_p": 0.9, "max_tokens": 5, "stop": ["\n"]}),
    ("ollama_chat/llama3.1:8b", {"frequency_penalty": 1.1, "extra": {"top_k": 40, "keep_alive": "5m"}}),
    ("ollama_chat/llama3.1:8b", {"structured": True, "num_ctx": 2048}),
    ("ollama_chat/llama3.1:8b", {"structured": SCHEMA, "reasoning_effort": "low"}),
    ("ollama_chat/llama3.1:8b", {"reasoning_effort": "none"}),
    ("ollama_chat/gpt-oss:20b", {"reasoning_effort": "low"}),
]


def ask(parameters: dict[str, Any], **own: Any) -> Any:
    model = ragtally_litellm.build(**parameters)

    async def once() -> Any:
        try:
            messages = [ChatMessage.from_system("Answer."), ChatMessage.from_user("Is it so? yes or no")]
            return await model.run_async(messages, generation_kwargs=own)
        finally:
            await model.close()

    return asyncio.run(once())["replies"][0]


def authorization(request: dict[str, Any]) -> str:
    return {name.lower(): value for name, value in request["headers"].items()}["authorization"]


@pytest.mark.parametrize(("model", "settings"), SETTINGS)
def test_both_lanes_send_the_same(
    model: str, settings: dict[str, Any], given: Given, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.change(any_model=True)
    provider = model.partition("/")[0]
    monkeypatch.setenv(f"{provider.removesuffix('_chat').upper()}_API_KEY", "a-key-for-both-lanes")
    base = server.url if provider == "ollama_chat" else server.openai
    replies = [
        ask(given(model=model, api_base=base, lane=lane, **settings), seed=7).text for lane in ("fast", "litellm")
    ]
    fast, litellm = server.requests()[-2:]
    assert fast["path"] == litellm["path"]
    assert authorization(fast) == authorization(litellm) == "Bearer a-key-for-both-lanes"
    if provider == "ollama_chat":
        # So that a prompt that does not fit is an error; LiteLLM cannot say it.
        assert (fast["body"].pop("truncate"), fast["body"].pop("shift")) == (False, False)
        for message in litellm["body"]["messages"]:
            assert message.pop("images") == []
    assert {"stream": False, **fast["body"]} == {"stream": False, **litellm["body"]}
    assert replies[0] == replies[1]


def test_ollama_is_told_how_long_a_prompt_may_be(given: Given, server: RunningServer) -> None:
    for num_ctx, sent in ((None, 4096), (512, 512)):
        ask(given(model="ollama_chat/llama3.1:8b", api_base=server.url, num_ctx=num_ctx))
        assert server.requests()[-1]["body"]["options"] == {"num_ctx": sent}
