"""A study's examples as a person looks at them: in order of doubt, with ballots, passage and earlier decisions."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import DataError, Location
from ragtally.curation.decisions import (
    Decision,
    DecisionLog,
    ExampleText,
    ExpertVerdicts,
    decisions_per_hour,
    expert_verdicts,
    text_of,
)
from ragtally.curation.doubt import review_order, with_doubts
from ragtally.examples.example import BALLOTS, Outcome, example_of
from ragtally.store.files import read_json

# So much of a document is shown before and after the passage.
_AROUND = 600
_SNIPPET = 110
# A person has nothing to decide about these: another example, or a test question, says the same.
_NOT_SHOWN = (Outcome.DUPLICATE, Outcome.LEAKS_TEST_QUESTION)


@dataclass(frozen=True)
class Passage:
    """The text that an example was made from, with what stands around it."""

    before: str
    text: str
    after: str


def log_of(folder: Path) -> Path:
    """The log that a study's decisions go to: the one that its spec names, else the usual place."""
    path = folder / "examples.json"
    path_in_spec = read_json(path).get("curate") if path.is_file() else None
    return Path(path_in_spec or Path("data/raw") / folder.resolve().name / "curation.csv")


class Review:
    """The examples of a study's results, and what was decided about them so far."""

    def __init__(self, folder: Path, log: DecisionLog) -> None:
        self.study = folder.resolve().name
        self.log = log
        table = _table(folder / "examples.parquet").filter(~pl.col("status").is_in([str(one) for one in _NOT_SHOWN]))
        ballots = folder / "example_ballots.parquet"
        self.ballots = _table(ballots) if ballots.is_file() else pl.DataFrame(schema=BALLOTS)
        table = with_doubts(table, self.ballots)
        usable = [Outcome(status).is_usable for status in table["status"]]
        order = review_order(table["example"].to_list(), table["doubt"].to_list(), table["share"].to_list(), usable)
        self.examples = table[order] if order else table
        self.rows: list[dict[str, Any]] = self.examples.to_dicts()
        self.texts: dict[str, ExampleText] = {row["example"]: text_of(example_of(row)) for row in self.rows}
        self._row_of = {row["example"]: row for row in self.rows}
        self._documents_path = folder / "examples" / "documents.parquet"
        self._decisions: list[Decision] = []
        self._version: tuple[int, int] | None = None
        self._verdicts = ExpertVerdicts({}, (), ())
        self._digests: set[tuple[str, str]] = set()

    def row(self, example: str) -> dict[str, Any] | None:
        """An example's row; None where the study has none of that name."""
        return self._row_of.get(example)

    def verdicts(self) -> ExpertVerdicts:
        """What all decisions come to, those of other processes included."""
        version = self.log.version()
        if version != self._version:
            self._decisions, self._version = self.log.read(), version
            self._verdicts = expert_verdicts(self._decisions, self.texts)
            self._digests = {(one.example, one.text.digest) for one in self._decisions if one.text is not None}
        return self._verdicts

    @property
    def decisions(self) -> Sequence[Decision]:
        """All decisions in their order."""
        self.verdicts()
        return self._decisions

    def per_hour(self, person: str) -> float | None:
        """How many decisions a person makes in an hour."""
        return decisions_per_hour([one for one in self.decisions if one.person == person])

    def text(self, example: str) -> ExampleText:
        """The text that is shown of an example: the last edit that stands, else its own."""
        verdict = self.verdicts().by_example.get(example)
        if verdict is None:
            return self.texts[example]
        edits = [one for one in verdict.decisions if one.text is not None]
        last = max(edits, key=lambda one: one.at, default=None)
        return verdict.text or (last.text if last is not None and last.text else self.texts[example])

    def accepts_digest(self, example: str, digest: str) -> bool:
        """Whether a digest is that of a text that the example has, or was given by an edit."""
        self.verdicts()
        return digest == self.texts[example].digest or (example, digest) in self._digests

    def append(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Save decisions, leaving out those that are saved already; they are on disk when this returns."""
        earlier = {one.key for one in self.decisions}
        new = list({one.key: one for one in decisions if one.key not in earlier}.values())
        self.log.append(new)
        return new

    @functools.cached_property
    def lower_texts(self) -> list[str]:
        """The words of every example in lower case, for searching."""
        return ["\n".join(_words(self.texts[row["example"]])).casefold() for row in self.rows]

    @functools.cached_property
    def labels(self) -> list[str]:
        """The labels that examples have."""
        return sorted({row["label"] for row in self.rows if row["label"] is not None})

    def snippet(self, example: str) -> str:
        """The beginning of an example, in one line."""
        return " ".join(" ".join(_words(self.texts[example])).split())[:_SNIPPET]

    def ballots_of(self, example: str) -> list[dict[str, Any]]:
        """An example's ballots, by criterion and validator."""
        own = self.ballots.filter(pl.col("example") == example)
        # What speaks against the example comes first.
        return own.sort("passed", "criterion", "validator", "vote", nulls_last=True).drop("example").to_dicts()

    def passage_of(self, example: str) -> Passage | None:
        """The passage that an example was made from; None where there is no document."""
        row = self._row_of[example]
        text = self._documents.get(row["document"] or "")
        if text is None:
            return None
        start, end = row["start"] or 0, row["end"] or len(text)
        return Passage(text[max(0, start - _AROUND) : start], text[start:end], text[end : end + _AROUND])

    @functools.cached_property
    def _documents(self) -> Mapping[str, str]:
        if not self._documents_path.is_file():
            return {}
        table = _table(self._documents_path)
        return dict(zip(table["id"].to_list(), table["text"].to_list(), strict=True))


def _words(text: ExampleText) -> list[str]:
    return [*(turn.text for turn in text.turns), *(word for word in (text.input, text.label) if word)]


def _table(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, use_statistics=False)
    except FileNotFoundError as error:
        hint = "run a study with the key `examples` first: ragtally run SPEC"
        raise DataError("there are no examples", location=Location(str(path)), hint=hint) from error
    except (OSError, pl.exceptions.PolarsError) as error:
        hint = "run the study again: what is paid for is not paid again"
        raise DataError(f"the file is damaged: {error}", location=Location(str(path)), hint=hint) from error
