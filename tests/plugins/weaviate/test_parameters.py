"""Which parameters go together."""

from typing import Any

import pytest

from plugins.weaviate.conftest import COMPONENT, filled
from ragtally.api import Choice, RetrieverTraits
from ragtally.plan.cells import axis_labels
from ragtally.registry import load_registry


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"mode": "bm25", "embedder": "lsa"}, "embedder"),
        ({"mode": "bm25", "distance": "dot"}, "distance"),
        ({"mode": "bm25", "index": "flat"}, "index"),
        ({"mode": "bm25", "index": "hnsw"}, "index"),
        ({"mode": "bm25", "ef": 200}, "ef"),
        ({"mode": "bm25", "alpha": 0.5}, "alpha"),
        ({"mode": "near_vector"}, "embedder"),
        ({"mode": "near_vector", "embedder": "lsa", "alpha": 0.5}, "alpha"),
        ({"mode": "near_vector", "embedder": "lsa", "index": "flat", "ef": 200}, "ef"),
        ({"mode": "near_vector", "embedder": "lsa", "ef": 64}, "ef"),
        ({"mode": "near_vector", "embedder": "lsa", "index": "flat", "builds": 3}, "builds"),
        ({"mode": "near_vector", "embedder": "lsa", "index": "flat", "ef_construction": 512}, "ef_construction"),
        ({"mode": "bm25", "max_connections": 64}, "max_connections"),
        ({"mode": "bm25", "builds": 2}, "builds"),
    ],
)
def test_what_has_no_meaning_is_a_fault(given: dict[str, Any], parameter: str) -> None:
    assert COMPONENT.check is not None
    (fault,) = COMPONENT.check(filled(**given))
    assert fault.parameter == parameter and fault.hint


@pytest.mark.parametrize(
    "given",
    [
        {"mode": "bm25"},
        {"mode": "near_vector", "embedder": "lsa", "ef": 64, "depth": 64},
        {"mode": "hybrid", "embedder": "lsa", "alpha": 0.0},
    ],
)
def test_what_goes_together(given: dict[str, Any]) -> None:
    assert COMPONENT.check is not None
    assert not COMPONENT.check(filled(**given))


def test_names_say_what_differs_and_counts() -> None:
    registry = load_registry()
    hashing = Choice("embedder", "hashing", {"dim": 8})
    picks: dict[str, dict[str, Any]] = {
        "weaviate(bm25)": {"mode": "bm25", "batch": 20},
        "weaviate(near_vector,l2-squared,hnsw,ef_construction=128)": {"distance": "l2-squared"},
        "weaviate(near_vector,l2-squared,hnsw,ef_construction=512)": {
            "distance": "l2-squared",
            "ef_construction": 512,
        },
        "weaviate(near_vector,l2-squared,flat)": {"distance": "l2-squared", "index": "flat", "timeout": 5},
        "weaviate(near_vector,cosine,flat)": {"index": "flat"},
        "weaviate(hybrid,cosine,flat)": {"mode": "hybrid", "index": "flat"},
    }
    axis = [
        Choice("retriever", "weaviate", filled(**{"mode": "near_vector", "embedder": hashing, **given}))
        for given in picks.values()
    ]
    assert axis_labels([registry.relevant_parameters(choice, identity=True) for choice in axis]) == tuple(picks)


@pytest.mark.parametrize("given", [{"mode": "bm25"}, {"mode": "near_vector", "embedder": "lsa", "index": "flat"}])
def test_what_is_exact_repeats(given: dict[str, Any]) -> None:
    assert callable(COMPONENT.traits)
    traits = COMPONENT.traits(filled(**given))
    assert isinstance(traits, RetrieverTraits)
    assert (traits.exact, traits.variation, traits.builds) == (None, "", 1)


@pytest.mark.parametrize(
    ("given", "name", "parameters"),
    [
        ({"mode": "near_vector"}, "dense", {"distance": "cosine"}),
        ({"mode": "near_vector", "index": "hnsw", "distance": "l2-squared"}, "dense", {"distance": "l2"}),
        ({"mode": "hybrid", "alpha": 0.5, "ef": 200, "builds": 3}, "weaviate",
         {"mode": "hybrid", "index": "flat", "alpha": 0.5, "ef": None, "builds": 1}),
    ],
)  # fmt: skip
def test_hnsw_varies_and_names_what_is_exact(given: dict[str, Any], name: str, parameters: dict[str, Any]) -> None:
    registry = load_registry()
    hashing = Choice("embedder", "hashing", {"dim": 8})
    traits = registry.traits(Choice("retriever", "weaviate", filled(**given, embedder=hashing)))
    assert "index: flat repeats" in traits.variation
    assert traits.builds == given.get("builds", 1)
    exact = registry.complete(traits.exact)
    assert exact.name == name and {key: exact.parameters[key] for key in parameters} == parameters
    assert exact.parameters["embedder"] is hashing
    check = registry.get(exact).component.check
    assert check is not None and not check(exact.parameters)
    assert registry.traits(exact).variation == ""
