"""The retrievers of deepset's `weaviate-haystack` over a collection, for an exported pipeline."""

from __future__ import annotations

import importlib.util
from typing import Any

from ragtally.support.environment import environment
from ragtally.support.telemetry import telemetry_off
from ragtally_weaviate.design import Contents, Search
from ragtally_weaviate.parameters import DEFAULT_ALPHA
from ragtally_weaviate.searching import asked_for
from ragtally_weaviate.server import GRPC_HOST, server_of

_PACKAGE = "haystack_integrations.components.retrievers.weaviate"


def haystack_retriever(contents: Contents, search: Search) -> Any | None:
    """Make the Haystack retriever that asks the server what ragtally asks it."""
    values = environment()
    alone = search.mode == "near_vector" and contents.design.distance == "cosine"
    mixes_scores = (
        search.mode == "hybrid" and search.fusion == "relative_score" and contents.design.distance != "hamming"
    )
    if not (search.mode == "bm25" or alone or mixes_scores) or values.get(GRPC_HOST) or not _is_installed():
        return None
    with telemetry_off():
        from haystack_integrations.components.retrievers.weaviate import (
            WeaviateBM25Retriever,
            WeaviateEmbeddingRetriever,
            WeaviateHybridRetriever,
        )
        from haystack_integrations.document_stores.weaviate import AuthApiKey, WeaviateDocumentStore
    server = server_of(values)
    in_cloud = server.grpc_host != server.host
    store = WeaviateDocumentStore(
        url=server.host if in_cloud else server.url,
        auth_client_secret=AuthApiKey() if server.key else None,
        collection_settings={"class": contents.name},
        grpc_port=server.grpc_port,
        grpc_secure=server.secure,
    )
    count = asked_for(search, contents.design.index)
    if search.mode == "bm25":
        return WeaviateBM25Retriever(document_store=store, top_k=count)
    if search.mode == "near_vector":
        return WeaviateEmbeddingRetriever(document_store=store, top_k=count)
    alpha = DEFAULT_ALPHA if search.alpha is None else search.alpha
    return WeaviateHybridRetriever(document_store=store, top_k=count, alpha=alpha)


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec(_PACKAGE) is not None
    except ModuleNotFoundError:
        return False
