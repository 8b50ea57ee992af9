"""The retriever `parent`: small chunks are found, and the larger windows around them are given to the reader.

    chunker: [{words: {size: [32, 64]}}]
    retriever:
      - parent                                                # bm25 finds chunks, windows of 256 words are read
      - parent: {retriever: dense, window: {sentences: {size: 8, overlap: 4}}}

Small chunks are easier to distinguish, larger ones say more: known as parent-document or small-to-big retrieval.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragtally import Component, RetrieverTraits, hookimpl

if TYPE_CHECKING:
    from ragtally import Reranker

_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "retriever": {
        "x-ragtally-kind": "retriever",
        "default": "bm25",
        "description": "The retriever that finds the chunks of the grid's chunker.",
    },
    "window": {
        "x-ragtally-kind": "chunker",
        "default": {"words": {"size": 256}},
        "description": "The chunker that cuts the windows which are found in place of the chunks: for each chunk the "
        "one that holds most of its characters, the earlier one of two.",
    },
    "depth": {
        "type": "integer",
        "minimum": 1,
        "default": 100,
        "description": "How many chunks are looked up; there are fewer windows, since several chunks may lie in one.",
    },
}


def _traits(parameters: Mapping[str, Any]) -> RetrieverTraits:
    return RetrieverTraits(reads=frozenset({"text", "hits"}), depth=parameters["depth"])


def _build(retriever: None, window: None, depth: int) -> Reranker:
    from ragtally_parent.windows import Parent

    return Parent(depth)


@hookimpl
def register_retrievers() -> list[Component]:
    """Offer `parent`."""
    return [
        Component(
            name="parent",
            build=_build,
            summary="Finds small chunks and gives the larger windows around them.",
            params=_PARAMETERS,
            phrase=lambda params: f"{params['retriever']} with the {params['window']} around",
            traits=_traits,
        )
    ]
