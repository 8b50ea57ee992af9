"""What is still to be embedded is counted before anything is paid, each text once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from ragtally.engine.estimate import estimate, estimate_embedding
from ragtally.registry import load_registry
from toy_retrievers import cached_counts
from toy_study import SPEC, toy_registry
from workbench import Bench

KEPT = SPEC.replace("letter_counts", "cached_counts")


@pytest.mark.parametrize(("price", "dollars"), [(1_000_000.0, True), (None, None), (0.0, False)])
def test_texts_are_counted_once_and_nothing_is_embedded(
    make_bench: Callable[..., Bench], price: float | None, dollars: bool | None
) -> None:
    given: list[str] = []
    bench = make_bench("bench", toy_registry({"embedder": [cached_counts(given, price)]}))
    (row,) = estimate_embedding(bench.plan(KEPT), bench.location)
    assert not given
    assert (row.embedder, row.stored) == ("made/kept", 0)
    assert row.dollars == (None if dollars is None else row.input_tokens if dollars else 0)


def test_what_was_embedded_is_not_counted_again(make_bench: Callable[..., Bench]) -> None:
    given: list[str] = []
    bench = make_bench("bench", toy_registry({"embedder": [cached_counts(given, 0.0)]}))
    (row,) = estimate_embedding(bench.plan(KEPT), bench.location)
    bench.run(KEPT)
    assert row.texts == row.to_embed == len(given)
    (after,) = estimate_embedding(bench.plan(KEPT), bench.location)
    assert (after.texts, after.stored, after.to_embed, after.input_tokens) == (row.texts, row.texts, 0, 0)


def test_an_embedder_that_is_not_kept_by_text_costs_nothing(bench: Bench) -> None:
    assert estimate_embedding(bench.plan(SPEC), bench.location) == ()


# Nothing that depends on what the model ranks can be written, so that all cells stay to be estimated.
RANKED_BY_A_MODEL = """\
study: ranked
dataset: {{synthetic: {{questions: 8, split: test}}}}
models: {{m: echo}}
readers: {{r: {{chat: {{model: m}}}}}}
label: {{voters: [r]}}
base: {{from: [r], rule: majority}}
grid:
  chunker: sentences
  retriever: [bm25, {{rerank: {{retriever: bm25, model: m}}}}]
  top_k: [{sizes}]
  reader: [r]
  votes: [1, 3]
metrics: [accuracy, recall@48]
"""


def test_twice_as_many_cells_are_twice_the_work(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench("bench", load_registry())

    def plan_and_estimate(cells: int) -> None:
        plan = bench.plan(RANKED_BY_A_MODEL.format(sizes=", ".join(map(str, range(1, cells + 1)))))
        assert len(plan.cells) == 2 + 4 * cells
        estimate(plan, bench.location)
        plan.counts(bench.store)

    # Calls of functions are counted and not seconds, which vary.
    plan_and_estimate(48)
    small, medium, large = (_calls(lambda cells=cells: plan_and_estimate(cells)) for cells in (12, 24, 48))
    assert (large - medium) / (medium - small) < 2.2


def _calls(work: Callable[[], None]) -> int:
    """How many functions of Python's a piece of work calls."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls
