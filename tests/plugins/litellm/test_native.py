"""The native transport against a real server: answers, every fault, hosts, keys, and what LiteLLM would send."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ragtally_litellm
from model_server.fixture import RunningServer, running_server
from plugins.litellm.chat_calls import QUESTION, ChatMessage, ask, failure
from ragtally.api import CallError, DataError
from ragtally_litellm.native import NativeChatGenerator, Secret

Fill = Callable[..., dict[str, Any]]
LLAMA = {"openai": "openai/llama3.1:8b", "ollama": "ollama_chat/llama3.1:8b"}


@pytest.fixture(params=["openai", "ollama"])
def parameters(request: pytest.FixtureRequest, fill: Fill, server: RunningServer) -> dict[str, Any]:
    base = server.openai if request.param == "openai" else server.url
    return fill(model=LLAMA[request.param], api_base=base, max_tokens=20)


def test_an_answer_has_text_reason_model_and_usage(parameters: dict[str, Any]) -> None:
    (reply,) = ask(parameters, seed=3)
    assert reply.text
    assert reply.meta["finish_reason"] == "stop"
    assert reply.meta["model"] == "llama3.1:8b"
    assert reply.meta["usage"]["prompt_tokens"] > 0
    assert reply.meta["usage"]["completion_tokens"] > 0


def test_many_calls_at_once_are_answered_once_each(parameters: dict[str, Any], server: RunningServer) -> None:
    # So that no call is answered before the last one was sent, however busy the machine is.
    server.change(latency=1.0)
    replies = ask(parameters, calls=100)
    server.change(latency=0.0)
    assert {reply.text for reply in replies} == {replies[0].text}
    assert server.counts()["successful"] == 100
    assert server.counts()["max_in_flight"] > 8


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("429_seconds", "rate limit"),
        ("429_date", "rate limit"),
        ("502", "server"),
        ("daily_tokens", "daily quota"),
        ("401", "authentication"),
        ("404", "not found"),
        ("content_policy", "refused"),
        ("reset", "connection"),
        ("disconnect", "connection"),
        ("half_body", "connection"),
        ("invalid_json", "bad reply"),
        ("empty_choices", "bad reply"),
    ],
)
def test_faults_have_their_reasons(
    fault: str, reason: str, parameters: dict[str, Any], server: RunningServer
) -> None:
    server.change(faults={fault: 1.0}, retry_after=2)
    error = failure(parameters)
    assert error.reason == reason
    assert parameters["model"] in error.message
    if fault in ("429_seconds", "429_date"):
        assert error.retry_after == pytest.approx(2, abs=2)


@pytest.mark.parametrize("fault", ["drip", "hang"])
def test_a_slow_answer_is_a_timeout(fault: str, parameters: dict[str, Any], server: RunningServer) -> None:
    server.change(faults={fault: 1.0}, hold_seconds=20)
    started = time.monotonic()
    assert failure(parameters | {"timeout": 0.4}).reason == "timeout"
    assert time.monotonic() - started < 5


def test_nobody_listening_is_no_connection(fill: Fill) -> None:
    error = failure(fill(model="ollama_chat/llama3.1:8b", api_base="http://127.0.0.1:9"))
    assert (error.reason, error.hint) == ("connection", "ollama serve")
    assert error.retryable


def test_a_wrong_path_is_not_found(fill: Fill, server: RunningServer) -> None:
    error = failure(fill(model="openai/llama3.1:8b", api_base=f"{server.url}/nowhere"))
    assert error.reason == "not found"
    assert "api_base" in str(error.hint)


def test_a_model_that_is_not_pulled_says_how_to_pull_it(fill: Fill, server: RunningServer) -> None:
    error = failure(fill(model="ollama_chat/qwen2.5:7b", api_base=server.url))
    assert (error.reason, error.hint) == ("not found", "ollama pull qwen2.5:7b")


def test_a_model_nobody_knows_where_to_find_is_an_error(fill: Fill) -> None:
    with pytest.raises(DataError, match="not known where") as caught:
        ragtally_litellm.build(**fill(model="hosted_vllm/x"))
    assert "HOSTED_VLLM_API_BASE" in str(caught.value.hint)


def test_another_server_may_be_named_by_the_environment(
    fill: Fill, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOSTED_VLLM_API_BASE", server.openai + "/")
    (reply,) = ask(fill(model="hosted_vllm/llama3.1:8b"))
    assert reply.text


@pytest.mark.parametrize("location", ["environment", "file"])
def test_the_key_is_sent(location: str, fill: Fill, server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "gsk_the-right-key-0123456789"
    server.change(api_key=key)
    parameters = fill(model="groq/openai/gpt-oss-20b", api_base=server.groq)
    error = failure(parameters)
    assert error.reason == "authentication"
    assert "GROQ_API_KEY" in str(error.hint)
    if location == "file":
        Path(".env").write_text(f"GROQ_API_KEY={key}\n")
    else:
        monkeypatch.setenv("GROQ_API_KEY", key)
    (reply,) = ask(parameters)
    assert reply.text


def test_several_hosts_share_the_load_and_a_dead_one_is_left_out(fill: Fill, server: RunningServer) -> None:
    with running_server(latency=0.05) as second:
        server.change(latency=0.05)
        bases = [server.openai, second.openai, "http://127.0.0.1:9"]
        answers = ask(fill(model="openai/llama3.1:8b", api_base=bases), calls=30)
        dead = [answer for answer in answers if isinstance(answer, CallError)]
        assert len(dead) == 10
        counts = [host.counts()["successful"] for host in (server, second)]
        assert counts == [10, 10]

        model = ragtally_litellm.build(**fill(model="openai/llama3.1:8b", api_base=bases))

        async def one_after_the_other() -> int:
            failures = 0
            for _ in range(9):
                try:
                    await model.run_async([ChatMessage.from_user(QUESTION)])
                except CallError:
                    failures += 1
            await model.close()
            return failures

        assert asyncio.run(one_after_the_other()) <= 1


def test_it_can_be_asked_without_an_event_loop_and_inside_one(parameters: dict[str, Any]) -> None:
    model = ragtally_litellm.build(**parameters)
    messages = [ChatMessage.from_user(QUESTION)]
    first = model.run(messages)["replies"][0].text  # type: ignore[attr-defined]

    async def inside() -> str:
        return model.run(messages)["replies"][0].text  # type: ignore[attr-defined, no-any-return]

    assert asyncio.run(inside()) == first


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_can_be_asked_in_one_event_loop_after_another(parameters: dict[str, Any]) -> None:
    model = ragtally_litellm.build(**parameters)

    async def once() -> str:
        return (await model.run_async([ChatMessage.from_user(QUESTION)]))["replies"][0].text  # type: ignore[no-any-return]

    first = asyncio.run(once())
    assert asyncio.run(once()) == first
    asyncio.run(model.close())
    asyncio.run(model.close())
    gc.collect()


def test_it_is_written_down_without_its_key_and_made_again(
    fill: Fill, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "a-key-that-nobody-may-see"
    monkeypatch.setenv("GROQ_API_KEY", key)
    parameters = fill(model="groq/openai/gpt-oss-20b", api_base=server.groq, temperature=0.5, extra={"top_k": 3})
    model = ragtally_litellm.build(**parameters)
    description = model.to_dict()  # type: ignore[attr-defined]
    assert key not in repr(description) and key not in repr(model)
    again = NativeChatGenerator.from_dict(description)
    assert again.to_dict() == description
    assert again.run([ChatMessage.from_user(QUESTION)])["replies"][0].text
    assert server.requests()[-1]["body"]["top_k"] == 3


def test_llama_cpp_tells_how_many_calls_it_does_at_once(parameters: dict[str, Any], server: RunningServer) -> None:
    def slots(base: Any) -> int | None:
        async def ask() -> int | None:
            model = ragtally_litellm.build(**{**parameters, "api_base": base})
            try:
                return await model.slots()  # type: ignore[attr-defined, no-any-return]
            finally:
                await model.close()

        return asyncio.run(ask())

    speaks_openai = parameters["model"].startswith("openai/")
    assert slots(parameters["api_base"]) is None
    server.change(slots=4)
    assert slots(parameters["api_base"]) == (4 if speaks_openai else None)
    assert slots([f"http://127.0.0.1:{server.port}/v1", f"http://localhost:{server.port}/v1"]) == (
        8 if speaks_openai else None
    )
    assert slots("http://127.0.0.1:9/v1") is None, "a server that is away says nothing"
    assert slots("https://127.0.0.1:9/v1") is None, "what may be a provider's is not asked"
    server.change(slots=0)


def test_a_key_is_never_a_literal() -> None:
    with pytest.raises(ValueError, match="environment"):
        NativeChatGenerator("groq/m", api_key=Secret.from_token("literal"))


def test_cancelled_calls_leave_nothing_behind(parameters: dict[str, Any], server: RunningServer) -> None:
    server.change(latency=5)
    model = ragtally_litellm.build(**parameters)

    async def cancel() -> None:
        calls = [asyncio.create_task(model.run_async([ChatMessage.from_user(QUESTION)])) for _ in range(5)]
        await asyncio.sleep(0.1)
        for call in calls:
            call.cancel()
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in found)
        await model.close()

    asyncio.run(cancel())


def test_prompts_of_any_characters_arrive_whole(parameters: dict[str, Any], server: RunningServer) -> None:
    question = 'Ob "Größe" \\ hilft? 漢字 \u2028 \x07 🙂 ' + QUESTION
    ask(parameters, question=question)
    assert server.requests()[-1]["body"]["messages"] == [{"role": "user", "content": question}]


Fill = Callable[..., dict[str, Any]]
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
    ("ollama_chat/llama3.1:8b", {"extra": {"top_k": 40, "keep_alive": "5m"}}),
    ("ollama_chat/llama3.1:8b", {"structured": True, "num_ctx": 2048}),
    ("ollama_chat/llama3.1:8b", {"structured": SCHEMA, "reasoning_effort": "low"}),
    ("ollama_chat/llama3.1:8b", {"reasoning_effort": "none"}),
    ("ollama_chat/gpt-oss:20b", {"reasoning_effort": "low"}),
]


def authorization(request: dict[str, Any]) -> str:
    return {name.lower(): value for name, value in request["headers"].items()}["authorization"]


@pytest.mark.parametrize(("model", "settings"), SETTINGS)
def test_both_transports_send_the_same(
    model: str, settings: dict[str, Any], fill: Fill, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    thinkers = ("gpt-oss:20b", "llama3.1:8b")
    server.change(any_model=True, models={name: {"reasoning_tokens": 9} for name in thinkers})
    provider = model.partition("/")[0]
    monkeypatch.setenv(f"{provider.removesuffix('_chat').upper()}_API_KEY", "a-key-for-both-transports")
    base = server.url if provider == "ollama_chat" else server.openai
    replies = [
        ask(fill(model=model, api_base=base, transport=transport, **settings), seed=7)[0].text
        for transport in ("native", "litellm")
    ]
    native, litellm = server.requests()[-2:]
    assert native["path"] == litellm["path"]
    assert authorization(native) == authorization(litellm) == "Bearer a-key-for-both-transports"
    if provider == "ollama_chat":
        # So that a prompt that does not fit is an error; LiteLLM cannot say it.
        assert (native["body"].pop("truncate"), native["body"].pop("shift")) == (False, False)
        for message in litellm["body"]["messages"]:
            assert message.pop("images") == []
    assert {"stream": False, **native["body"]} == {"stream": False, **litellm["body"]}
    assert replies[0] == replies[1]


def test_ollama_is_told_how_long_a_prompt_may_be(fill: Fill, server: RunningServer) -> None:
    for num_ctx, sent in ((None, 4096), (512, 512)):
        ask(fill(model="ollama_chat/llama3.1:8b", api_base=server.url, num_ctx=num_ctx))
        assert server.requests()[-1]["body"]["options"] == {"num_ctx": sent}
