"""Any chat generator: asked asynchronously or by threads, its failures told apart."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from model_server.fixture import RunningServer, running_server
from ragtally.api import CallError, PluginError, call_parameters
from ragtally_haystack.library import ChatMessage

Build = Callable[..., Any]

OPENAI = "haystack.components.generators.chat.OpenAIChatGenerator"
FAILING = "sample_parts.generators.Failing"
SYNCHRONOUS = "sample_parts.generators.Synchronous"
KEY = "placed-by-the-test-0123456789"
QUESTION = "Is water wet? Answer yes, no or maybe."


@pytest.fixture(scope="module")
def module_server() -> Iterator[RunningServer]:
    with running_server() as server:
        yield server


@pytest.fixture
def server(module_server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> RunningServer:
    monkeypatch.setenv("MY_KEY", KEY)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    module_server.restore()
    return module_server


def openai(server: RunningServer, **given: Any) -> dict[str, Any]:
    secret = {"type": "env_var", "env_vars": ["MY_KEY"]}
    return {"api_key": secret, "api_base_url": server.openai, "model": "gpt-4.1-mini", **given}


def ask(model: Any, times: int = 1, **generation_kwargs: Any) -> list[ChatMessage]:
    async def everything() -> list[ChatMessage]:
        try:
            calls = [model.run_async([ChatMessage.from_user(QUESTION)], generation_kwargs) for _ in range(times)]
            return [answer["replies"][0] for answer in await asyncio.gather(*calls)]
        finally:
            await model.close()

    return asyncio.run(everything())


def failed(model: Any) -> CallError:
    with pytest.raises(CallError) as caught:
        ask(model)
    return caught.value


def test_an_answer_has_text_reason_and_usage(server: RunningServer, build: Build) -> None:
    model = build("model", type=OPENAI, init_parameters=openai(server))
    replies = ask(model, 3, seed=5)
    assert all(reply.text and reply.meta["finish_reason"] == "stop" for reply in replies)
    assert all(reply.meta["usage"]["prompt_tokens"] > 0 for reply in replies)
    sent = server.requests()
    assert len(sent) == 3
    assert all(request["body"]["seed"] == 5 for request in sent)
    assert all(KEY in str(request["headers"]) for request in sent)


def test_a_schema_is_sent_beside_what_the_spec_adds_and_a_cut_answer_is_one(
    server: RunningServer, build: Build
) -> None:
    answer = {"type": "object", "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}}}
    form = call_parameters(7, answer)
    own = openai(server, generation_kwargs={"extra_body": {"top_k": 3}})
    (whole,) = ask(build("model", type=OPENAI, init_parameters=own), **form)
    assert json.loads(whole.text or "")["answer"] in ("yes", "no")
    (request,) = server.requests()
    assert request["body"]["response_format"] == form["response_format"]
    assert (request["body"]["top_k"], request["body"]["seed"]) == (3, 7)
    (cut,) = ask(build("model", type=OPENAI, init_parameters=openai(server)), max_tokens=1, **form)
    assert cut.meta["finish_reason"] == "length"
    assert cut.meta["usage"]["completion_tokens"] > 0


def test_it_can_be_asked_without_an_event_loop(server: RunningServer, build: Build) -> None:
    model = build("model", type=OPENAI, init_parameters=openai(server))
    assert model.run([ChatMessage.from_user(QUESTION)])["replies"][0].text
    asyncio.run(model.close())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("429_seconds", "rate limit"),
        ("503", "server"),
        ("daily_tokens", "daily quota"),
        ("401", "authentication"),
        ("404", "not found"),
        ("too_long", "too long"),
        ("content_policy", "refused"),
        ("400", "bad request"),
    ],
)
def test_faults_have_their_reasons_and_are_not_tried_again(
    fault: str, reason: str, server: RunningServer, build: Build
) -> None:
    server.change(faults={fault: 1.0}, retry_after=2)
    error = failed(build("model", type=OPENAI, init_parameters=openai(server)))
    assert error.reason == reason
    assert OPENAI in error.message
    assert KEY not in str(error)
    assert server.counts()["requests"] == 1
    if fault == "429_seconds":
        assert error.retry_after == 2


@pytest.mark.parametrize("fault", ["disconnect", "hang"])
def test_broken_answers_pass(fault: str, server: RunningServer, build: Build) -> None:
    server.change(faults={fault: 1.0}, hold_seconds=5)
    error = failed(build("model", type=OPENAI, init_parameters=openai(server), timeout=0.4))
    assert error.retryable, error


def test_nobody_there_and_no_key(server: RunningServer, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = openai(server, api_base_url="http://127.0.0.1:9/v1")
    assert failed(build("model", type=OPENAI, init_parameters=nobody)).reason == "connection"
    monkeypatch.delenv("MY_KEY")
    error = failed(build("model", type=OPENAI, init_parameters=openai(server)))
    assert error.reason == "authentication"
    assert error.hint
    assert "environment variable" in error.hint


def test_a_synchronous_generator_is_asked_by_threads(build: Build) -> None:
    generator = importlib.import_module("sample_parts.generators").Synchronous
    generator.most_inside = 0
    generator.made.clear()
    model = build("model", type=SYNCHRONOUS, init_parameters={"seconds": 0.02}, concurrency=3, timeout=7.0)
    replies = ask(model, 9, seed=4)
    assert {reply.text for reply in replies} == {"seed 4 retries 0 timeout 7.0"}
    assert 1 < generator.most_inside <= 3
    assert len(generator.made) <= 3
    assert all(each.closed for each in generator.made)


def test_what_a_spec_says_of_retries_and_timeout_stays(build: Build) -> None:
    model = build("model", type=SYNCHRONOUS, init_parameters={"timeout": 3, "max_retries": 2})
    assert ask(model)[0].text == "seed None retries 2 timeout 3"
    assert model.run([ChatMessage.from_user("?")])["replies"][0].text == "seed None retries 2 timeout 3"


def test_a_synchronous_generator_that_hangs_is_given_up(build: Build) -> None:
    error = failed(build("model", type=SYNCHRONOUS, init_parameters={"seconds": 0.3}, timeout=0.05))
    assert error.reason == "timeout"
    assert "no answer after 0.05 s" in error.message


@pytest.mark.parametrize(
    ("given", "reason", "after"),
    [
        ({"status": 429, "message": "slow down", "after": "3"}, "rate limit", 3),
        ({"status": 429, "message": "slow down", "after": "soon"}, "rate limit", None),
        ({"status": 429, "message": "Please try again in 1m2s."}, "rate limit", 62),
        ({"status": 429, "message": "tokens per day are used up"}, "daily quota", None),
        ({"status": 402}, "daily quota", None),
        ({"status": 403, "message": "flagged by moderation"}, "refused", None),
        ({"status": 403}, "authentication", None),
        ({"status": 400, "message": "invalid api key"}, "authentication", None),
        ({"status": 400, "message": "the model `x` does not exist"}, "not found", None),
        ({"status": 413}, "too long", None),
        ({"status": 504}, "timeout", None),
        ({"status": 529, "how": "wrapped"}, "server", None),
        ({"how": "connection"}, "connection", None),
        ({"how": "timeout"}, "timeout", None),
        ({"how": "empty"}, "bad reply", None),
        ({"how": "bug"}, "unexpected", None),
    ],
)
def test_every_librarys_errors_are_understood(
    given: dict[str, Any], reason: str, after: float | None, build: Build
) -> None:
    error = failed(build("model", type=FAILING, init_parameters=given))
    assert (error.reason, error.retry_after) == (reason, after)
    assert FAILING in error.message


def test_a_model_that_takes_no_seed_is_told_how_to_go_without(build: Build) -> None:
    error = failed(build("model", type=FAILING, init_parameters={"status": 400, "message": "unknown field: seed"}))
    assert error.hint == "send_seed: false, where the model takes no seed"


def test_keys_are_blotted_out_of_messages(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", KEY)
    message = f"the key {KEY}\n" + "x" * 400
    error = failed(build("model", type=FAILING, init_parameters={"how": "bug", "message": message}))
    assert KEY not in str(error)
    assert "[key hidden]" in str(error)
    assert len(str(error)) < 450


def test_it_can_be_written_into_a_pipeline_and_read_again(build: Build) -> None:
    from haystack import Pipeline
    from haystack.core.serialization_security import allow_deserialization_module

    model = build("model", type=SYNCHRONOUS, init_parameters={"model": "x"}, timeout=9.0)
    pipeline = Pipeline()
    pipeline.add_component("ask", model)
    text = pipeline.dumps()
    allow_deserialization_module("ragtally_haystack")
    again = Pipeline.loads(text).get_component("ask")
    assert again.to_dict() == model.to_dict()
    assert again.run([ChatMessage.from_user("?")])["replies"][0].text == "seed None retries 0 timeout 9.0"


def test_a_generator_that_cannot_be_made_names_its_type(build: Build) -> None:
    type_ = "haystack.components.generators.chat.FallbackChatGenerator"
    with pytest.raises(PluginError, match=rf"{type_} cannot be made: TypeError"):
        build("model", type=type_, init_parameters={"chat_generators": 3})


def test_what_gives_no_replies_is_no_chat_generator(build: Build) -> None:
    inner = {"type": "haystack.components.generators.chat.MockChatGenerator", "init_parameters": {}}
    with pytest.raises(PluginError, match=r"LLM is not a chat generator: it returns .*, not replies"):
        build(
            "model",
            type="haystack.components.generators.chat.LLM",
            init_parameters={"chat_generator": inner, "system_prompt": "Be short."},
        )
