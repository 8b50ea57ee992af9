"""Cells: what is compared, and what each is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragtally.steps import Task
from ragtally.types import Choice


@dataclass(frozen=True)
class Picks:
    """What a cell is made of.

    Attributes:
        kind: `grid` (retrieved context), `control` (closed book, gold or wrong context), `fixed` (a reader that
            answers whatever the passages) or `retrieval` (no reader).
        condition: Under which condition the reader answers; None for retrieval alone.
        chunker: The chunker, where something is retrieved.
        retriever: The retriever, likewise.
        top_k: How many chunks stand before the reader; None where words are counted.
        context_words: How many words of the ranked chunks stand before the reader; None where chunks are counted.
        reader: The reader's name in the spec.
        votes: How many votes.
        rule: The vote rule.
    """

    kind: str
    condition: str | None = None
    chunker: Choice | None = None
    retriever: Choice | None = None
    top_k: int | None = None
    reader: str | None = None
    votes: int | None = None
    rule: Choice | None = None
    context_words: int | None = None


@dataclass(frozen=True)
class Cell:
    """One set-up that is measured.

    Attributes:
        name: What it is called everywhere: the labels of its picks, joined by `/`.
        picks: What it is made of.
        question_sets: On which questions it is scored: `all` (of the sample), `base`.
        score: The task that scores it.
        verdicts: The task that decides the votes; None for retrieval alone.
        note: What one must know to read its numbers; None for nothing.
        ranking: The name of the ranking behind it; None where nothing is retrieved.
    """

    name: str
    picks: Picks
    question_sets: tuple[str, ...]
    score: Task
    verdicts: Task | None = None
    note: str | None = None
    ranking: str | None = None


@dataclass(frozen=True)
class Voter:
    """One row of the table that compares the voters.

    Attributes:
        reader: The voter's name in the spec.
        decision: How its ballots were turned into an answer: `vote 1`, `majority of 3`, `unanimous of 3`.
        score: The task that scores it.
    """

    reader: str
    decision: str
    score: Task


def axis_labels(choices: Sequence[Choice]) -> tuple[str, ...]:
    """Name the picks of an axis by what tells them apart.

    Args:
        choices: The axis.

    Returns:
        One label a pick: the component's name, followed by the parameters that differ between the picks of that
        name. A word stands for itself, as in `dense(lsa,cosine)`; of numbers it is said what they are where there
        are several, as in `words(64)` and `words(size=64,overlap=8)`. Of several, null is left out where the labels
        still differ. The parameters of a component inside count only where that is the same component.
    """
    namesakes = [[other for other in choices if other.name == choice.name] for choice in choices]
    short = tuple(_label(choice, others, nulls=False) for choice, others in zip(choices, namesakes, strict=True))
    if len(set(short)) == len(short):
        return short
    return tuple(_label(choice, others, nulls=True) for choice, others in zip(choices, namesakes, strict=True))


def _label(choice: Choice, namesakes: Sequence[Choice], *, nulls: bool) -> str:
    flat = _flat(choice)
    others = [_flat(other) for other in namesakes]
    differing = {}
    for key, value in flat.items():
        inside = [key.rpartition(".")[0]] if "." in key else []
        alike = [other for other in others if all(other.get(outer) == flat.get(outer) for outer in inside)]
        if any(other.get(key) != value for other in alike):
            differing[key] = value
    alone = len(differing) == 1
    if not alone and not nulls:
        differing = {key: value for key, value in differing.items() if value is not None}
    if alone or all(isinstance(value, str) for value in differing.values()):
        inner = ",".join(map(str, differing.values()))
    else:
        shown = {key: value if isinstance(value, str) else f"{key}={value}" for key, value in differing.items()}
        inner = ",".join(shown.values())
    return f"{choice.name}({inner})" if inner else choice.name


def flat_parameters(prefix: str, choice: Choice | None) -> dict[str, Any]:
    """Write a pick as columns of a table.

    Args:
        prefix: The axis.
        choice: The pick; None where the cell has none.

    Returns:
        The component's name under the axis, each scalar parameter under `axis.parameter`; a component among
        the parameters likewise, as in `retriever.embedder.dim`, and of a list of them each by its number, as in
        `retriever.retrievers.2.distance`.
    """
    if choice is None:
        return {}
    return {prefix: choice.name} | {f"{prefix}.{key}": value for key, value in _flat(choice).items()}


def _flat(choice: Choice) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in choice.parameters.items():
        if isinstance(value, Choice):
            flat[key] = value.name
            flat.update({f"{key}.{inner}": item for inner, item in _flat(value).items()})
        elif isinstance(value, tuple):
            flat[key] = "+".join(item.name for item in value)
            for number, item in enumerate(value, start=1):
                flat.update({f"{key}.{number}.{inner}": one for inner, one in _flat(item).items()})
        elif isinstance(value, Mapping) and isinstance(value.get("type"), str):
            # What the haystack escape makes: the class' own name says most.
            flat[key] = value["type"].rpartition(".")[2]
            flat.update({f"{key}.{inner}": str(item) for inner, item in value.items() if inner != "type"})
        elif isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str)):
            flat[key] = str(value)
        else:
            flat[key] = value
    return flat
