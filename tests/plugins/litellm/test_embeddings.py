"""The embedder litellm against a real server: order, batches, every fault, keys, several hosts, both transports."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ragtally_litellm.embeddings
from model_server.embeddings import embed
from model_server.fixture import RunningServer, running_server
from plugins.litellm.sample_embedders import OLLAMA, OPENAI, build, fill_embedder, on
from ragtally.api import CallError, DataError
from ragtally_litellm.embeddings import read_vectors
from ragtally_litellm.library import close_litellm

TEXTS = [f"text {number} of patients" for number in range(23)]
With = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ragtally_litellm.embeddings, "_FIRST_PAUSE", 0.01)


@pytest.fixture(params=["openai", "ollama"])
def parameters(request: pytest.FixtureRequest, server: RunningServer) -> With:
    return lambda **settings: on(server, request.param, **{"batch": 5, "retries": 2, **settings})


def expected(texts: list[str], dimensions: int | None = None) -> Any:
    return np.array([embed(text, 32, dimensions) for text in texts], dtype=np.float32)


def failure(parameters: dict[str, Any], texts: list[str] | None = None) -> CallError:
    with pytest.raises(CallError) as caught:
        build(parameters).embed_documents(texts or ["a"])
    return caught.value


def bodies(server: RunningServer) -> list[dict[str, Any]]:
    return [call["body"] for call in server.requests()]


def test_each_text_gets_its_vector_in_few_requests(parameters: With, server: RunningServer) -> None:
    server.change(latency=0.05)
    vectors = build(parameters(concurrency=3)).embed_documents(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, expected(TEXTS))
    counts = server.counts()
    assert (counts["requests"], counts["texts"], counts["max_in_flight"]) == (5, 23, 3)


def test_ones_own_server_is_kept_busy_and_not_buried(parameters: With, server: RunningServer) -> None:
    server.change(latency=0.05)
    build(parameters()).embed_documents(TEXTS)
    assert server.counts()["max_in_flight"] == 2


def test_vectors_that_come_in_another_order_are_put_right(server: RunningServer) -> None:
    server.change(shuffled=True)
    np.testing.assert_array_equal(build(on(server, "openai")).embed_documents(TEXTS), expected(TEXTS))


def test_what_is_sent_is_what_the_api_takes(server: RunningServer) -> None:
    extra = {"extra": {"user": "me"}, "query_extra": {"input_type": "query"}}
    build(on(server, "openai", dimensions=8, query_prefix="Q: ", **extra)).embed_queries(["a"])
    build(on(server, "ollama", extra={"num_ctx": 100, "keep_alive": "1m"})).embed_documents(["a"])
    assert bodies(server) == [
        {
            "model": "text-embedding-3-small",
            "input": ["Q: a"],
            "encoding_format": "float",
            "dimensions": 8,
            "user": "me",
            "input_type": "query",
        },
        {
            "model": "nomic-embed-text",
            "input": ["a"],
            "truncate": False,
            "options": {"num_ctx": 100},
            "keep_alive": "1m",
        },
    ]


def test_prefixes_are_part_of_the_text(parameters: With) -> None:
    embedder = build(parameters(query_prefix="query: ", document_prefix="passage: "))
    np.testing.assert_array_equal(embedder.embed_queries(["a b"]), expected(["query: a b"]))
    np.testing.assert_array_equal(embedder.embed_documents(["a b"]), expected(["passage: a b"]))


def test_texts_of_white_space_have_zero_vectors_and_are_not_sent(parameters: With, server: RunningServer) -> None:
    embedder = build(parameters(document_prefix="passage: "))
    vectors = embedder.embed_documents(["", "a", " \n", "b"])
    assert vectors[[1, 3]].any(axis=1).all() and not vectors[[0, 2]].any()
    assert server.counts()["texts"] == 2
    assert not embedder.embed_documents([" "]).any()
    assert embedder.embed_documents([]).shape == (0, 32)
    assert server.counts()["requests"] == 1


@pytest.mark.parametrize(("settings", "requests"), [({}, 1), ({"dimensions": 8}, 0)])
def test_only_the_model_can_tell_how_long_a_zero_vector_is(
    settings: dict[str, Any], requests: int, parameters: With, server: RunningServer
) -> None:
    assert build(parameters(**settings)).embed_documents(["", ""]).shape == (2, settings.get("dimensions", 32))
    assert server.counts()["requests"] == requests


def test_shorter_vectors_can_be_had(parameters: With) -> None:
    np.testing.assert_allclose(
        build(parameters(dimensions=8)).embed_documents(TEXTS[:2]), expected(TEXTS[:2], 8), atol=1e-6
    )


def test_a_server_that_makes_vectors_of_another_length_is_found_out(parameters: With) -> None:
    with pytest.raises(DataError, match="vectors of 32 numbers, not 64"):
        build(parameters(dimensions=64)).embed_documents(["a"])


@pytest.mark.parametrize(
    "fault",
    [
        "429_seconds",
        "429_bare",
        "500",
        "502",
        "503",
        "reset",
        "disconnect",
        "half_body",
        "invalid_json",
        "empty_choices",
        "one_too_few",
        "not_a_number",
        "ragged",
    ],
)
def test_what_passes_is_tried_again(fault: str, parameters: With, server: RunningServer) -> None:
    server.change(script=[fault, fault], retry_after=0.02)
    np.testing.assert_array_equal(build(parameters()).embed_documents(["a", "b"]), expected(["a", "b"]))
    server.reset()
    server.change(script=[fault] * 3, retry_after=0.02)
    assert failure(parameters(), ["a", "b"]).retryable
    counts = server.counts()
    assert (counts["requests"], counts["successful"]) == (3, 0)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("daily_tokens", "daily quota"),
        ("no_credit", "daily quota"),
        ("400", "bad request"),
        ("401", "authentication"),
        ("404", "not found"),
        ("413", "too long"),
        ("content_policy", "refused"),
    ],
)
def test_what_does_not_pass_is_an_error_at_once(
    fault: str, reason: str, parameters: With, server: RunningServer
) -> None:
    server.change(faults={fault: 1.0})
    error = failure(parameters())
    assert (error.reason, server.counts()["requests"]) == (reason, 1)
    assert parameters()["model"] in error.message


@pytest.mark.parametrize("fault", ["drip", "hang"])
def test_a_slow_answer_is_given_up_and_tried_again(fault: str, parameters: With, server: RunningServer) -> None:
    server.change(script=[fault], hold_seconds=20)
    started = time.monotonic()
    np.testing.assert_array_equal(build(parameters(timeout=0.4)).embed_documents(["a"]), expected(["a"]))
    assert time.monotonic() - started < 5


def test_a_provider_that_asks_for_hours_is_not_waited_for(parameters: With, server: RunningServer) -> None:
    server.change(script=["429_seconds"], retry_after=7200)
    assert failure(parameters()).retry_after == 7200


def test_a_failure_ends_the_other_requests(parameters: With, server: RunningServer) -> None:
    server.change(script=["401"], latency=3)
    started = time.monotonic()
    assert failure(parameters(), TEXTS).reason == "authentication"
    assert time.monotonic() - started < 2.5


def test_a_text_that_is_too_long_is_found_among_the_others(parameters: With, server: RunningServer) -> None:
    long = "endless " * 5000
    error = failure(parameters(batch=8), [*TEXTS[:5], long, *TEXTS[5:8]])
    assert (error.reason, error.status) == ("too long", 400)
    assert "begins 'endless endless" in error.message and "40000 characters" in error.message
    assert "smaller chunks" in str(error.hint)
    assert ("truncate: true" in str(error.hint)) == (parameters()["model"] == OLLAMA)
    assert server.counts()["requests"] > 3


def test_a_request_that_is_too_large_is_halved(parameters: With, server: RunningServer) -> None:
    server.change(script=["413"])
    np.testing.assert_array_equal(build(parameters(batch=8)).embed_documents(TEXTS[:7]), expected(TEXTS[:7]))
    assert [len(body["input"]) for body in bodies(server)] == [7, 3, 4]


def test_ollama_cuts_where_it_may(server: RunningServer) -> None:
    assert build(on(server, "ollama", truncate=True)).embed_documents(["word " * 10_000]).shape == (1, 32)


def test_a_model_that_is_not_pulled_says_how_to_pull_it(server: RunningServer) -> None:
    error = failure(fill_embedder(model="ollama/qwen2.5:7b", api_base=server.url))
    assert (error.reason, error.hint) == ("not found", "ollama pull qwen2.5:7b")


def test_a_model_nobody_knows_where_to_find_is_an_error() -> None:
    with pytest.raises(DataError, match="not known where") as caught:
        build(fill_embedder(model="hosted_vllm/x"))
    assert "HOSTED_VLLM_API_BASE" in str(caught.value.hint)


def test_nobody_listening_is_no_connection() -> None:
    error = failure(fill_embedder(model=OLLAMA, api_base="http://127.0.0.1:9", retries=0))
    assert (error.reason, error.hint) == ("connection", "ollama serve")


@pytest.mark.parametrize("transport", ["native", "litellm"])
def test_the_key_is_sent_and_never_shown(
    transport: str, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-placed-by-the-test-0123456789abcdef"
    server.change(api_key=key)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a-wrong-one-0123456789abcdefgh")
    error = failure(on(server, "openai", transport=transport))
    assert (error.reason, "OPENAI_API_KEY" in str(error.hint)) == ("authentication", True)
    assert "a-wrong-one" not in str(error)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    embedder = build(on(server, "openai", transport=transport))
    np.testing.assert_allclose(embedder.embed_documents(["a"]), expected(["a"]), atol=1e-6)
    assert key not in repr(vars(embedder))


def test_several_hosts_share_the_load(server: RunningServer) -> None:
    with running_server() as second:
        hosts = [server.openai, second.openai]
        embedder = build(fill_embedder(model=OPENAI, api_base=hosts, batch=2))
        np.testing.assert_array_equal(embedder.embed_documents(TEXTS), expected(TEXTS))
        # Few are asked at once, and the host that answers sooner gets more of them.
        assert min(host.counts()["texts"] for host in (server, second)) > 0
        second.change(models={"text-embedding-3-small": {"dimensions": 16}})
        with pytest.raises(DataError, match="different lengths: 16, 32"):
            embedder.embed_documents(TEXTS)


def test_it_can_be_asked_inside_an_event_loop(parameters: With) -> None:
    embedder = build(parameters())

    async def inside() -> Any:
        return embedder.embed_documents(TEXTS)

    np.testing.assert_array_equal(asyncio.run(inside()), expected(TEXTS))
    np.testing.assert_array_equal(embedder.embed_documents(TEXTS), expected(TEXTS))


@pytest.fixture
def some_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM's client of OpenAI's API asks nobody without a key."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-some-key-0123456789")


@pytest.mark.usefixtures("some_key")
def test_the_litellm_transport_gives_the_same_vectors(parameters: With, server: RunningServer) -> None:
    embedder = build(parameters(transport="litellm", concurrency=2))
    server.change(script=["500"], latency=0.02)
    for texts in (TEXTS[:12], TEXTS[12:]):
        np.testing.assert_allclose(embedder.embed_documents(texts), expected(texts), atol=1e-6)
    counts = server.counts()
    assert (counts["requests"], counts["texts"], counts["max_in_flight"]) == (7, 23, 2)


@pytest.mark.usefixtures("some_key")
def test_a_model_that_closed_litellms_connections_leaves_it_usable(parameters: With, server: RunningServer) -> None:
    embedder = build(parameters(transport="litellm"))
    for _ in range(2):
        np.testing.assert_allclose(embedder.embed_documents(TEXTS[:3]), expected(TEXTS[:3]), atol=1e-6)
        asyncio.run(close_litellm())


@pytest.mark.usefixtures("some_key")
@pytest.mark.parametrize(("fault", "reason"), [("400", "bad request"), ("not_a_number", "bad reply")])
def test_the_litellm_transport_fails_likewise(fault: str, reason: str, server: RunningServer) -> None:
    server.change(faults={fault: 1.0})
    assert failure(on(server, "openai", transport="litellm", retries=0)).reason == reason


def test_the_litellm_transport_keeps_the_timeout(server: RunningServer) -> None:
    server.change(faults={"hang": 1.0}, hold_seconds=20)
    started = time.monotonic()
    assert failure(on(server, "ollama", transport="litellm", timeout=0.5, retries=0)).reason == "timeout"
    assert time.monotonic() - started < 5


def data(*rows: tuple[Any, Any]) -> dict[str, Any]:
    return {"data": [{"index": index, "embedding": vector} for index, vector in rows]}


@given(st.permutations(range(6)))
def test_the_index_decides_not_the_order(order: list[int]) -> None:
    body = data(*((row, [float(row), 1.0]) for row in order))
    assert read_vectors(body, "openai", 6)[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_without_indices_the_order_counts() -> None:
    vectors = read_vectors({"data": [{"embedding": [1, 2]}, {"embedding": [3, 4]}]}, "openai", 2)
    assert vectors.tolist() == [[1, 2], [3, 4]]
    assert vectors.dtype == np.float32


def test_ollama_answers_in_order() -> None:
    assert read_vectors({"embeddings": [[1, 2], [3, 4]]}, "ollama", 2).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "no embeddings"),
        ([], "no embeddings"),
        ({}, "no embeddings"),
        ({"data": None}, "no embeddings"),
        ({"data": [1, 2]}, "no embeddings"),
        (data((0, [1])), "1 embeddings for 2 texts"),
        (data((0, [1]), (1, [1]), (2, [1])), "3 embeddings for 2 texts"),
        (data((0, [1]), (0, [1])), "which text"),
        (data((0, [1]), (2, [1])), "which text"),
        (data((0, [1]), (None, [1])), "which text"),
        (data(("0", [1]), ("1", [1])), "which text"),
        (data((0, [1]), (True, [1])), "which text"),
        (data((0, [1, 2]), (1, [1])), "different lengths"),
        (data((0, ["a"]), (1, ["b"])), "no lists of numbers"),
        (data((0, "AAAA"), (1, "AAAA")), "no lists of numbers"),
        (data((0, 1.0), (1, 1.0)), "no lists of numbers"),
        (data((0, [[1]]), (1, [[1]])), "no lists of numbers"),
        (data((0, []), (1, [])), "no lists of numbers"),
        (data((0, [1.0]), (1, [float("nan")])), "NaN"),
        (data((0, [1.0]), (1, [None])), "NaN"),
        (data((0, [1.0]), (1, [float("inf")])), "infinity"),
        (data((0, [1.0]), (1, [1e300])), "infinity"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_whatever_is_wrong_is_a_bad_reply(body: Any, message: str) -> None:
    with pytest.raises(CallError, match=message) as caught:
        read_vectors(body, "openai", 2)
    assert caught.value.reason == "bad reply"
