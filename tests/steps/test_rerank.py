"""Retrievers that build on others: searched once, combined, and judged by the chunks that they find."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ragtally.api import Component, RetrieverTraits, SpecError
from ragtally.plan import StudyPlan, in_order
from ragtally.steps import Task
from ragtally.tables import load_hits, load_spans
from toy_study import toy_registry
from workbench import Bench

SPEC = """\
study: refining
seed: 7
dataset: {made_up: {questions: 24, split: test}}
grid:
  chunker: [{pieces: {size: 30}}]
  retriever: [RETRIEVERS]
  top_k: [1, 2]
metrics: [recall@3, mrr@10]
"""
LETTERS = "letters: {embedder: letter_counts, distance: [cosine, dot]}"
MERGED = f"merged: {{retrievers: [shared_words, {{{LETTERS}}}]}}"
WIDER = "wider: {retriever: shared_words, window: {pieces: {size: [60, 120]}}}"


def tasks(plan: StudyPlan, step: str) -> list[Task]:
    return [task for task in in_order([cell.score for cell in plan.cells]) if task.step.name == step]


def spec(*retrievers: str) -> str:
    return SPEC.replace("RETRIEVERS", ", ".join(r if r == "shared_words" else f"{{{r}}}" for r in retrievers))


def test_an_axis_inside_a_list_of_retrievers_makes_several(bench: Bench) -> None:
    names = [cell.name for cell in bench.plan(spec(MERGED)).cells if cell.picks.top_k is None]
    assert names == [
        "pieces/merged(retrievers.2.distance=cosine)",
        "pieces/merged(retrievers.2.distance=dot)",
    ] or names == ["pieces/merged(cosine)", "pieces/merged(dot)"]


def test_what_others_found_is_searched_once(bench: Bench) -> None:
    plan = bench.plan(spec("shared_words", LETTERS, MERGED, "merged: {retrievers: [shared_words, shared_words]}"))
    # Alone each is asked for 10 hits, below a combination likewise: the depth is coarser than what it asks for.
    assert len(tasks(plan, "retrieve")) == 3
    assert len(tasks(plan, "rerank")) == 3
    bench.run(spec("shared_words", LETTERS, MERGED))


def test_windows_are_what_is_found_and_judged(bench: Bench) -> None:
    plan = bench.plan(spec(WIDER))
    bench.run(spec(WIDER))
    for refined in tasks(plan, "rerank"):
        (windows,), (searched,) = refined.inputs["window"], refined.inputs["chunk"]
        spans, small = (load_spans(bench.location.entry(task)) for task in (windows, searched))
        assert (small.end - small.start).max() <= 30 < (spans.end - spans.start).max()
        hits = load_hits(bench.location.entry(refined)).passage
        assert hits.max() < len(spans)
    judged = tasks(plan, "relevance")
    assert {task.inputs["chunk"][0].choices["chunker"].parameters["size"] for task in judged} == {60, 120}


def test_combinations_may_stand_inside_each_other(bench: Bench) -> None:
    inner = "merged: {retrievers: [shared_words, {letters: {embedder: letter_counts}}]}"
    nested = f"wider: {{retriever: {{{inner}}}, window: {{pieces: {{size: 90}}}}}}"
    plan = bench.plan(spec(nested))
    bench.run(spec(nested))
    levels = [task.choices["retriever"].name for task in tasks(plan, "rerank")]
    assert levels == ["merged", "wider"]


def test_chunks_of_different_sizes_cannot_be_combined(bench: Bench) -> None:
    wide = "{wider: {retriever: shared_words, window: {pieces: {size: 60}}}}"
    with pytest.raises(SpecError, match="merged cannot combine retrievers that find chunks of different sizes"):
        bench.plan(spec(f"merged: {{retrievers: [shared_words, {wide}]}}"))
    both = wide.replace("shared_words", "{letters: {embedder: letter_counts}}")
    bench.run(spec(f"merged: {{retrievers: [{wide}, {both}]}}"))


def test_a_combination_is_asked_for_no_fewer_hits_than_are_wanted(make_bench: Callable[..., Bench]) -> None:
    shallow = Component(
        "first_one",
        lambda retriever: None,
        "The first.",
        params={"retriever": {"x-ragtally-kind": "retriever", "description": "Which."}},
        traits=RetrieverTraits(reads=frozenset({"text", "hits"}), depth=1),
    )
    bench = make_bench("shallow", toy_registry({"retriever": [shallow]}))
    plan = bench.plan(spec("first_one: {retriever: shared_words}"))
    assert {task.settings["limit"] for task in tasks(plan, "retrieve")} == {10}
