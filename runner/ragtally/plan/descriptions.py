"""What each cell is in words: "BM25 over 256-word chunks, one chunk, reader small"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragtally.api import Choice
from ragtally.plan.cells import Picks, labelled_choices
from ragtally.plan.plan import StudyPlan
from ragtally.registry import Registry

_CONDITIONS = {
    "closed_book": "without context",
    "gold_context": "with the gold context",
    "wrong_context": "with another question’s context",
    "whole_document": "with the whole gold document",
    "whole_corpus": "with the whole corpus",
}


def descriptions(plan: StudyPlan, registry: Registry) -> dict[str, str]:
    """Describe every cell, by name."""
    grid = plan.study.grid
    phrases = {str(choice): text for axis in (grid.parser, grid.chunker, grid.retriever, grid.rule)
               for choice, text in _phrases(axis, registry)}  # fmt: skip
    return {cell.name: _description(cell.picks, phrases) for cell in plan.cells}


def _phrases(axis: Sequence[Choice], registry: Registry) -> list[tuple[Choice, str]]:
    phrases = [registry.phrase(choice) for choice in axis]
    texts = []
    for (choice, label), phrase in zip(labelled_choices(axis, registry), phrases, strict=True):
        # What has no phrase, or shares it, goes by what tells it apart in cells' names.
        if not registry.get(choice).component.phrase or phrases.count(phrase) > 1:
            phrase = f"{label} chunks" if choice.kind == "chunker" else label
        texts.append((choice, phrase))
    return texts


def _description(picks: Picks, phrases: Mapping[str, str]) -> str:
    parts = []
    if picks.retriever is not None:
        by = "" if picks.parser is None else f" of what {phrases[str(picks.parser)]} reads"
        parts.append(f"{phrases[str(picks.retriever)]} over {phrases[str(picks.chunker)]}{by}")
    if picks.build is not None:
        parts.append(f"build {picks.build}")
    if picks.context_words is not None:
        parts.append(f"up to {picks.context_words:,} words")
    elif picks.top_k is not None:
        parts.append("one chunk" if picks.top_k == 1 else f"{picks.top_k:,} chunks")
    if picks.reader is not None:
        condition = _CONDITIONS.get(str(picks.condition))
        parts.append(f"reader {picks.reader}" + (f" {condition}" if condition else ""))
    if (picks.votes or 1) > 1:
        parts.append(f"{picks.votes} votes by {phrases[str(picks.rule)]}")
    return ", ".join(parts)
