"""The components `haystack`: any Haystack converter, splitter, embedder pair, store with retriever or chat generator.

Nothing heavy is imported here, and nothing at all of a package that the user has not allowed
(`ragtally_haystack.refusals`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ragtally import Component, ConverterTraits, hookimpl
from ragtally_haystack.check import (
    check_chunker,
    check_converter,
    check_embedder,
    check_model,
    check_retriever,
    diagnose_chunker,
    diagnose_converter,
    diagnose_embedder,
    diagnose_model,
    diagnose_retriever,
    missing_keys,
)
from ragtally_haystack.definition import definition_of
from ragtally_haystack.parameters import CONVERTER, EMBEDDER, MODEL, RETRIEVER, SPLITTER
from ragtally_haystack.traits import (
    embedder_traits,
    fingerprint_embedder,
    fingerprint_one,
    fingerprint_retriever,
    model_traits,
    retriever_traits,
)

if TYPE_CHECKING:
    from ragtally import ChatModel, Chunker, Converter, Embedder, Retriever


@hookimpl
def register_converters() -> list[Component]:
    """Offer any converter."""
    return [
        Component(
            name="haystack",
            build=_build_converter,
            summary="Any Haystack converter of files, by its import path; a file that it skips is an error.",
            params=CONVERTER,
            fingerprint=fingerprint_one,
            traits=lambda params: ConverterTraits(tuple(params["extensions"])),
            check=check_converter,
            diagnose=diagnose_converter,
        )
    ]


@hookimpl
def register_chunkers() -> list[Component]:
    """Offer any splitter."""
    return [
        Component(
            name="haystack",
            build=_build_chunker,
            summary="Any Haystack splitter that cuts texts as they are, by its import path.",
            params=SPLITTER,
            fingerprint=fingerprint_one,
            check=check_chunker,
            diagnose=diagnose_chunker,
        )
    ]


@hookimpl
def register_embedders() -> list[Component]:
    """Offer any pair of embedders."""
    return [
        Component(
            name="haystack",
            build=_build_embedder,
            summary="Any Haystack document embedder with its text embedder, by their import paths.",
            params=EMBEDDER,
            fingerprint=fingerprint_embedder,
            traits=embedder_traits,
            check=check_embedder,
            diagnose=diagnose_embedder,
        )
    ]


@hookimpl
def register_retrievers() -> list[Component]:
    """Offer any document store with its retriever."""
    return [
        Component(
            name="haystack",
            build=_build_retriever,
            summary="Any Haystack document store with its retriever, by their import paths.",
            params=RETRIEVER,
            fingerprint=fingerprint_retriever,
            traits=retriever_traits,
            check=check_retriever,
            diagnose=diagnose_retriever,
        )
    ]


@hookimpl
def register_models() -> list[Component]:
    """Offer any chat generator."""
    return [
        Component(
            name="haystack",
            build=_build_model,
            summary="Any Haystack chat generator, by its import path.",
            params=MODEL,
            fingerprint=fingerprint_one,
            traits=model_traits,
            check=check_model,
            diagnose=diagnose_model,
            missing_keys=missing_keys,
        )
    ]


def _build_converter(extensions: Sequence[str], **parameters: Any) -> Converter:
    from ragtally_haystack.converter import FileConverter

    return FileConverter(definition_of(parameters), tuple(extensions))


def _build_chunker(**parameters: Any) -> Chunker:
    from ragtally_haystack.splitter import Splitter

    return Splitter(definition_of(parameters))


def _build_embedder(
    document: Mapping[str, Any], query: Mapping[str, Any], batch: int, threads: int, retries: int, price: Any
) -> Embedder:
    from ragtally_haystack.embedder import EmbedderPair

    return EmbedderPair(definition_of(document), definition_of(query), batch=batch, threads=threads, retries=retries)


def _build_retriever(
    store: Mapping[str, Any],
    retriever: Mapping[str, Any],
    embedder: Embedder | None,
    batch: int,
    threads: int,
    retries: int,
) -> Retriever:
    from ragtally_haystack.retriever import StoreRetriever

    return StoreRetriever(
        definition_of(store), definition_of(retriever), batch=batch, threads=threads, retries=retries
    )


def _build_model(**parameters: Any) -> ChatModel:
    from ragtally_haystack.chat import GuardedChatGenerator

    names = ("type", "init_parameters", "timeout", "concurrency")
    return GuardedChatGenerator(**{name: parameters[name] for name in names})
