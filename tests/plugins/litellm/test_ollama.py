"""Which model exactly a tag stands for, whether it is there, and pulling it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from haystack.dataclasses import ChatMessage

import ragtally_litellm
from model_server.fixture import RunningServer, running_server, start_server
from ragtally.api import CallError, DataError
from ragtally_litellm.ollama import cuts_silently, forget
from ragtally_litellm.request_body import RequestBody
from ragtally_litellm.routes import Route, base_urls, ollama_base
from ragtally_litellm.tags import ModelInfo, check_digest, recall, remember

Fill = Callable[..., dict[str, Any]]
DIGEST = hashlib.sha256(b"llama3.1:8b").hexdigest()
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def llama(fill: Fill, server: RunningServer) -> dict[str, Any]:
    return fill(model="ollama_chat/llama3.1:8b", api_base=server.url)


def test_the_digest_is_the_fingerprint(llama: dict[str, Any]) -> None:
    assert ragtally_litellm.fingerprint(llama) == DIGEST


@pytest.mark.parametrize("path", ["", "/", "/api/chat"])
def test_whatever_url_litellm_takes_is_taken(path: str, fill: Fill, server: RunningServer) -> None:
    for provider in ("ollama", "ollama_chat"):
        parameters = fill(model=f"{provider}/llama3.1:8b", api_base=server.url + path)
        assert ragtally_litellm.fingerprint(parameters) == DIGEST


def test_a_name_without_a_tag_means_latest(fill: Fill, server: RunningServer) -> None:
    server.change(models={"mine:latest": {"digest": "ab" * 32}})
    assert ragtally_litellm.fingerprint(fill(model="ollama_chat/mine", api_base=server.url)) == "ab" * 32


def test_other_providers_have_no_fingerprint(fill: Fill) -> None:
    assert ragtally_litellm.fingerprint(fill(model="groq/openai/gpt-oss-20b")) is None


def test_a_tag_that_moves_is_another_model(llama: dict[str, Any], server: RunningServer) -> None:
    before = ragtally_litellm.fingerprint(llama)
    server.change(models={"llama3.1:8b": {"digest": "cd" * 32}})
    assert ragtally_litellm.fingerprint(llama) == before, "a process asks once"
    forget()
    assert ragtally_litellm.fingerprint(llama) == "cd" * 32


def test_a_model_that_is_not_pulled_is_an_error_with_the_command(fill: Fill, server: RunningServer) -> None:
    with pytest.raises(DataError, match=r"has no model qwen2\.5:7b") as caught:
        ragtally_litellm.fingerprint(fill(model="ollama_chat/qwen2.5:7b", api_base=server.url))
    assert str(caught.value.hint).startswith("ollama pull qwen2.5:7b")


def test_where_the_server_is_away_the_digest_last_seen_counts(fill: Fill, caplog: pytest.LogCaptureFixture) -> None:
    server = start_server()
    parameters = fill(model="ollama_chat/llama3.1:8b", api_base=server.url)
    assert ragtally_litellm.fingerprint(parameters) == DIGEST
    server.stop()
    forget()
    caplog.set_level(logging.WARNING)
    assert ragtally_litellm.fingerprint(parameters) == DIGEST
    assert "last seen" in caplog.text and server.url in caplog.text
    with pytest.raises(DataError, match="does not answer") as caught:
        ragtally_litellm.fingerprint(fill(model="ollama_chat/gemma2:2b", api_base=server.url))
    assert caught.value.hint == "ollama serve"


def test_all_hosts_must_hold_the_same_model(fill: Fill, server: RunningServer) -> None:
    with running_server() as second:
        parameters = fill(model="ollama_chat/llama3.1:8b", api_base=[server.url, second.url])
        assert ragtally_litellm.fingerprint(parameters) == DIGEST
        second.change(models={"llama3.1:8b": {"digest": "ef" * 32}})
        forget()
        with pytest.raises(DataError, match="different models"):
            ragtally_litellm.fingerprint(parameters)


def test_a_host_that_is_away_is_said(fill: Fill, server: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    parameters = fill(model="ollama_chat/llama3.1:8b", api_base=[NOWHERE, server.url])
    assert ragtally_litellm.fingerprint(parameters) == DIGEST
    assert NOWHERE in caplog.text


@pytest.mark.parametrize(("num_ctx", "fits"), [(None, True), (2048, True), (2049, False)])
def test_a_context_that_the_model_has_not_got_is_an_error(
    num_ctx: int | None, fits: bool, fill: Fill, server: RunningServer
) -> None:
    server.change(models={"small:1b": {"context_length": 2048, "architecture": "gemma2"}})
    parameters = fill(model="ollama_chat/small:1b", api_base=server.url, num_ctx=num_ctx)
    if fits:
        assert ragtally_litellm.fingerprint(parameters)
        return
    with pytest.raises(DataError, match="cut silently") as caught:
        ragtally_litellm.fingerprint(parameters)
    assert caught.value.hint == "num_ctx: 2048"


def test_a_missing_model_is_pulled_where_the_spec_says_so(fill: Fill, server: RunningServer) -> None:
    parameters = fill(model="ollama_chat/qwen2.5:7b", api_base=server.url, pull=True)
    events: list[tuple[str, int | None, int | None]] = []
    ragtally_litellm.provide(parameters, lambda *each: events.append(each))
    assert ragtally_litellm.fingerprint(parameters)
    done = [completed for _, completed, _ in events if completed is not None]
    assert len(done) > 2 and done == sorted(done)
    assert all(what.startswith("qwen2.5:7b: ") for what, _, _ in events)
    events.clear()
    ragtally_litellm.provide(parameters, lambda *each: events.append(each))
    assert not events, "what is there is not pulled again"


def test_nothing_is_pulled_unasked(fill: Fill, server: RunningServer) -> None:
    parameters = fill(model="ollama_chat/qwen2.5:7b", api_base=server.url)
    ragtally_litellm.provide(parameters, lambda *each: pytest.fail("pulled"))


def test_a_pull_that_fails_is_an_error(fill: Fill, server: RunningServer) -> None:
    server.change(pull_fails=True)
    with pytest.raises(DataError, match="could not be pulled"):
        ragtally_litellm.provide(
            fill(model="ollama_chat/qwen2.5:7b", api_base=server.url, pull=True), lambda *each: None
        )
    with pytest.raises(DataError, match="does not answer"):
        ragtally_litellm.provide(fill(model="ollama_chat/x", api_base=NOWHERE, pull=True), lambda *each: None)


def test_what_was_seen_survives_damage(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "ragtally" / "ollama.json"
    assert recall("http://a", "m") is None
    remember("http://a", "m", ModelInfo("12", None))
    remember("http://b", "m", ModelInfo("34", 8192))
    assert (recall("http://a", "m"), recall("http://b", "m")) == (ModelInfo("12", None), ModelInfo("34", 8192))
    assert [each.name for each in path.parent.iterdir()] == ["ollama.json"]
    for text in ("{", "[]", json.dumps({"http://a m": 3}), json.dumps({"http://a m": {"digest": 1}})):
        path.write_text(text)
        assert recall("http://a", "m") is None
    remember("http://a", "m", ModelInfo("56", 1))
    assert recall("http://a", "m") == ModelInfo("56", 1)


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    remember("http://a", "m", ModelInfo("12", None))
    assert recall("http://a", "m") is None


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("127.0.0.1:47811", "http://127.0.0.1:47811"),
        ("gpu", "http://gpu:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("http://gpu:11434/", "http://gpu:11434"),
        ("http://gpu", "http://gpu:80"),
        ("https://gpu.example.org", "https://gpu.example.org:443"),
        ("https://gpu.example.org/ollama", "https://gpu.example.org:443/ollama"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("[::]", "http://[::1]:11434"),
        ('"gpu:9"', "http://gpu:9"),
        ("gpu:99999", "http://gpu:11434"),
    ],
)
def test_ollamas_own_variable_is_read_as_its_client_reads_it(
    host: str, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ollama_base(host) == base
    route = Route("ollama_chat", "m")
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert base_urls(route, None) == (base,)
    assert base_urls(route, "http://elsewhere:1") == ("http://elsewhere:1",)
    monkeypatch.setenv("OLLAMA_API_BASE", "http://first:1")
    assert base_urls(route, None) == ("http://first:1",)


def test_penalties_go_by_ollamas_own_names() -> None:
    penalties = {"frequency_penalty": 0.0, "presence_penalty": -0.5}
    body = RequestBody(Route("ollama_chat", "m"), penalties, {}, None).of([], {})
    assert body["options"] == penalties | {"num_ctx": 4096}


def test_answers_under_the_old_penalty_are_others(llama: dict[str, Any]) -> None:
    assert ragtally_litellm.fingerprint(llama | {"frequency_penalty": 0.5}) != DIGEST
    assert ragtally_litellm.fingerprint(llama | {"presence_penalty": 0.5}) == DIGEST


def test_a_similar_name_that_is_there_is_named(fill: Fill, server: RunningServer) -> None:
    server.change(models={"smollm2:135m": {}, "llama3.1:8b": {}})
    parameters = fill(model="ollama_chat/smollm2", api_base=server.url)
    with pytest.raises(DataError, match="has no model smollm2, but smollm2:135m"):
        ragtally_litellm.fingerprint(parameters)
    (finding,) = ragtally_litellm.diagnose(parameters)
    assert not finding.ok
    assert "smollm2:135m" in finding.what


@pytest.mark.parametrize(("can", "use"), [("completion", "embedder"), ("embedding", "model")])
def test_a_model_of_another_kind_is_refused_at_once(can: str, use: str, fill: Fill, server: RunningServer) -> None:
    server.change(models={"m:latest": {"capabilities": [can]}})
    component = ragtally_litellm.register_embedders()[0] if use == "embedder" else None
    name = "ollama/m" if component else "ollama_chat/m"
    parameters = fill(model=name, api_base=server.url)
    fingerprint: Any = ragtally_litellm.fingerprint
    if component:
        defaults = {name: schema.get("default") for name, schema in component.params.items()}
        parameters = defaults | {"model": name, "api_base": server.url}
        fingerprint = component.fingerprint
    with pytest.raises(DataError, match=f"m cannot .* lists {can}"):
        fingerprint(parameters)
    finding = ragtally_litellm.diagnose(parameters)[0]
    assert (finding.ok, "cannot" in finding.what) == (False, True)


@pytest.mark.parametrize(
    ("version", "cuts"),
    [("0.6.1", True), ("0.12.5", True), ("0.12.6", False), ("1.0.0-rc1", False), ("0.0.0", False)],
)
def test_versions_that_cut_prompts_are_known(version: str, cuts: bool) -> None:
    assert cuts_silently(version) == cuts


@pytest.fixture
def thinker(fill: Fill, server: RunningServer) -> Callable[..., dict[str, Any]]:
    server.change(models={"m:latest": {"reasoning_tokens": 100}, "plain:latest": {}})
    return lambda model="m", **settings: fill(model=f"ollama_chat/{model}", api_base=server.url, **settings)


def test_thoughts_that_leave_no_room_are_said_before_the_run(thinker: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(DataError, match="16 tokens leave empty answers") as caught:
        ragtally_litellm.fingerprint(thinker(max_tokens=16))
    assert str(caught.value.hint).startswith("reasoning_effort: none")
    assert not ragtally_litellm.diagnose(thinker(max_tokens=16))[0].ok
    fit = [{}, {"max_tokens": 2048}]
    fit += [{"max_tokens": 16, **told} for told in ({"reasoning_effort": "none"}, {"extra": {"think": False}})]
    for settings in fit:
        assert ragtally_litellm.fingerprint(thinker(**settings))


def test_labels_alone_are_asked_for_without_thoughts(thinker: Callable[..., dict[str, Any]]) -> None:
    body = RequestBody(Route("ollama_chat", "m"), {"reasoning_effort": "none"}, {}, None).of([], {})
    assert body["think"] is False
    identity = ragtally_litellm.register_models()[0].params["reasoning_effort"].get("x-ragtally-identity", True)
    assert identity is True, "so the key of a call says whether the model thought"


def test_a_model_that_does_not_think_is_not_asked_to(thinker: Callable[..., dict[str, Any]]) -> None:
    for settings in ({"reasoning_effort": "high"}, {"extra": {"think": True}}):
        with pytest.raises(DataError, match="plain does not think"):
            ragtally_litellm.fingerprint(thinker("plain", **settings))
    assert ragtally_litellm.fingerprint(thinker("plain", reasoning_effort="none", max_tokens=16))


def test_what_a_model_can_do_is_read_on_its_page(server: RunningServer) -> None:
    server.change(models={"mini:latest": {"capabilities": ["embedding"], "mislisted": True}})
    embedder = ragtally_litellm.register_embedders()[0]
    defaults = {name: schema.get("default") for name, schema in embedder.params.items()}
    assert embedder.fingerprint is not None
    assert embedder.fingerprint(defaults | {"model": "ollama/mini", "api_base": server.url})


@pytest.mark.parametrize("transport", ["native", "litellm"])
def test_an_answer_after_the_tag_moved_is_refused(
    transport: str, llama: dict[str, Any], server: RunningServer
) -> None:
    parameters = llama | {"transport": transport}
    ragtally_litellm.fingerprint(parameters)
    model = ragtally_litellm.build(**parameters)

    async def ask() -> Any:
        try:
            return await model.run_async([ChatMessage.from_user("Is it?")])
        finally:
            await model.close()

    assert asyncio.run(ask())["replies"]
    server.change(models={"llama3.1:8b": {"digest": "ef" * 32}})
    with pytest.raises(CallError, match=r"became another model.* is efefefefefef") as caught:
        asyncio.run(ask())
    assert caught.value.fatal
    assert str(caught.value.hint).startswith("run the same command again")


@pytest.mark.parametrize(
    ("listing", "message", "fatal"),
    [
        ({"models": [{"model": "m:8b", "digest": "a"}]}, "has no model m, but m:8b any more", True),
        ({"models": [{"model": "m:latest", "digest": "b"}]}, "became another model", True),
        (None, "does not say which m answered", False),
    ],
)
def test_who_answered_must_be_known(listing: Any, message: str, fatal: bool) -> None:
    check_digest({"models": [{"name": "m:latest", "digest": "a"}]}, "http://a", "m", "a")
    with pytest.raises(CallError, match=message) as caught:
        check_digest(listing, "http://a", "m", "a")
    assert caught.value.fatal is fatal


@pytest.mark.parametrize("transport", ["native", "litellm"])
def test_vectors_after_the_tag_moved_are_refused(transport: str, server: RunningServer) -> None:
    embedder = ragtally_litellm.register_embedders()[0]
    defaults = {name: schema.get("default") for name, schema in embedder.params.items()}
    parameters = defaults | {"model": "ollama/nomic-embed-text", "api_base": server.url, "transport": transport}
    assert embedder.fingerprint is not None and embedder.fingerprint(parameters)
    built = embedder.build(**parameters)
    assert built.embed_queries(["a"]).shape == (1, 32)
    server.change(models={"nomic-embed-text:latest": {"digest": "ef" * 32}})
    with pytest.raises(CallError, match="became another model"):
        built.embed_queries(["b"])


def test_an_ollama_behind_openais_api_is_recognised(
    fill: Fill, server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    parameters = fill(model="openai/llama3.1:8b", api_base=f"{server.url}/v1")
    assert ragtally_litellm.fingerprint(parameters) is None and not caplog.text
    forget()
    server.change(ollama_version="0.13.0")
    for _ in range(2):
        assert ragtally_litellm.fingerprint(parameters) is None
    assert caplog.text.count("cuts what does not fit silently") == 1
    finding = next(each for each in ragtally_litellm.diagnose(parameters) if not each.ok)
    assert finding.remedy == f"model: ollama_chat/llama3.1:8b, api_base: {server.url}"


def test_room_is_made_once_and_for_all() -> None:
    body = RequestBody(Route("ollama_chat", "m"), {}, {}, None)
    body.make_room(5000)
    assert body.of([], {})["options"]["num_ctx"] == 5120
    long = [{"role": "user", "content": "word " * 20_000}]
    assert body.of(long, {})["options"]["num_ctx"] == 5120, "another would have Ollama load the model again"
    stated = RequestBody(Route("ollama_chat", "m"), {}, {}, 2048)
    stated.make_room(5000)
    assert stated.of(long, {})["options"]["num_ctx"] == 2048


def test_a_pipeline_makes_room_as_it_needs() -> None:
    body = RequestBody(Route("ollama_chat", "m"), {"max_tokens": 96}, {}, None)
    sizes = [
        body.of([{"role": "user", "content": "x" * size}], {})["options"]["num_ctx"] for size in (10, 9_000, 10_001)
    ]
    assert sizes == [4096, 4096, 8192]


def test_a_model_is_held_between_two_steps() -> None:
    assert RequestBody(Route("ollama_chat", "m"), {}, {}, None).of([], {})["keep_alive"] == "30m"
    assert RequestBody(Route("ollama_chat", "m"), {}, {"keep_alive": -1}, None).of([], {})["keep_alive"] == -1
