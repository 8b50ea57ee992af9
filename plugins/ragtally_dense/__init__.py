"""The retriever `dense`: compares the question's vector with every chunk's, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally import Component, Embedder, ParameterFault, Retriever, RetrieverTraits, Starter, hookimpl

# What each distance measures, by its name in a spec.
MEANINGS: Mapping[str, str] = {
    "cosine": "the cosine of the angle between the vectors; their lengths do not count",
    "dot": "the inner product, which grows with the vectors' lengths; on vectors of length one the cosine",
    "l2": "the Euclidean distance; on vectors of length one it ranks as cosine and dot do",
    "l1": "the Manhattan distance, the sum of the components' differences; on vectors of length one it ranks "
    "almost as l2 does",
    "hamming": "how many components differ in sign, of vectors cut down to one bit per component (whether it is "
    "above zero); no distance between sets of tokens, which the retriever sets has",
    "jaccard": "of the components above zero in either vector, the share that are so in both; no distance between "
    "sets of tokens, which the retriever sets has",
}

# The distances that compare vectors cut down to one bit per component.
ON_BITS = frozenset({"hamming", "jaccard"})


@hookimpl
def register_retrievers() -> list[Component]:
    """Offer `dense`."""
    meanings = "; ".join(f"{name}: {meaning}" for name, meaning in MEANINGS.items())
    return [
        Component(
            name="dense",
            build=_build,
            summary="Exact search over embeddings, by any of six distances.",
            phrase=lambda params: f"{params['embedder']} vectors",
            starter=_starter,
            params={
                "embedder": {
                    "x-ragtally-kind": "embedder",
                    "default": "lsa",
                    "description": "What turns chunks and questions into vectors.",
                },
                "distance": {
                    "enum": list(MEANINGS),
                    "default": "cosine",
                    "description": f"What makes two vectors near. {meanings}. A zero vector is near to nothing "
                    "under any of them.",
                    "x-ragtally-search": True,
                },
                "rescore": {
                    "type": ["integer", "null"],
                    "minimum": 1,
                    "default": None,
                    "description": "Under hamming and jaccard: how many of the nearest chunks are ordered again by "
                    "the cosine of the whole vectors; a question then has no more hits than that. Null to leave "
                    "the order as the bits give it.",
                    "x-ragtally-search": True,
                },
            },
            # What is to be ordered again has to be the nearest of all.
            traits=lambda parameters: RetrieverTraits(
                reads=frozenset({"text", "vectors"}), in_parts=parameters["rescore"] is None
            ),
            check=_check,
        )
    ]


def _starter(language: str) -> Starter:
    # A first corpus may be a folder of ten files, with fewer chunks than dimensions.
    words = {} if language in ("", "en") else {"stopwords": None}
    return Starter({"embedder": {"lsa": {"dim": None, **words}}})


def _check(params: Mapping[str, Any]) -> list[ParameterFault]:
    distance, rescore = params.get("distance"), params.get("rescore")
    if rescore is None or distance in ON_BITS:
        return []
    return [
        ParameterFault(
            "rescore",
            f"rescore orders again what a search over bits finds, and {distance} compares whole vectors already",
            hint="leave rescore out, or write distance: hamming or distance: jaccard",
        )
    ]


def exact_index(distance: str, rescore: int | None = None) -> Retriever:
    """Make an exact index; also for what measures an approximate one against it."""
    from ragtally_dense.search import Dense

    return Dense(distance, rescore)


def _build(embedder: Embedder | None, distance: str, rescore: int | None = None) -> Retriever:
    return exact_index(distance, rescore)
