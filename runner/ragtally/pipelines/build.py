"""The pipelines: *cut* (split), *embed*, *fill* (write), *search* (retrieve) and *refine*."""

from __future__ import annotations

from typing import Any

from ragtally.api import Chunker, Embedder, Reranker, Retriever
from ragtally.pipelines.components import ChunkDocuments, EmbedPassages, EmbedQueries, Rerank, Retrieve, WritePassages
from ragtally.pipelines.quiet import Pipeline


def cut_pipeline(chunker: Chunker) -> Pipeline:
    """Build the pipeline that cuts documents."""
    return _of("split", ChunkDocuments(chunker))


def embed_pipeline(embedder: Embedder) -> Pipeline:
    """Build the pipeline that embeds chunks."""
    return _of("embed", EmbedPassages(embedder))


def embed_queries_pipeline(embedder: Embedder) -> Pipeline:
    """Build the pipeline that embeds questions."""
    return _of("embed", EmbedQueries(embedder))


def fill_pipeline(retriever: Retriever) -> Pipeline:
    """Build the pipeline that indexes chunks."""
    return _of("write", WritePassages(retriever))


def search_pipeline(retriever: Retriever) -> Pipeline:
    """Build the pipeline that finds chunks for questions."""
    return _of("retrieve", Retrieve(retriever))


def refine_pipeline(retriever: Reranker) -> Pipeline:
    """Build the pipeline that makes a ranking of what other retrievers found."""
    return _of("refine", Rerank(retriever))


def _of(name: str, only: Any) -> Pipeline:
    pipeline = Pipeline()
    pipeline.add_component(name, only)
    return pipeline
