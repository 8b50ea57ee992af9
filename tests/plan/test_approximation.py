"""Builds of a random index are cells of their own; an approximate search knows what is exact."""

from __future__ import annotations

import pytest

from ragtally.api import Choice
from ragtally.plan import STAGES, Cell, comparisons, in_order
from ragtally.plan.approximation import build_count, exact_counterpart, is_approximate, own_build, variation
from ragtally.registry import load_registry
from ragtally.steps import INDEX, RETRIEVE
from toy_study import toy_registry
from workbench import Bench

SPEC = """\
study: built
dataset: {made_up: {split: test}}
readers: {finder: finder}
grid:
  chunker: pieces
  retriever: [shared_words, {patchy: {builds: BUILDS}}, {merged: {retrievers: [shared_words, patchy]}}]
  top_k: 1
  context_words: 9
  reader: finder
metrics: [accuracy, recall@3]
compare: [{metric: recall@3, baseline: {retriever: shared_words}}]
"""


def spec(builds: int) -> str:
    return SPEC.replace("BUILDS", str(builds))


def cells(bench: Bench, builds: int) -> dict[str, Cell]:
    return {cell.name: cell for cell in bench.plan(spec(builds)).cells}


def test_each_build_is_a_cell_with_a_ranking_and_readers_of_its_own(bench: Bench) -> None:
    of_patchy = [cell for name, cell in cells(bench, 3).items() if "/patchy" in name]
    assert [cell.name for cell in of_patchy if cell.picks.is_ranking] == [
        f"pieces/patchy/build {build}" for build in (1, 2, 3)
    ]
    answering = [cell for cell in of_patchy if cell.verdicts is not None]
    assert len(answering) == 6
    assert {cell.setup for cell in answering} == {
        f"pieces/patchy/{size}/finder/1 vote" for size in ("top 1", "9 words")
    }
    assert all(cell.ranking == f"pieces/patchy/build {cell.picks.build}" for cell in answering)
    assert len({cell.score.address for cell in of_patchy}) == len(of_patchy)


def test_the_first_build_is_the_index_of_who_wants_only_one(bench: Bench) -> None:
    one, three = cells(bench, 1), cells(bench, 3)
    assert not any("build" in name for name in one)
    for name, cell in one.items():
        same = three[name.replace("/patchy", "/patchy/build 1")]
        assert [task.address for task in same.goals] == [task.address for task in cell.goals]
    assert {cell.setup for cell in one.values()} == {None}


def test_builds_differ_in_the_index_and_what_comes_after_it(bench: Bench) -> None:
    plan = bench.plan(spec(3))
    tasks = in_order([goal for stage in STAGES for goal in plan.goals(stage)])
    indexes = [task for task in tasks if task.step is INDEX and task.choices["retriever"].name == "patchy"]
    assert [task.settings for task in indexes] == [{}, {"build": 2}, {"build": 3}]
    searches = [task for task in tasks if task.step is RETRIEVE and task.choices["retriever"].name == "patchy"]
    # What merges them with others wants one build, and shares the search of the first.
    assert len(searches) == 3
    assert {task.inputs["chunk"] for task in (*indexes, *searches)} == {indexes[0].inputs["chunk"]}


def test_an_approximate_cell_knows_what_is_exact_and_that_is_shared(bench: Bench) -> None:
    of_all = cells(bench, 2)
    exact = of_all["pieces/shared_words"]
    assert exact.exact is None and exact.exact_context is None and exact.variation == ""
    for build in (1, 2):
        ranking = of_all[f"pieces/patchy/build {build}"]
        assert (ranking.exact,) == exact.score.inputs["relevance"]
        assert ranking.variation == "patches are drawn at random; mode: whole repeats"
        reading = of_all[f"pieces/patchy/build {build}/top 1/finder/1 vote"]
        beside = of_all["pieces/shared_words/top 1/finder/1 vote"]
        assert (reading.exact_context,) == beside.score.inputs["context_relevance"]
        by_words = of_all[f"pieces/patchy/build {build}/9 words/finder/1 vote"]
        beside = of_all["pieces/shared_words/9 words/finder/1 vote"]
        assert (by_words.exact_context,) == beside.score.inputs["context_relevance"]


