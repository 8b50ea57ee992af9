"""The retriever `weaviate`: keyword, vector and hybrid search by a Weaviate server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ragtally import Choice, Component, Embedder, ExternalResource, Finding, Retriever, RetrieverTraits, hookimpl
from ragtally_weaviate.parameters import (
    DEFAULT_DISTANCE,
    DEFAULT_INDEX,
    DENSE,
    OF_HNSW,
    PARAMETERS,
    check_parameters,
    searches_hnsw,
)

_VARIATION = (
    "hnsw is drawn at random when it is filled, so these numbers repeat only while the collection lives; "
    "index: flat repeats"
)


@hookimpl
def register_retrievers() -> list[Component]:
    """Offer `weaviate`."""
    return [
        Component(
            name="weaviate",
            # 1: a collection might hold chunks that no search found.
            version=2,
            build=_build,
            summary="Keyword, vector and hybrid search by a Weaviate server, which the environment names.",
            params=PARAMETERS,
            phrase=_phrase,
            traits=_traits,
            check=check_parameters,
            diagnose=_diagnose,
            external_resource=_external_resource,
        )
    ]


def _phrase(parameters: Mapping[str, Any]) -> str:
    vectors = f"{parameters.get('embedder')} vectors"
    searches = {"bm25": "BM25", "near_vector": vectors, "hybrid": f"BM25 and {vectors} fused"}
    return f"Weaviate’s {searches[parameters['mode']]}"


def _traits(parameters: Mapping[str, Any]) -> RetrieverTraits:
    if parameters["embedder"] is None:
        return RetrieverTraits(reads=frozenset({"text"}))
    traits = RetrieverTraits(reads=frozenset({"text", "vectors"}))
    if not searches_hnsw(parameters):
        return traits
    return replace(traits, exact=_exact(parameters), variation=_VARIATION, builds=parameters["builds"])


def _exact(parameters: Mapping[str, Any]) -> Choice:
    """What finds exactly what a search of an HNSW index is after."""
    if parameters["mode"] == "near_vector":
        distance = DENSE[parameters["distance"] or DEFAULT_DISTANCE]
        return Choice("retriever", "dense", {"embedder": parameters["embedder"], "distance": distance})
    # Only the server mixes as it does, so a collection of its own with a flat index is filled for this.
    own = {name: value for name, value in parameters.items() if name not in OF_HNSW}
    return Choice("retriever", "weaviate", {**own, "index": "flat"})


def _build(embedder: Embedder | None, embedded: bool, **parameters: Any) -> Retriever:
    from ragtally_weaviate.design import Design, Search
    from ragtally_weaviate.retriever import Effort, Weaviate

    parameters["distance"] = parameters["distance"] or DEFAULT_DISTANCE
    parameters["index"] = parameters["index"] or DEFAULT_INDEX
    design = Design(**{name: parameters[name] for name in Design.__slots__})
    search = Search(**{name: parameters[name] for name in Search.__slots__})
    effort = Effort(**{name: parameters[name] for name in Effort.__slots__})
    return Weaviate(design, search, effort, embedded=embedded)


def _diagnose(parameters: Mapping[str, Any]) -> Sequence[Finding]:
    from ragtally_weaviate.doctor import findings

    return findings(embedded=parameters["embedded"])


def _external_resource(folder: Path) -> ExternalResource | None:
    from ragtally_weaviate.external import collection_of

    return collection_of(folder)
