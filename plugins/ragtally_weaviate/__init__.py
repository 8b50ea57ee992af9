"""The retriever `weaviate`: keyword, vector and hybrid search by a Weaviate server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ragtally import Component, Embedder, ExternalResource, Finding, Retriever, RetrieverTraits, hookimpl
from ragtally_weaviate.parameters import DEFAULT_DISTANCE, DEFAULT_INDEX, PARAMETERS, check_parameters


@hookimpl
def register_retrievers() -> list[Component]:
    """Offer `weaviate`."""
    return [
        Component(
            name="weaviate",
            build=_build,
            summary="Keyword, vector and hybrid search by a Weaviate server, which the environment names.",
            params=PARAMETERS,
            traits=_traits,
            check=check_parameters,
            diagnose=_diagnose,
            external_resource=_external_resource,
        )
    ]


def _traits(parameters: Mapping[str, Any]) -> RetrieverTraits:
    if parameters["embedder"] is None:
        return RetrieverTraits(reads=frozenset({"text"}))
    return RetrieverTraits(reads=frozenset({"text", "vectors"}))


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