def test_a_declared_comparison_takes_every_build(bench: Bench) -> None:
    content = comparisons(bench.plan(spec(2)), toy_registry())
    (family,) = content["families"]
    assert [(pair["cell"], pair["baseline"]) for pair in family["pairs"]] == [
        (f"pieces/{name}", "pieces/shared_words") for name in ("patchy/build 1", "patchy/build 2", "merged")
    ]
    assert set(content["variation"]) == {
        name for name, cell in cells(bench, 2).items() if cell.picks.retriever and "shared_words/" not in f"{name}/"
    }


def test_a_baseline_of_several_builds_meets_its_own_number_and_what_has_one(bench: Bench) -> None:
    text = spec(2).replace("  chunker: pieces", "  chunker: {pieces: {size: [30, 60]}}")
    text = text.replace("baseline: {retriever: shared_words}", "baseline: {chunker: {pieces: {size: 30}}}")
    (family,) = comparisons(bench.plan(text), toy_registry())["families"]
    pairs = {pair["cell"]: pair["baseline"] for pair in family["pairs"]}
    assert len(pairs) == len(family["pairs"]) == 4
    assert pairs["pieces(60)/patchy/build 2"] == "pieces(30)/patchy/build 2"


def test_what_reads_the_hits_of_others_is_as_exact_as_they_are() -> None:
    registry = toy_registry()
    whole, patchy = (
        registry.complete(Choice("retriever", "patchy", {"mode": mode, "builds": builds}))
        for mode, builds in (("whole", 1), ("patchy", 4))
    )
    words = Choice("retriever", "shared_words")
    merged = Choice("retriever", "merged", {"retrievers": (whole, patchy)})
    nested = Choice("retriever", "merged", {"retrievers": (words, merged)})
    assert [is_approximate(one, registry) for one in (words, whole, patchy, merged, nested)] == [False] * 2 + [
        True
    ] * 3
    assert exact_counterpart(whole, registry) is None and exact_counterpart(patchy, registry) == words
    exact = exact_counterpart(nested, registry)
    assert exact is not None
    assert exact.parameters["retrievers"] == (words, Choice("retriever", "merged", {"retrievers": (whole, words)}))
    assert [build_count(one, registry) for one in (words, whole, patchy, merged, nested)] == [1, 1, 4, 4, 4]
    assert variation(words, registry) == "" and variation(nested, registry) == variation(patchy, registry) != ""


def test_nothing_is_asked_of_a_model_only_to_measure_what_an_index_loses() -> None:
    registry = load_registry()
    hashing = Choice("embedder", "hashing", {"dim": 8})
    hnsw = registry.complete(Choice("retriever", "weaviate", {"mode": "near_vector", "embedder": hashing}))
    model = registry.complete(Choice("model", "litellm", {"model": "groq/one"}))
    asking = registry.complete(Choice("retriever", "rerank", {"retriever": hnsw, "model": model}))
    bm25 = registry.complete(Choice("retriever", "bm25"))
    fused = registry.complete(Choice("retriever", "hybrid", {"retrievers": (asking, bm25)}))
    assert exact_counterpart(hnsw, registry) == registry.complete(Choice("retriever", "dense", {"embedder": hashing}))
    assert is_approximate(asking, registry) and is_approximate(fused, registry)
    assert exact_counterpart(asking, registry) is None and exact_counterpart(fused, registry) is None


@pytest.mark.parametrize(("builds", "numbers"), [(1, [1, 1, 1]), (2, [1, 2, 1]), (3, [1, 2, 3])])
def test_fewer_builds_come_round_again(builds: int, numbers: list[int]) -> None:
    assert [own_build(build, builds) for build in (1, 2, 3)] == numbers
