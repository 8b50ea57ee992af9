"""What a Haystack component is used as, and what it must take for that."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ragtally_haystack.definition import Definition, Fault


@dataclass(frozen=True)
class Role:
    """What a component is used as."""

    name: str  # What it is called in messages
    inputs: tuple[str, ...]  # Inputs of `run` of which it must take at least one; empty for what is not run
    output: str  # The output of `run` that is read
    example: str  # A class that could stand in its place
    optional: tuple[str, ...] = ()  # Further inputs that it is given where it takes them
    # Parameters that are not the spec's to say, with the reason.
    reserved: Mapping[str, str] = field(default_factory=dict)
    # Parameters that it is made with where its class has them and the spec leaves them out: nothing printed, failures
    # raised and not logged away, no tries below those of ragtally.
    defaults: Mapping[str, Any] = field(default_factory=dict)


_CALLING = {"progress_bar": False, "raise_on_failure": True, "max_retries": 0}
_WHOLE = "a benchmark reads whole answers in words"

SPLITTER = Role("splitter", ("documents",), "documents", "haystack.components.preprocessors.DocumentSplitter")
CONVERTER = Role("converter", ("sources",), "documents", "haystack.components.converters.PyPDFToDocument")
DOCUMENT_EMBEDDER = Role(
    "document embedder",
    ("documents",),
    "documents",
    "haystack.components.embedders.OpenAIDocumentEmbedder",
    defaults=_CALLING,
)
TEXT_EMBEDDER = Role(
    "text embedder", ("text",), "embedding", "haystack.components.embedders.OpenAITextEmbedder", defaults=_CALLING
)
STORE = Role(
    "document store",
    (),
    "",
    "haystack.document_stores.in_memory.InMemoryDocumentStore",
    defaults={"progress_bar": False, "shared": False},
)
# What a document store is known by.
STORE_METHODS = ("write_documents", "count_documents")
RETRIEVER = Role(
    "retriever",
    ("query", "query_embedding"),
    "documents",
    "haystack.components.retrievers.in_memory.InMemoryBM25Retriever",
    optional=("top_k",),
    reserved={
        "document_store": "it searches the one under store",
        "top_k": "ragtally asks for as many hits as it needs",
    },
)
GENERATOR = Role(
    "chat generator",
    ("messages",),
    "replies",
    "haystack.components.generators.chat.OpenAIChatGenerator",
    optional=("generation_kwargs",),
    reserved={"tools": _WHOLE, "streaming_callback": _WHOLE},
    defaults=_CALLING,
)


def input_fault(
    role: Role, definition: Definition, names: Collection[str], required_names: Collection[str]
) -> Fault | None:
    """Compare a component's inputs with those of its role."""
    expected_names = " or ".join(role.inputs)
    if role.inputs and not set(role.inputs) & set(names):
        takes = ", ".join(names) or "nothing"
        return Fault(
            f"{definition.type} is not a {role.name}: it takes {takes}, not {expected_names}", f"as in {role.example}"
        )
    for name in sorted(set(required_names) - {*role.inputs, *role.optional}):
        return Fault(
            f"{definition.type} cannot be used as a {role.name}: it requires {name}, which ragtally does not have",
            f"as in {role.example}",
        )
    return None
