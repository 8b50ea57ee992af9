"""Cells: what is compared, and what each is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ragtally.api import Choice
from ragtally.registry import Registry
from ragtally.spec.study import Grid
from ragtally.steps import SCORE, Task, TaskFactory

# Chunks are no shorter than so many words on average.
_FEWEST_WORDS = 8


class ContextSize(NamedTuple):
    """How much of a ranking reaches the reader: a number of chunks, or of words."""

    top_k: int | None  # How many chunks; None where words are counted
    context_words: int | None  # How many words; None where chunks are counted

    def __str__(self) -> str:
        return f"top {self.top_k}" if self.context_words is None else f"{self.context_words} words"

    @property
    def hits(self) -> int:
        """How many hits it takes; for words, enough for chunks as short as `_FEWEST_WORDS` on average."""
        return -(-(self.context_words or 0) // _FEWEST_WORDS) if self.top_k is None else self.top_k


def context_sizes(grid: Grid) -> tuple[ContextSize, ...]:
    """List how much may reach a reader."""
    chunks = [ContextSize(top_k, None) for top_k in grid.top_k]
    return (*chunks, *(ContextSize(None, words) for words in grid.context_words))


@dataclass(frozen=True)
class Picks:
    """What a cell is made of."""

    # `grid` (retrieved context), `control` (closed book, gold or wrong context), `fixed` (a reader that answers
    # whatever the passages) or `retrieval` (no reader).
    kind: str
    condition: str | None = None  # Under which condition the reader answers; None for retrieval alone
    chunker: Choice | None = None  # The chunker, where something is retrieved
    retriever: Choice | None = None  # The retriever, likewise
    top_k: int | None = None  # How many chunks reach the reader; None where words are counted
    reader: str | None = None  # The reader's name in the spec
    votes: int | None = None
    rule: Choice | None = None
    # How many words of the ranked chunks reach the reader; None where chunks are counted.
    context_words: int | None = None
    build: int | None = None  # Which of several builds of the retriever's index; None where there is one
    parser: Choice | None = None  # What reads the files that are searched; None where parsers are not compared

    @property
    def is_ranking(self) -> bool:
        """Whether this is a whole ranking, and not what of it would reach a reader."""
        return self.kind == "retrieval" and self.top_k is None and self.context_words is None


@dataclass(frozen=True)
class Cell:
    """One set-up that is measured."""

    name: str  # What it is called everywhere: the labels of its picks, joined by `/`
    picks: Picks  # What it is made of
    question_sets: tuple[str, ...]  # On which questions it is scored: `all` (of the sample), `base`
    score: Task
    verdicts: Task | None = None  # The task that decides the votes; None for retrieval alone
    distinct_votes: int | None = None  # How many of its votes can differ; None for retrieval alone
    ranking: str | None = None  # The name of the ranking behind it; None where nothing is retrieved
    setup: str | None = None  # What cells of other builds share: the name without the build; None where there is one
    variation: str = ""  # Why its index, built again, finds something else; empty where it repeats
    # What an exact search finds in place of an approximate one, compared with the evidence: its ranking, and what of
    # that would stand before the reader; None where the search is exact, or nobody reads.
    exact: Task | None = None
    exact_context: Task | None = None
    unscored: str = ""  # Why it is not asked; empty where it is

    @property
    def goals(self) -> tuple[Task, ...]:
        """The tasks that it is made of; what they read comes with them."""
        return tuple(task for task in (self.score, self.exact, self.exact_context) if task is not None)

    @property
    def repeats_one_vote(self) -> bool:
        """Whether its several votes are one, since its reader always answers the same."""
        return self.distinct_votes is not None and self.distinct_votes < (self.picks.votes or 0)

    @property
    def note(self) -> str | None:
        """What a reader of its plan must know."""
        notes = (
            "same as votes = 1" if self.repeats_one_vote else None,
            "of one build" if self.variation else None,
            f"not scored: {self.unscored}" if self.unscored else None,
        )
        return "; ".join(filter(None, notes)) or None


def unscored_cell(cell: Cell, reason: str, factory: TaskFactory) -> Cell:
    """A cell that is not asked, so that each of its scores is a reason."""
    score = factory.task(
        SCORE,
        choices=cell.score.choices,
        settings={**cell.score.settings, "not_scored": dict.fromkeys(cell.question_sets, reason)},
        inputs={role: cell.score.inputs.get(role) for role in ("sample", "base")},
        label=cell.name,
    )
    return replace(cell, score=score, verdicts=None, unscored=reason)


@dataclass(frozen=True)
class Voter:
    """One row of the table that compares the voters."""

    reader: str  # The voter's name in the spec
    decision: str  # How its ballots were turned into an answer: `vote 1`, `majority of 3`, `unanimous of 3`
    score: Task


def labelled_choices(axis: Sequence[Choice], registry: Registry) -> list[tuple[Choice, str]]:
    """The choices of an axis, each with its name in cells' names."""
    labels = axis_labels([registry.relevant_parameters(choice, identity=True) for choice in axis])
    # What is no part of a choice must tell apart those that nothing else does.
    if len(set(labels)) < len(labels):
        labels = axis_labels(axis)
    return list(zip(axis, labels, strict=True))


def axis_labels(choices: Sequence[Choice]) -> tuple[str, ...]:
    """Name the picks of an axis by what tells them apart."""
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
        # What another one does not have at all does not tell it apart: what it has instead does.
        if any(other.get(key, value) != value for other in alike):
            differing[key] = value
    alone = len(differing) == 1
    if not alone and not nulls:
        differing = {key: value for key, value in differing.items() if value is not None}
    if alone or all(isinstance(value, str) for value in differing.values()):
        inner = ",".join(map(str, differing.values()))
    else:
        texts = {key: value if isinstance(value, str) else f"{key}={value}" for key, value in differing.items()}
        inner = ",".join(texts.values())
    return f"{choice.name}({inner})" if inner else choice.name


def flat_parameters(prefix: str, choice: Choice | None) -> dict[str, Any]:
    """Write a pick as columns of a table."""
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
