"""Defaults, seeds and numbers are filled in; axes multiply."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally.api import Choice, Component, PluginError, RagtallyError
from ragtally.registry import Registry
from ragtally.spec.document import parse_document
from ragtally.spec.load import study_of
from ragtally.spec.resolve import MAX_EXPANSION, normalise
from ragtally.spec.study import Study

Load = Callable[[str], Study]
Errors = Callable[[str], list[RagtallyError]]


def of_grid(load: Load, head: str, grid: str) -> Any:
    # Retrieval needs both; what a test leaves out is of no interest to it.
    other = "" if "chunker" in grid else "chunker: whole, "
    other += "" if "retriever" in grid else "retriever: bm25, "
    return load(f"{head}grid: {{{other}{grid}}}\n").grid


def words(**given: Any) -> Choice:
    return Choice("chunker", "words", {"size": 128, "overlap": 0.0, **given})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("words", [words()]),
        ("{words: }", [words()]),
        ("{words: {}}", [words()]),
        ("[words]", [words()]),
        ("{axis: [words]}", [words()]),
        ("{words: {size: 64}}", [words(size=64)]),
        ("{words: {size: 64.0, overlap: 1}}", [words(size=64, overlap=1.0)]),
        ("{words: {size: [2, 1]}}", [words(size=2), words(size=1)]),
        ("{words: {size: {axis: [2, 1]}}}", [words(size=2), words(size=1)]),
        (
            "{words: {size: [1, 2], overlap: [0, 0.5]}}",
            [words(size=1), words(size=1, overlap=0.5), words(size=2), words(size=2, overlap=0.5)],
        ),
        (
            "{words: {overlap: [0, 0.5], size: [1, 2]}}",
            [words(size=1), words(size=2), words(size=1, overlap=0.5), words(size=2, overlap=0.5)],
        ),
        ("[{words: {size: [1, 2]}}, whole]", [words(size=1), words(size=2), Choice("chunker", "whole", {})]),
        ("{marks: {at: [x, y]}}", [Choice("chunker", "marks", {"at": ["x", "y"], "keep": False})]),
        (
            "{marks: {at: {axis: [[x], [y, z]]}}}",
            [
                Choice("chunker", "marks", {"at": ["x"], "keep": False}),
                Choice("chunker", "marks", {"at": ["y", "z"], "keep": False}),
            ],
        ),
    ],
)
def test_chunkers(load: Load, head: str, written: str, expected: list[Choice]) -> None:
    chunkers = of_grid(load, head, f"chunker: {written}").chunker
    assert list(chunkers) == expected
    for one, other in zip(chunkers, expected, strict=True):
        assert [type(value) for value in one.parameters.values()] == [
            type(other.parameters[key]) for key in one.parameters
        ]


def test_axes_in_a_component_within_a_component_multiply(load: Load, head: str) -> None:
    written = "retriever: {dense: {embedder: [{lsa: {dim: [64, 256]}}, hash], distance: [cosine, dot]}}"
    found = [
        (str(choice.parameters["embedder"]), choice.parameters["distance"])
        for choice in of_grid(load, head, written).retriever
    ]
    assert found == [
        (embedder, distance)
        for embedder in ("lsa(dim=64, seed=0)", "lsa(dim=256, seed=0)", "hash")
        for distance in ("cosine", "dot")
    ]


def test_null_may_be_on_an_axis(load: Load, head: str) -> None:
    retrievers = of_grid(load, head, "retriever: {dense: {second: [null, hash]}}").retriever
    assert [choice.parameters["second"] for choice in retrievers] == [None, Choice("embedder", "hash", {})]


def test_a_default_that_is_a_component_is_filled_in(load: Load, head: str) -> None:
    (dense,) = of_grid(load, f"{head}seed: 7\n", "retriever: dense").retriever
    assert dense.parameters["embedder"] == Choice("embedder", "lsa", {"dim": 256, "seed": 7})


@pytest.mark.parametrize(("dataset", "seed"), [("toy", 7), ("{toy: {seed: }}", 7), ("{toy: {seed: 3}}", 3)])
def test_the_study_s_seed_fills_in_what_is_left_out(load: Load, dataset: str, seed: int) -> None:
    study = load(f"study: a\nseed: 7\ndataset: {dataset}\n")
    assert study.dataset.choice.parameters["seed"] == seed


def test_a_cut_off_is_in_the_metric_s_name(load: Load, head: str) -> None:
    metrics = load(
        f"{head}grid: {{chunker: whole, retriever: bm25}}\nmetrics: [recall@5, mrr@10, accuracy]\n"
    ).metrics
    assert metrics == (
        Choice("metric", "recall@k", {"k": 5}),
        Choice("metric", "mrr@k", {"k": 10}),
        Choice("metric", "accuracy", {}),
    )


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True),
    overlaps=st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
    dims=st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True),
    distances=st.lists(st.sampled_from(["cosine", "dot", "l2"]), min_size=1, max_size=3, unique=True),
    tops=st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True),
)
def test_as_many_choices_as_the_product_of_the_axes(
    registry: Registry, sizes: list[int], overlaps: list[int], dims: list[int], distances: list[str], tops: list[int]
) -> None:
    spec = {
        "study": "a",
        "dataset": "toy",
        "grid": {
            "chunker": {"words": {"size": sizes, "overlap": overlaps}},
            "retriever": ["bm25", {"dense": {"embedder": {"lsa": {"dim": dims}}, "distance": distances}}],
            "top_k": tops,
        },
    }
    grid = study_of(parse_document(yaml.safe_dump(spec, sort_keys=False), "a.yaml"), registry).grid
    assert len(grid.chunker) == math.prod([len(sizes), len(overlaps)])
    assert len(grid.retriever) == 1 + math.prod([len(dims), len(distances)])
    assert grid.top_k == tuple(tops)
    assert [choice.parameters["size"] for choice in grid.chunker[:: len(overlaps)]] == sizes


@pytest.mark.parametrize(
    ("grid", "location", "message"),
    [
        ("chunker: {words: {size: [1, 2, 1]}}", "3:39", "grid.chunker.words.size holds 1 twice"),
        ("chunker: {words: {overlap: [0, 0.0]}}", "3:39", "grid.chunker.words.overlap holds 0.0 twice"),
        ("chunker: [words, {words: {size: 128}}]", "3:25", "grid.chunker holds words(size=128, overlap=0.0) twice"),
        ("chunker: [{words: {size: [1, 2]}}, {words: {size: [3, 2]}}]", "3:43", "words(size=2, overlap=0.0) twice"),
        ("top_k: [1, 1]", "3:19", "grid.top_k holds 1 twice"),
    ],
)
def test_the_same_value_twice_on_an_axis(errors: Errors, head: str, grid: str, location: str, message: str) -> None:
    found = errors(f"{head}grid: {{{grid}}}\n")
    assert [str(error.location).rpartition("spec.yaml:")[2] for error in found if message in error.message] == [
        location
    ]


def test_axes_that_make_too_many_choices_are_not_expanded(errors: Errors, head: str) -> None:
    many = list(range(1, 202))
    (error,) = errors(f"{head}grid: {{retriever: bm25, chunker: {{words: {{size: {many}, overlap: {many}}}}}}}\n")
    assert f"{201**2:,} combinations" in error.message
    assert f"{MAX_EXPANSION:,} at most" in str(error.hint)


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        (1, {"type": "number"}, 1.0),
        (1.0, {"type": "integer"}, 1),
        (1, {"type": ["integer", "null"]}, 1),
        (1, {"type": ["number", "null"]}, 1.0),
        (1, {"type": ["integer", "number"]}, 1),
        (True, {"type": ["number", "boolean"]}, True),
        (1, {}, 1),
        ([1, 2], {"type": "array", "items": {"type": "number"}}, [1.0, 2.0]),
        ({"a": 1, "b": 1}, {"type": "object", "properties": {"a": {"type": "number"}}}, {"a": 1.0, "b": 1}),
    ],
)
def test_numbers_take_the_type_of_their_schema(value: Any, schema: dict[str, Any], expected: Any) -> None:
    assert repr(normalise(value, schema)) == repr(expected)


def test_a_default_that_no_plugin_offers_is_told_where_the_component_stands(registry: Registry) -> None:
    kept = {(item.kind, item.component.name): item for item in registry.all() if item.component.name != "lsa"}
    document = parse_document("study: a\ndataset: toy\ngrid: {chunker: whole, retriever: dense}\n", "a.yaml")
    with pytest.raises(PluginError, match="no installed plugin offers the embedder 'lsa'") as caught:
        study_of(document, Registry(kept))
    assert str(caught.value.location) == "a.yaml:3:24"


def test_a_component_that_fails_to_tell_its_traits_is_told_where_it_stands(registry: Registry) -> None:
    def fail(_: Any) -> Any:
        raise PluginError("no traits today")

    component = Component("odd", dict, "Odd.", traits=fail)
    known = {(item.kind, item.component.name): item for item in registry.all()}
    template = known["reader", "steady"]
    known["reader", "odd"] = type(template)(component, "reader", "fakes", "ragtally 1.0")
    document = parse_document("study: a\ndataset: toy\nreaders:\n  x: odd\n", "a.yaml")
    with pytest.raises(PluginError, match="no traits today") as caught:
        study_of(document, Registry(known))
    assert str(caught.value.location) == "a.yaml:4:6"
