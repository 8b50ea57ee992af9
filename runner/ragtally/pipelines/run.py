"""Running the pipelines on whole batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally.api import Candidates, Chunker, Documents, Embedder, Hits, Passages, Queries, Reranker, Retriever, Spans
from ragtally.pipelines.build import (
    cut_pipeline,
    embed_pipeline,
    embed_queries_pipeline,
    fill_pipeline,
    refine_pipeline,
    search_pipeline,
)
from ragtally.pipelines.columns import Columns
from ragtally.pipelines.quiet import Pipeline, PipelineRuntimeError


def run_split(chunker: Chunker, documents: Documents) -> Spans:
    """Cut documents into chunks."""
    spans: Spans = _run(cut_pipeline(chunker), {"split": {"documents": Columns(documents)}})["split"]["spans"].batch
    return spans


def run_embed(embedder: Embedder, passages: Passages) -> NDArray[np.float32]:
    """Let an embedder learn from the corpus, and embed it."""
    outputs = _run(embed_pipeline(embedder), {"embed": {"passages": Columns(passages)}})
    vectors: NDArray[np.float32] = outputs["embed"]["vectors"].batch
    return vectors


def run_embed_queries(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed questions."""
    outputs = _run(embed_queries_pipeline(embedder), {"embed": {"texts": Columns(texts)}})
    vectors: NDArray[np.float32] = outputs["embed"]["vectors"].batch
    return vectors


def run_fill(retriever: Retriever, passages: Passages, vectors: NDArray[np.float32] | None) -> int:
    """Index the corpus."""
    inputs = {"passages": Columns(passages), "vectors": None if vectors is None else Columns(vectors)}
    written: int = _run(fill_pipeline(retriever), {"write": inputs})["write"]["written"]
    return written


def run_search(retriever: Retriever, queries: Queries, limit: int) -> Hits:
    """Find the best chunks for questions."""
    inputs = {"retrieve": {"queries": Columns(queries), "limit": limit}}
    hits: Hits = _run(search_pipeline(retriever), inputs)["retrieve"]["hits"].batch
    return hits


def run_rerank(retriever: Reranker, queries: Queries, found: Candidates, limit: int) -> Hits:
    """Make a ranking of what other retrievers found."""
    inputs = {"refine": {"queries": Columns(queries), "found": Columns(found), "limit": limit}}
    hits: Hits = _run(refine_pipeline(retriever), inputs)["refine"]["hits"].batch
    return hits


def _run(pipeline: Pipeline, inputs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    try:
        outputs: dict[str, dict[str, Any]] = pipeline.run(dict(inputs))
    except PipelineRuntimeError as error:
        # Haystack wraps what a component raises; the user is to see the error itself, with place and hint.
        if isinstance(error.__cause__, Exception):
            raise error.__cause__ from None
        raise
    return outputs
