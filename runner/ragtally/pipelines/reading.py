"""What the components for a single question share: the plugins, and one question as a reader takes it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ragtally.api import Examples, Reading
from ragtally.pipelines.quiet import Document
from ragtally.registry import Registry, load_registry


@functools.cache
def plugins() -> Registry:
    """Load every installed plugin, once a process."""
    return load_registry()


def reading_of(question: str, documents: Sequence[Document], answers: Sequence[str]) -> Reading:
    """Put one question with its passages before a reader."""
    texts = [document.content or "" for document in documents]
    return Reading(["question"], [question], [texts], tuple(answers))


def haystack_documents(found: pl.DataFrame, identifiers: Sequence[str], texts: Sequence[str]) -> list[Document]:
    """Write passages as Haystack's documents."""
    return [
        Document(
            id=f"{identifiers[document]}:{start}-{end}",
            content=texts[document][start:end],
            meta={"document": identifiers[document], "start": start, "end": end},
            score=score,
        )
        for document, start, end, score in found.select("document", "start", "end", "score").iter_rows()
    ]


def examples_of(shown: Sequence[Mapping[str, Any]], answers: Sequence[str]) -> Examples | None:
    """Read the labelled examples that a prompt shows; None where there are none."""
    if not shown:
        return None
    columns = {name: [row[name] for row in shown] for name in ("question", "passages", "label")}
    identifiers = [f"example {number}" for number in range(len(shown))]
    return Examples(Reading(identifiers, columns["question"], columns["passages"], tuple(answers)), columns["label"])
