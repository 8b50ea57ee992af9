"""The retriever `dense`: compares the question's vector with every chunk's, exactly."""

from __future__ import annotations

from ragtally.hookspecs import hookimpl
from ragtally.kinds import Component, Embedder, Retriever, RetrieverTraits


@hookimpl
def register_retrievers() -> list[Component]:
    """Offer `dense`."""
    return [
        Component(
            name="dense",
            build=_build,
            summary="Exact search over embeddings, by cosine, inner product, or Euclidean or Manhattan distance.",
            params={
                "embedder": {
                    "x-ragtally-kind": "embedder",
                    "default": "lsa",
                    "description": "What turns chunks and questions into vectors.",
                },
                "distance": {
                    "enum": ["cosine", "dot", "l2", "l1"],
                    "default": "cosine",
                    "description": "What makes two vectors near; a zero vector is near to nothing under any of them.",
                    "x-ragtally-search": True,
                },
            },
            traits=RetrieverTraits(reads=frozenset({"text", "vectors"})),
        )
    ]


def _build(embedder: Embedder, distance: str) -> Retriever:
    from ragtally_dense.search import Dense

    return Dense(distance)
