"""An example for training, what validators say of it, and what becomes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import polars as pl

from ragtally.api import canonical_json
from ragtally.examples.wording import Kind
from ragtally.support.training_forms import Turn as Turn

_ID_DIGITS = 16
# The origin of examples that were taken from chats and tickets, whose passages hold their answers.
CHAT = "chat"


class Outcome(StrEnum):
    """What became of an example; exactly one of these."""

    ACCEPTED = "accepted_by_validators"  # Passed every criterion, and repeats nothing
    NOT_VALIDATED = "not_validated"  # Repeats nothing, and nobody graded it
    REJECTED = "rejected"  # Failed a criterion
    UNDECIDED = "undecided"  # A criterion has no verdict: a tie, unreadable votes, failed calls
    DUPLICATE = "duplicate"  # Repeats another example
    LEAKS_TEST_QUESTION = "leaks_test_question"  # Repeats a question that models are tested with

    @property
    def is_usable(self) -> bool:
        """Whether it may be trained on unless a person objects."""
        return self in (Outcome.ACCEPTED, Outcome.NOT_VALIDATED)


class Source(NamedTuple):
    """Where in the documents an example comes from; all None where there is no document."""

    document: str | None = None  # The document's id
    start: int | None = None  # The first character of the passage in the document's text
    end: int | None = None  # Just past its last character
    location: str | None = None  # In people's words, as in `page 3`; None where the document has no named parts


NO_SOURCE = Source()


@dataclass(frozen=True, slots=True)
class Example:
    """One example."""

    kind: Kind
    turns: tuple[Turn, ...]  # What is asked and answered; the last turn is the assistant's
    input: str | None = None  # What an instruction is about
    label: str | None = None  # Of the kind label; the assistant's turn says the same
    source: Source = NO_SOURCE

    @property
    def id(self) -> str:
        """The same text from the same place has the same identifier, whoever wrote it."""
        source = [self.source.document, self.source.start, self.source.end]
        content = canonical_json([self.kind, self.turns, self.input, self.label, source])
        return hashlib.blake2b(content.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_DIGITS]

    @property
    def prompt_text(self) -> str:
        """What a model trained on it is asked: its user's turns, and the input."""
        # Prompts are what is compared: two examples with one prompt and different answers teach a contradiction.
        texts = [turn.text for turn in self.turns if turn.role == "user"]
        return "\n".join([*texts, *([self.input] if self.input else [])])

    @property
    def text(self) -> str:
        """All of its words."""
        return "\n".join([*(turn.text for turn in self.turns), *([self.input] if self.input else [])])


_TURNS = pl.List(pl.Struct({"role": pl.String, "text": pl.String}))
# The columns of `examples.parquet` in the entries of all steps. There a generator is its number in the spec's list,
# since names given in a spec are no part of what an entry is; result files hold the name.
EXAMPLES: Mapping[str, Any] = {
    "example": pl.String(),
    "kind": pl.String(),
    "turns": _TURNS,
    "input": pl.String(),
    "label": pl.String(),
    "document": pl.String(),
    "start": pl.Int32(),
    "end": pl.Int32(),
    "location": pl.String(),
    "generator": pl.Int16(),  # None where a person or a chat wrote it
    "origin": pl.String(),  # generate, repair, evolve:WAY, seed or chat
    "parent": pl.String(),  # The example that it is a version of
    "round": pl.Int16(),  # Of repairing or evolving; 0 for what came first
}
# What a model is asked to write, a row per prompt: so many examples of a kind, from one place, in one language.
REQUESTS: Mapping[str, Any] = {
    **{
        name: EXAMPLES[name] for name in ("kind", "document", "start", "end", "location", "origin", "parent", "round")
    },
    "count": pl.Int32(),
    "language": pl.String(),  # None for any
}
# What the votes of the validators come to, a row per example.
VERDICTS: Mapping[str, Any] = {
    "example": pl.String(),
    "status": pl.String(),  # accepted_by_validators, rejected or undecided
    "failed": pl.List(pl.String()),  # The criteria that it failed
    "undecided": pl.List(pl.String()),  # The criteria without a verdict
    "reasons": pl.List(pl.String()),
}
# What the step deduplicate adds.
OUTCOMES: Mapping[str, Any] = {
    **EXAMPLES,
    "status": pl.String(),  # One of `Outcome`
    "reasons": pl.List(pl.String),  # Why it is not accepted, as `CRITERION: what the validators said`
    "duplicate_of": pl.String(),  # The example that it repeats, or the test question
}
# The columns of `example_ballots.parquet`; a validator is its number in the spec's list, as a generator is.
BALLOTS: Mapping[str, Any] = {
    "example": pl.String(),
    "validator": pl.Int16(),
    "criterion": pl.String(),
    "vote": pl.Int16(),
    "passed": pl.Boolean(),  # None where the reply could not be read or the call failed
    "error": pl.String(),  # Why; None where `passed` is known
    "reason": pl.String(),
}


def row_of(
    example: Example, *, generator: int | None, origin: str, parent: str | None = None, round: int = 0
) -> dict[str, Any]:
    """Write an example as a row of `EXAMPLES`."""
    return {
        "example": example.id,
        "kind": str(example.kind),
        "turns": [turn._asdict() for turn in example.turns],
        "input": example.input,
        "label": example.label,
        **example.source._asdict(),
        "generator": generator,
        "origin": origin,
        "parent": parent,
        "round": round,
    }


def example_of(row: Mapping[str, Any]) -> Example:
    """Read an example from a row of `EXAMPLES`."""
    return Example(
        kind=Kind(row["kind"]),
        turns=tuple(Turn(**turn) for turn in row["turns"]),
        input=row["input"],
        label=row["label"],
        source=Source(row["document"], row["start"], row["end"], row["location"]),
    )


def with_names(table: pl.DataFrame, column: str, names: Sequence[str]) -> pl.DataFrame:
    """Put names in the place of the numbers in a column `generator` or `validator`."""
    if not names:
        return table.with_columns(pl.lit(None, pl.String).alias(column))
    numbers = pl.col(column)
    return table.with_columns(numbers.replace_strict(dict(enumerate(names)), default=None, return_dtype=pl.String))
