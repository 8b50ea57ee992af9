"""The test server embeds as the providers do."""

from __future__ import annotations

from typing import Any

import pytest

from model_server.caller import Got, send
from model_server.embeddings import embed
from model_server.fixture import RunningServer

OPENAI, OLLAMA = "/v1/embeddings", "/api/embed"
TEXTS = ["aspirin helps heart patients", "aspirin helped heart patients", "zebrafish"]
TEXTS.append(TEXTS[0])


def ask(server: RunningServer, path: str, texts: Any = TEXTS, **more: Any) -> Got:
    model = more.pop("model", "text-embedding-3-small" if path == OPENAI else "nomic-embed-text")
    return send(server, path, {"model": model, "input": texts, **more}, timeout=more.pop("timeout", 5))


def vectors(got: Got) -> list[list[float]]:
    if "embeddings" in got.content:
        return list(got.content["embeddings"])
    return [each["embedding"] for each in sorted(got.content["data"], key=lambda each: each["index"])]


def product(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("path", [OPENAI, OLLAMA])
def test_vectors_follow_from_the_words(path: str, server: RunningServer) -> None:
    found = vectors(ask(server, path))
    assert [len(vector) for vector in found] == [32] * 4
    assert found[0] == found[3] == embed("Aspirin helps: heart patients!", 32)
    assert product(found[0], found[1]) > 0.5 > abs(product(found[0], found[2]))
    assert all(product(vector, vector) == pytest.approx(1) for vector in found)
    assert vectors(ask(server, path, dimensions=8))[0] == pytest.approx(embed(TEXTS[0], 32, 8))
    assert vectors(ask(server, path, TEXTS[0])) == [found[0]]
    counts = server.counts()
    assert (counts["successful"], counts["texts"]) == (3, 9)


def test_openais_form_may_come_in_another_order(server: RunningServer) -> None:
    server.change(shuffled=True)
    got = ask(server, OPENAI)
    assert [each["index"] for each in got.content["data"]] == [3, 2, 1, 0]
    assert vectors(got)[0] == embed(TEXTS[0], 32)
    assert got.content["usage"]["prompt_tokens"] > 0


@pytest.mark.parametrize("texts", [[], [""], ["a", ""], None, [1]])
def test_what_providers_refuse_is_refused(texts: Any, server: RunningServer) -> None:
    assert ask(server, OPENAI, texts).status == 400


def test_a_long_text_is_refused_but_cut_by_ollama_where_it_may(server: RunningServer) -> None:
    long = "word " * 10_000
    assert ask(server, OPENAI, ["a", long]).content["error"]["code"] == "context_length_exceeded"
    assert ask(server, OPENAI, ["word " * 1000] * 20).status == 200
    assert ask(server, OLLAMA, long).status == 200
    got = ask(server, OLLAMA, long, truncate=False)
    assert (got.status, got.content["error"]) == (400, "the input length exceeds the context length")


@pytest.mark.parametrize("path", [OPENAI, OLLAMA])
def test_vectors_may_be_wrong(path: str, server: RunningServer) -> None:
    server.change(script=["one_too_few", "not_a_number", "ragged", "empty_choices", "500", None])
    assert len(vectors(ask(server, path))) == 3
    assert vectors(ask(server, path))[-1][0] != vectors(ask(server, path))[-1][0]
    assert vectors(ask(server, path)) == []
    assert ask(server, path).status == 500
    assert vectors(ask(server, path))[0] == embed(TEXTS[0], 32)
    counts = server.counts()
    assert (counts["requests"], counts["successful"], counts["texts"]) == (6, 1, 4)
