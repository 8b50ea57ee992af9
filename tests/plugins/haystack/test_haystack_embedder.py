"""Any pair of embedders: batches, threads, tries, and what is no vector."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ragtally_haystack.calls
from ragtally.api import CallError, PluginError

Build = Callable[..., Any]

CHUNKS = "sample_parts.embedders.Chunks"
QUESTION = "sample_parts.embedders.Question"
TEXTS = [("word " * length).strip() for length in range(1, 8)]
EXPECTED = np.array([[len(text), len(text) ** 2] for text in TEXTS], dtype=np.float32)


def pair(build: Build, document: dict[str, Any], query: dict[str, Any], **given: Any) -> Any:
    return build(
        "embedder",
        document={"type": CHUNKS, "init_parameters": document},
        query={"type": QUESTION, "init_parameters": query},
        **given,
    )


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(ragtally_haystack.calls, "sleep", waited.append)
    return waited


def test_chunks_are_embedded_in_batches_whatever_their_order(build: Build) -> None:
    embedder = pair(build, {}, {}, batch=3)
    np.testing.assert_array_equal(embedder.embed_documents(TEXTS), EXPECTED)
    assert embedder._documents.batches == [3, 3, 1]
    np.testing.assert_array_equal(embedder.embed_queries(TEXTS), EXPECTED)


@pytest.mark.parametrize(("threads", "most"), [(1, 1), (4, 4), (50, 20)])
def test_every_thread_has_an_instance_of_its_own(threads: int, most: int, build: Build) -> None:
    embedder = pair(build, {}, {"seconds": 0.005}, threads=threads)
    question = importlib.import_module("sample_parts.embedders").Question
    question.instances, question.shared = 1, False
    for _ in range(2):
        found = embedder.embed_queries([f"{number:05}" for number in range(20)])
        assert found.shape == (20, 2)
    assert not question.shared
    assert question.instances <= most
    assert threads == 1 or question.instances > 1


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        ("nothing", "gave no vector"),
        ("NaN", "NaN or infinity"),
        ("ragged", "different lengths"),
        ("fewer", "was given 7 documents and returned 6"),
        ("others", "was given 7 documents and returned 7 others"),
    ],
)
def test_what_is_no_vector_is_refused(gives: str, message: str, build: Build) -> None:
    with pytest.raises(PluginError, match=message) as caught:
        pair(build, {"gives": gives}, {}).embed_documents([*TEXTS[:-1], "xx"])
    assert CHUNKS in caught.value.message


def test_embedders_of_two_models_are_refused(build: Build) -> None:
    embedder = pair(build, {"dimensions": 3}, {"dimensions": 2})
    embedder.embed_documents(TEXTS)
    with pytest.raises(PluginError, match="2 dimensions, after ones of 3"):
        embedder.embed_queries(TEXTS)


def test_a_failure_that_passes_is_tried_again(build: Build, waits: list[float]) -> None:
    embedder = pair(build, {"failure": "rate", "times": 2}, {"failure": "rate", "times": 1})
    np.testing.assert_array_equal(embedder.embed_documents(TEXTS), EXPECTED)
    np.testing.assert_array_equal(embedder.embed_queries(TEXTS[:1]), EXPECTED[:1])
    assert waits == [1.0, 2.0, 1.0]


@pytest.mark.parametrize(("failure", "reason", "tries"), [("rate", "rate limit", 2), ("key", "authentication", 0)])
def test_a_failure_for_good_is_a_call_error(
    failure: str, reason: str, tries: int, build: Build, waits: list[float]
) -> None:
    embedder = pair(build, {"failure": failure, "times": 99}, {"failure": failure, "times": 99}, retries=2)
    for embed, type_ in ((embedder.embed_documents, CHUNKS), (embedder.embed_queries, QUESTION)):
        waits.clear()
        with pytest.raises(CallError) as caught:
            embed(TEXTS[:1])
        assert caught.value.reason == reason
        assert type_ in caught.value.message
        assert len(waits) == tries


def test_a_bug_is_no_failed_call(build: Build, waits: list[float]) -> None:
    with pytest.raises(PluginError, match=rf"{CHUNKS} fails: KeyError: 'oops'"):
        pair(build, {"failure": "bug", "times": 1}, {}).embed_documents(TEXTS)
    assert waits == []


def test_haystack_embedders_raise_what_they_would_log(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Haystack's own embedder leaves documents without vectors where a call fails, unless it is told to raise."""
    monkeypatch.setenv("MY_KEY", "of-some-length")
    given = {"api_key": {"type": "env_var", "env_vars": ["MY_KEY"]}, "api_base_url": "http://127.0.0.1:9/v1"}
    embedder = build(
        "embedder",
        document={"type": "haystack.components.embedders.OpenAIDocumentEmbedder", "init_parameters": given},
        query={"type": "haystack.components.embedders.OpenAITextEmbedder", "init_parameters": given},
        retries=0,
    )
    for embed in (embedder.embed_documents, embedder.embed_queries):
        with pytest.raises(CallError) as caught:
            embed(["a text"])
        assert caught.value.reason == "connection"
        assert "of-some-length" not in str(caught.value)


def test_traits(fill: Callable[..., Any]) -> None:
    openai = "haystack.components.embedders.OpenAI{}Embedder"
    types = {"document": {"type": openai.format("Document")}, "query": {"type": openai.format("Text")}}
    component, filled = fill("embedder", **types, batch=7, price={"input": 0.02})
    traits = component.traits(filled)
    assert (traits.requires_fit, traits.cacheable, traits.batch) == (False, True, 7)
    assert traits.name == "haystack/text-embedding-3-small"
    assert traits.price.dollars(1_000_000, 0, 0.0) == 0.02
    component, filled = fill("embedder", document={"type": CHUNKS}, query={"type": QUESTION})
    assert component.traits(filled).name == "haystack/Chunks"
    assert component.traits(filled).price is None
