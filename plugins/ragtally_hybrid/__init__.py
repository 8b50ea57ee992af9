"""The retriever `hybrid`: fuses the rankings of several retrievers into one.

retriever:
  - hybrid                                                # bm25 and dense, by reciprocal rank fusion
  - hybrid: {retrievers: [bm25, {dense: {distance: dot}}], k: 10}
  - hybrid: {retrievers: [bm25, dense], fusion: weighted, weights: [0.7, 0.3]}

What it fuses is searched once, and is the same as the retriever's own cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ragtally import Component, ParameterFault, RetrieverTraits, hookimpl

if TYPE_CHECKING:
    from ragtally import Reranker

_K, _NORMALISE = 60, "min_max"

_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "retrievers": {
        "type": "array",
        "items": {"x-ragtally-kind": "retriever"},
        "minItems": 2,
        "default": ["bm25", "dense"],
        "description": "The retrievers whose rankings are fused; at least two.",
    },
    "fusion": {
        "enum": ["rrf", "weighted"],
        "default": "rrf",
        "description": "How: by the ranks alone (reciprocal rank fusion, rrf), or by the scores, made comparable by "
        "`normalise` and added up (weighted).",
    },
    "k": {
        "type": "integer",
        "minimum": 0,
        "default": _K,
        "x-ragtally-when": {"fusion": ["rrf"]},
        "description": "Of rrf: a hit at rank r adds weight / (k + r); the larger, the less the first ranks matter.",
    },
    "weights": {
        "type": ["array", "null"],
        "items": {"type": "number", "exclusiveMinimum": 0},
        "default": None,
        "description": "How much each retriever counts, in the order of `retrievers`; all the same if omitted.",
    },
    "normalise": {
        "enum": ["min_max", "z_score"],
        "default": _NORMALISE,
        "x-ragtally-when": {"fusion": ["weighted"]},
        "description": "Of weighted: a hit counts by how much it scores above the last hit of its ranking, in shares "
        "of the ranking's range (min_max) or in standard deviations of its scores (z_score). So the last hit counts "
        "0, as does a chunk that was not found; where all hits score the same, each counts 1.",
    },
    "depth": {
        "type": "integer",
        "minimum": 1,
        "default": 100,
        "description": "How many hits of each retriever are fused.",
    },
}


def check(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Find what is wrong with the parameters beyond their schema."""
    return list(_faults(parameters))


def _faults(parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    retrievers, weights = parameters["retrievers"], parameters["weights"]
    if len(retrievers) < 2:
        yield ParameterFault("retrievers", "one ranking alone cannot be fused", "name two retrievers or more")
    for number, retriever in enumerate(retrievers):
        if retriever in retrievers[:number]:
            hint = "name each once; `weights` says how much it counts"
            yield ParameterFault("retrievers", f"{retriever} is fused with itself", hint)
    if weights is not None and len(weights) != len(retrievers):
        message = f"there are {len(weights)} weights for {len(retrievers)} retrievers"
        yield ParameterFault("weights", message, f"weights: [{', '.join(['1'] * len(retrievers))}], one each")
    if parameters["fusion"] != "rrf" and parameters["k"] != _K:
        yield ParameterFault("k", "k is of reciprocal rank fusion", "fusion: rrf, or leave k out")
    if parameters["fusion"] != "weighted" and parameters["normalise"] != _NORMALISE:
        hint = "fusion: weighted, or leave normalise out"
        yield ParameterFault("normalise", "rrf looks at no scores that could be normalised", hint)


def _traits(parameters: Mapping[str, Any]) -> RetrieverTraits:
    return RetrieverTraits(reads=frozenset({"text", "hits"}), depth=parameters["depth"])


def _build(
    retrievers: None, fusion: str, k: int, weights: Sequence[float] | None, normalise: str, depth: int
) -> Reranker:
    from ragtally_hybrid.fusion import RankFusion, ScoreFusion

    if fusion == "rrf":
        return RankFusion(k=k, weights=weights, depth=depth)
    return ScoreFusion(normalise=normalise, weights=weights, depth=depth)


@hookimpl
def register_retrievers() -> list[Component]:
    """Offer `hybrid`."""
    return [
        Component(
            name="hybrid",
            build=_build,
            summary="Fuses several retrievers' rankings, by reciprocal rank or by weighted scores.",
            params=_PARAMETERS,
            phrase=lambda params: f"{' and '.join(params['retrievers'])} fused",
            traits=_traits,
            check=check,
        )
    ]
