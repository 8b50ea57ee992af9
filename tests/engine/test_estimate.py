"""What is still to be embedded is counted before anything is paid, each text once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ragtally.engine.estimate import estimate_embedding
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
