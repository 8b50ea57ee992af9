"""Vectors are made once; those that are kept by text never twice, whatever the chunks, the study or a kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragtally.api import CallError, Component, EmbedderTraits, PluginError, StoppedError
from ragtally.plan import in_order
from ragtally.steps import EMBED
from ragtally.tables import load_vectors
from toy_retrievers import CachedCounts, cached_counts
from toy_study import toy_registry
from workbench import Bench

SPEC = """\
study: base
seed: 7
dataset: {made_up: {questions: 24, split: test}}
grid:
  chunker: [{pieces: {size: SIZES}}]
  retriever: [{letters: {embedder: cached_counts, distance: [cosine, dot]}}]
metrics: [recall@3]
"""


@pytest.fixture
def given() -> list[str]:
    """The texts that the embedder was given, in order."""
    return []


@pytest.fixture
def location(make_bench: Callable[..., Bench], given: list[str]) -> Callable[..., Bench]:
    def make(name: str = "bench", **about: Any) -> Bench:
        return make_bench(name, toy_registry({"embedder": [cached_counts(given, **about)]}))

    return make


def spec(sizes: str = "[30, 60]", more: str = "") -> str:
    return SPEC.replace("SIZES", sizes) + more


def test_every_text_is_embedded_once_for_all_chunkers_distances_and_studies(
    location: Callable[..., Bench], given: list[str]
) -> None:
    bench = location()
    bench.run(spec())
    assert len(given) == len(set(given)) > 50
    before = list(given)
    bench.run(spec("[60]").replace("study: kept", "study: another"))
    assert given == before
    bench.run(spec("[60, 45]"))
    new = given[len(before) :]
    assert new and not set(new) & set(before)


def test_vectors_are_the_embedders_own(location: Callable[..., Bench], given: list[str]) -> None:
    bench = location()
    bench.run(spec("[60]"))
    (task,) = {
        task for cell in bench.plan(spec("[60]")).cells for task in in_order((cell.score,)) if task.step is EMBED
    }
    vectors = load_vectors(bench.location.entry(task))
    texts = [text for text in given if not text.startswith("What")]
    assert vectors.shape[1] == 5
    expected = {tuple(row) for row in CachedCounts([]).embed_documents(texts).tolist()}
    assert {tuple(row) for row in vectors.tolist()} <= expected


def test_what_was_embedded_before_a_failure_is_kept(make_bench: Callable[..., Bench], given: list[str]) -> None:
    class Failing(CachedCounts):
        broken = True

        def embed_documents(self, texts: Any) -> Any:
            if self.broken and len(self.given) > 20:
                raise CallError("the server is gone", reason="server error")
            return super().embed_documents(texts)

        embed_queries = embed_documents

    traits = EmbedderTraits(requires_fit=False, cacheable=True, batch=4, name="made/kept")
    component = Component("cached_counts", lambda: Failing(given), "Fails.", traits=traits)
    bench = make_bench("failing", toy_registry({"embedder": [component]}))
    with pytest.raises(CallError, match="the server is gone") as caught:
        bench.run(spec())
    assert caught.value.location is not None and caught.value.location.line == 6
    before = list(given)
    Failing.broken = False
    bench.run(spec())
    assert len(before) > 20 and len(given) == len(set(given))


def test_a_budget_stops_embedding_and_counts_what_was_paid(location: Callable[..., Bench], given: list[str]) -> None:
    bench = location(price=1_000.0)  # a tenth of a cent a token
    with pytest.raises(StoppedError, match=r"budget of \$0\.2"):
        bench.run(spec(more="budget: {usd: 0.2}\n"))
    (spent,) = bench.location.vectors.spent()
    assert spent.dollars is not None and 0.05 < spent.dollars <= 0.2
    assert spent.texts == len(given)
    with pytest.raises(StoppedError):
        bench.run(spec(more="budget: {usd: 0.2}\n"))
    assert spent.texts == len(given), "nothing more is paid for"
    bench.run(spec(more="budget: {usd: 20}\n"))


def test_an_unknown_price_stays_unknown(location: Callable[..., Bench]) -> None:
    bench = location(price=None)
    bench.run(spec())
    (spent,) = bench.location.vectors.spent()
    assert spent.dollars is None and spent.texts_without_price == spent.texts


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda texts: np.ones((len(texts), 3)), "float64 of shape"),
        (lambda texts: np.ones((len(texts) + 1, 3), np.float32), "not float32 of"),
        (lambda texts: np.ones(len(texts), np.float32), "not float32 of"),
        (lambda texts: np.full((len(texts), 3), np.nan, np.float32), "numbers that are not finite"),
        (lambda texts: np.zeros((len(texts), 0), np.float32), "not float32 of"),
    ],
)
@pytest.mark.parametrize("cacheable", [True, False])
def test_an_embedders_broken_contract_is_named(
    make_bench: Callable[..., Bench], made: Callable[..., Any], message: str, cacheable: bool
) -> None:
    class Bad:
        def fit(self, texts: Any) -> None: ...

        def save(self, folder: Path) -> None: ...

        def embed_documents(self, texts: Any) -> Any:
            return made(texts)

        embed_queries = embed_documents

    traits = EmbedderTraits(requires_fit=False, cacheable=cacheable)
    component = Component("cached_counts", Bad, "Bad.", traits=traits)
    bench = make_bench("bad", toy_registry({"embedder": [component]}))
    with pytest.raises(PluginError, match="the embedder cached_counts returned") as caught:
        bench.run(spec("[60]"))
    assert message in caught.value.message


def test_a_model_exchanged_under_its_name_is_noticed(make_bench: Callable[..., Bench]) -> None:
    class Grows(CachedCounts):
        def embed_documents(self, texts: Any) -> Any:
            return np.ones((len(texts), 3 + len(self.given)), np.float32)

        def embed_queries(self, texts: Any) -> Any:
            return self.embed_documents(texts)

    given: list[str] = []
    traits = EmbedderTraits(requires_fit=False, cacheable=True, batch=1000)
    component = Component("cached_counts", lambda: Grows(given), "Grows.", traits=traits)
    bench = make_bench("grows", toy_registry({"embedder": [component]}))
    bench.run(spec("[60]"))
    given.append("another model")
    with pytest.raises(PluginError, match="vectors of 4 numbers, and earlier ones of 3"):
        bench.run(spec("[60, 30]"))
