"""Which cells a study compares, and whose answers were not made in it."""

from __future__ import annotations

from typing import Any

from ragtally.api import Choice
from ragtally.plan import comparisons
from ragtally.plan.comparisons import is_control
from ragtally.registry import load_registry
from toy_study import toy_registry
from workbench import Bench

SPEC = """\
study: compared
dataset: {made_up: {split: test}}
readers: {steady: steady, finder: finder, learner: learner, people: taped_gold}
grid:
  chunker: pieces
  retriever: shared_words
  top_k: 1
  reader: [steady, finder]
  votes: [1, 3]
controls: [gold_context]
metrics: [accuracy]
compare: [{metric: accuracy, baseline: {reader: steady}}]
"""


def told(bench: Bench) -> dict[str, Any]:
    return comparisons(bench.plan(SPEC), toy_registry())


def test_votes_that_are_one_vote_stand_for_it_and_are_not_compared_twice(bench: Bench) -> None:
    (family,) = told(bench)["families"]
    pairs = [(pair["cell"], pair["baseline"]) for pair in family["pairs"]]
    assert ("pieces/shared_words/top 1/finder/3 votes", "pieces/shared_words/top 1/steady/3 votes") in pairs
    assert ("pieces/shared_words/top 1/finder/1 vote", "pieces/shared_words/top 1/steady/1 vote") in pairs
    assert not [cell for cell, _ in pairs if "steady" in cell]


def test_readers_are_compared_with_who_is_the_same_but_for_the_training(bench: Bench) -> None:
    text = SPEC.replace("learner: learner", "gold: learner, silver: {learner: {train: {split: train, from: base}}}")
    text = text.replace("reader: [steady, finder]", "reader: [steady, gold, silver]").replace(
        "votes: [1, 3]", "votes: 1"
    )
    text = text.replace("{reader: steady}", "{train: {from: gold}}")
    text += "label: {voters: [finder]}\nbase: {from: [finder], rule: majority}\ngrid_on: all\n"
    (family,) = comparisons(bench.plan(text), toy_registry())["families"]
    assert family["baseline"] == {"train": "{from: gold}"}
    assert [(pair["cell"], pair["baseline"]) for pair in family["pairs"]] == [
        ("gold_context/silver/1 vote", "gold_context/gold/1 vote"),
        ("pieces/shared_words/top 1/silver/1 vote", "pieces/shared_words/top 1/gold/1 vote"),
    ]


def test_answers_that_were_recorded_are_told_from_those_made_here(bench: Bench) -> None:
    assert told(bench)["answered_elsewhere"] == ["people"]


def test_a_retriever_that_nobody_could_use_is_a_control_even_inside_of_another() -> None:
    registry = load_registry()
    own, oracle, lot = (Choice("retriever", name, {}) for name in ("bm25", "oracle", "random"))
    assert [is_control(one, registry) for one in (own, oracle, lot)] == [False, True, True]
    fused = [Choice("retriever", "hybrid", {"retrievers": pair, "depth": 10}) for pair in ((own, own), (own, oracle))]
    assert [is_control(one, registry) for one in fused] == [False, True]


def test_a_study_names_the_packages_of_its_components_and_no_others(bench: Bench) -> None:
    assert told(bench)["packages"] == ["made-up"]
    registry = load_registry()
    neural = Choice("embedder", "sentence_transformers", {"model": "m"})
    of_plain, of_neural = (
        registry.packages(Choice("retriever", "hybrid", {"retrievers": (Choice("retriever", "bm25", {}), dense)}))
        for dense in (
            Choice("retriever", "dense", {"embedder": Choice("embedder", "hashing", {})}),
            Choice("retriever", "dense", {"embedder": neural}),
        )
    )
    assert of_plain == {"ragtally"}
    assert {"torch", "sentence-transformers"} <= of_neural
