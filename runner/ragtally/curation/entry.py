"""What a file says of one example, and the decision that it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ragtally.api import DataError, Location, did_you_mean
from ragtally.curation.decisions import Decision, ExampleText, ExpertVerdict, parse_choice
from ragtally.curation.review import Review
from ragtally.examples.example import Turn

_WRITE_AGAIN = "write a new sheet with --sheet, and copy the decisions over"


@dataclass(frozen=True)
class Entry:
    """What a file says of one example."""

    location: Location
    example: str
    word: str  # The decision as it is written
    digest: str
    texts: Mapping[str, str]  # By field (see `text_fields`); those that the file has
    reason: str = ""
    person: str = ""
    at: str = ""
    seconds: float | None = None
    cells: Mapping[str, str] = field(default_factory=dict)  # Where each column is, in words, for errors

    def error(self, column: str, message: str, hint: str) -> DataError:
        """What is wrong, with the cell."""
        cell = self.cells.get(column, column)
        return DataError(f"{cell}: {message}", location=self.location, hint=hint)


def text_fields(text: ExampleText) -> dict[str, str]:
    """A text by field: the role of each turn, numbered from the second on, then input and label."""
    fields: dict[str, str] = {}
    counts: dict[str, int] = {}
    for turn in text.turns:
        counts[turn.role] = counts.get(turn.role, 0) + 1
        fields[turn.role if counts[turn.role] == 1 else f"{turn.role} {counts[turn.role]}"] = turn.text
    return fields | {
        name: value for name, value in (("input", text.input), ("label", text.label)) if value is not None
    }


def decide(entry: Entry, review: Review, person: str, now: str) -> Decision | None:
    if review.row(entry.example) is None:
        message = f"the study has no example {entry.example!r}: it is another study's, or its text has changed"
        raise entry.error("example", message, _WRITE_AGAIN)
    if not review.accepts_digest(entry.example, entry.digest):
        raise entry.error("digest", f"{entry.digest!r} is of no text that {entry.example} has", _WRITE_AGAIN)
    current = review.text(entry.example)
    changes = _changes(entry, current)
    if not entry.word.strip():
        if changes and entry.digest == current.digest:
            column = next(iter(changes))
            raise entry.error(column, "the text is changed, but nothing is decided", "write edit under decision")
        return None
    try:
        choice = parse_choice(entry.word)
    except ValueError as error:
        hint = "write accept, edit, reject, unsure or withdraw, or nothing"
        raise entry.error("decision", str(error), hint) from error
    if choice == "edit" and not changes:
        return _known_edit(entry, review, person, current)
    if choice == "edit" and entry.digest != current.digest:
        raise entry.error("digest", "the example was edited since the sheet was written", _WRITE_AGAIN)
    if choice == "accept" and changes and entry.digest == current.digest:
        column = next(iter(changes))
        raise entry.error(column, "the text is changed, but the decision is accept", "write edit under decision")
    return Decision(
        example=entry.example,
        choice=choice,
        person=" ".join((entry.person or person).split()),
        at=entry.at or now,
        digest=entry.digest,
        text=_edited_text(entry, current, changes, review) if choice == "edit" else None,
        reason=" ".join(entry.reason.split()) or None,
        seconds=entry.seconds,
        way="sheet",
    )


def _known_edit(entry: Entry, review: Review, person: str, current: ExampleText) -> Decision:
    """The edit that the person made before, which the sheet was written with."""
    own = decision_of(review.verdicts().by_example.get(entry.example), " ".join((entry.person or person).split()))
    if own is None or own.text != current:
        raise entry.error("decision", "this is an edit, but no text is changed", "change the text, or write accept")
    return own


def _changes(entry: Entry, current: ExampleText) -> dict[str, str]:
    fields = text_fields(current)
    own = {name: _normal(words) for name, words in entry.texts.items()}
    return {name: words for name, words in own.items() if words != _normal(fields.get(name, ""))}


def _edited_text(entry: Entry, current: ExampleText, changes: Mapping[str, str], review: Review) -> ExampleText:
    fields = text_fields(current)
    for name, words in changes.items():
        if name not in fields and name != "input":
            hint = f"leave it empty: the example has {', '.join(fields)}"
            raise entry.error(name, f"the example has no {name}", hint)
        if not words and name != "input":
            raise entry.error(name, "an edit leaves no text empty", "write the text, or reject the example")
    names = list(fields)[: len(current.turns)]
    label = changes.get("label", current.label)
    if label is not None and label != current.label and label not in review.labels:
        raise entry.error("label", f"{label!r} is no label of the study", did_you_mean(label, review.labels))
    turns = (Turn(turn.role, changes.get(name, turn.text)) for name, turn in zip(names, current.turns, strict=True))
    return ExampleText(tuple(turns), changes.get("input", current.input) or None, label)


def _normal(text: str) -> str:
    """A text as a spreadsheet may leave it: other line ends, white space at either end."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def decision_of(verdict: ExpertVerdict | None, person: str) -> Decision | None:
    return next((one for one in (verdict.decisions if verdict else ()) if one.person == person), None)
