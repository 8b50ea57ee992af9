"""One Haystack pipeline of a cell's parts, and its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ragtally.pipelines.answer import DecideOpenVerdict, DecideVerdict
from ragtally.pipelines.haystack import Pipeline


@dataclass(frozen=True)
class PipelineParts:
    """The parts of a pipeline that answers one question."""

    retrieve: Any  # Finds passages; None for a closed book
    prompt: Any  # Writes the prompt; None for a reader that asks no language model
    models: Sequence[Any]  # The generator of each vote; empty for such a reader
    read: Any  # Reads the replies, or casts the votes of a reader that asks no language model
    decide: DecideVerdict | DecideOpenVerdict
    query: Any = None  # Writes the question for `search`; None where `retrieve` searches by itself
    search: Any = None  # Somebody else's Haystack retriever, whose hits `retrieve` takes; likewise


def connect(parts: PipelineParts) -> Pipeline:
    """Connect the parts."""
    pipeline = Pipeline()
    if parts.search is not None:
        pipeline.add_component("query", parts.query)
        pipeline.add_component("search", parts.search)
    if parts.retrieve is not None:
        pipeline.add_component("retrieve", parts.retrieve)
    if parts.prompt is not None:
        pipeline.add_component("prompt", parts.prompt)
    for number, model in enumerate(parts.models, start=1):
        pipeline.add_component(f"model_{number}", model)
    pipeline.add_component("read", parts.read)
    pipeline.add_component("decide", parts.decide)
    if parts.search is not None:
        for name in sorted({"query", "query_embedding"} & pipeline.inputs()["search"].keys()):
            pipeline.connect(f"query.{name}", f"search.{name}")
        pipeline.connect("search.documents", "retrieve.hits")
    reading = "read" if parts.prompt is None else "prompt"
    if parts.retrieve is not None:
        pipeline.connect("retrieve.documents", f"{reading}.documents")
    for number in range(1, len(parts.models) + 1):
        pipeline.connect("prompt.prompt", f"model_{number}.messages")
        pipeline.connect(f"model_{number}.replies", f"read.vote_{number}")
    pipeline.connect("read.ballots", "decide.ballots")
    return pipeline


def pipeline_yaml(pipeline: Pipeline, about: Sequence[str]) -> str:
    """Write a pipeline as YAML, with what one must know above it."""
    lines = [f"# {line}".rstrip() for line in about]
    return "\n".join([*lines, pipeline.dumps()])


def component_classes(pipeline: Pipeline) -> dict[str, str]:
    """The class of each component, by name."""
    components = pipeline.to_dict()["components"]
    return {name: part["type"] for name, part in components.items()}


def is_plain(path: str) -> bool:
    """Whether a class is Haystack's or an integration's, and not ragtally's."""
    return not path.startswith("ragtally")
