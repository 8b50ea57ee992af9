"""What people decided about examples: a log that only grows, and the verdict that their decisions come to.

A CSV file of one line per decision, so that it can be read, compared and versioned. Each decision is on disk
before it is acknowledged; several processes may append at once.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from ragtally.api import DataError, Location, RagtallyError, canonical_json, did_you_mean, raise_all
from ragtally.examples.example import Example, Turn
from ragtally.store.files import sync_folder, unwritable
from ragtally.store.locks import one_at_a_time
from ragtally.support.sheets import plain_cell, safe_cell

Choice = Literal["accept", "edit", "reject", "unsure", "withdraw"]
"""What a person decides; `withdraw` takes back what the same person decided before, so that undoing loses no line."""
CHOICES: tuple[Choice, ...] = get_args(Choice)
Outcome = Literal["accepted", "rejected", "unsure"]
Way = Literal["page", "bulk", "sheet"]
"""How it was decided: one by one on the page, many at once there, or in a file."""
WAYS: tuple[Way, ...] = get_args(Way)

COLUMNS = ("example", "decision", "turns", "input", "label", "reason", "person", "at", "seconds", "way", "digest")
_LOCK_SECONDS = 30.0
_DIGEST_DIGITS = 16


class ExampleText(NamedTuple):
    """What a person may change of an example."""

    turns: tuple[Turn, ...]
    input: str | None = None
    label: str | None = None

    @property
    def digest(self) -> str:
        """What tells this text from another one of the same example."""
        return _text_digest(self)


@functools.lru_cache(1 << 16)
def _text_digest(text: ExampleText) -> str:
    content = canonical_json([text.turns, text.input, text.label])
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_DIGITS]


def text_of(example: Example) -> ExampleText:
    """The text of an example as it was generated."""
    return ExampleText(example.turns, example.input, example.label)


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided about one example."""

    example: str
    choice: Choice
    person: str
    at: str  # When, in UTC: 2026-11-28T19:00:00.000Z
    digest: str  # Of the text that the person was shown: the example's own, or an edit of somebody's
    text: ExampleText | None = None  # What an edit makes of the example
    reason: str | None = None
    seconds: float | None = None  # How long it took; None where nobody measured
    way: Way = "page"

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two lines the same decision, one that was sent twice."""
        return self.example, self.person, self.at


@dataclass(frozen=True, slots=True)
class ExpertVerdict:
    """What the decisions of all people about one example come to."""

    decisions: tuple[Decision, ...]  # The last one of each person, by person
    outcome: Outcome  # What they agree on; unsure where they do not
    text: ExampleText | None = None  # What is accepted where that is an edit; None where the example stays as it is
    is_disputed: bool = False  # Whether people disagree: about its fate, or about the words of an edit


@dataclass(frozen=True, slots=True)
class ExpertVerdicts:
    """The verdicts on a study's examples, and the decisions that say nothing about them."""

    by_example: Mapping[str, ExpertVerdict]
    outdated: tuple[Decision, ...]  # About a text that the example does not have
    foreign: tuple[Decision, ...]  # About examples that the study does not have


def expert_verdicts(decisions: Iterable[Decision], originals: Mapping[str, ExampleText]) -> ExpertVerdicts:
    """What decisions come to for examples with some texts; of each person the last one counts."""
    last: dict[tuple[str, str], Decision] = {}
    # Who accepts what another one edited accepts the edit, since that is what was on the screen.
    edits: dict[tuple[str, str], ExampleText] = {}
    for decision in decisions:
        last[decision.example, decision.person] = decision
        if decision.text is not None:
            edits[decision.example, decision.text.digest] = decision.text
    foreign, outdated = [], []
    by_example: dict[str, list[Decision]] = {}
    for decision in last.values():
        original = originals.get(decision.example)
        if decision.choice == "withdraw":
            continue
        if original is None:
            foreign.append(decision)
        elif decision.digest != original.digest and (decision.example, decision.digest) not in edits:
            outdated.append(decision)
        else:
            by_example.setdefault(decision.example, []).append(decision)
    verdicts = {
        example: _verdict(sorted(own, key=lambda one: one.person), originals[example], edits)
        for example, own in by_example.items()
    }
    return ExpertVerdicts(verdicts, tuple(outdated), tuple(foreign))


def _verdict(
    decisions: Sequence[Decision], original: ExampleText, edits: Mapping[tuple[str, str], ExampleText]
) -> ExpertVerdict:
    opinions: set[tuple[Outcome, ExampleText | None]] = set()
    for decision in decisions:
        if decision.choice == "reject":
            opinions.add(("rejected", None))
        elif decision.choice == "unsure":
            opinions.add(("unsure", None))
        else:
            words = decision.text or edits.get((decision.example, decision.digest), original)
            opinions.add(("accepted", None if words == original else words))
    if len(opinions) > 1:
        return ExpertVerdict(tuple(decisions), "unsure", is_disputed=True)
    ((outcome, text),) = opinions
    return ExpertVerdict(tuple(decisions), outcome, text)


def decisions_per_hour(decisions: Sequence[Decision]) -> float | None:
    """How many decisions people make in an hour of work; None where no time was measured."""
    seconds = [one.seconds for one in decisions if one.seconds is not None and one.choice != "withdraw"]
    return 3600 * len(seconds) / sum(seconds) if sum(seconds) > 0 else None


class DecisionLog:
    """The file that decisions are appended to; there need not be one yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def version(self) -> tuple[int, int]:
        """What changes whenever a decision is appended."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return 0, 0
        return status.st_mtime_ns, status.st_size

    def append(self, decisions: Sequence[Decision]) -> None:
        """Append decisions; they are on disk when this returns."""
        if not decisions:
            return
        is_new = not self.path.exists()
        # The lock ends with its process, however that ends; nothing else writes the file.
        with one_at_a_time(self.path, _LOCK_SECONDS):
            try:
                with self.path.open("r+b") as file:
                    content = file.read()
                    end, separator = len(content), ""
                    if not content:
                        separator = _row(COLUMNS)
                    elif not content.endswith(b"\n"):
                        # Somebody's editor left the line feed out, or a process was killed in the middle of a line,
                        # which was never acknowledged.
                        whole, tail = self._split(content)
                        if _is_whole(tail):
                            separator = "\n"
                        else:
                            end = len(whole)
                    next(self._rows(content[:end]), None)  # Another file is left alone
                    file.seek(end)
                    file.truncate()
                    file.write((separator + "".join(_row(decision_cells(one)) for one in decisions)).encode())
                    file.flush()
                    os.fsync(file.fileno())
                if is_new:
                    self.path.chmod(0o644)
                    sync_folder(self.path.parent)
            except OSError as error:
                raise unwritable(self.path, error) from error

    def read(self) -> list[Decision]:
        """Read all decisions in their order, or raise all errors at once."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            message = f"the log of decisions cannot be read: {error.strerror or error}"
            hint = "look at its path and permissions"
            raise DataError(message, location=Location(str(self.path)), hint=hint) from error
        whole, tail = self._split(content)
        decisions: list[Decision] = []
        errors: list[RagtallyError] = []
        for line, cells in self._rows(content if _is_whole(tail) else whole):
            try:
                decisions.append(decision_of_cells(cells))
            except ValueError as error:
                hint = "repair or remove the line; ragtally itself only ever appends whole ones"
                errors.append(DataError(str(error), location=Location(str(self.path), line), hint=hint))
        raise_all(errors)
        return decisions

    def _split(self, content: bytes) -> tuple[bytes, bytes]:
        end = content.rfind(b"\n") + 1
        if not end and not _row(COLUMNS).encode().startswith(content):
            raise self._foreign(1)
        return content[:end], content[end:]

    def _rows(self, content: bytes) -> Iterator[tuple[int, list[str]]]:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self._foreign(1 + content[: error.start].count(b"\n")) from error
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            header = next(reader, list(COLUMNS))
            if tuple(header) != COLUMNS:
                raise self._foreign(1)
            yield from ((reader.line_num, list(map(plain_cell, cells))) for cells in reader if any(cells))
        except csv.Error as error:
            raise self._foreign(reader.line_num) from error

    def _foreign(self, line: int) -> DataError:
        return DataError(
            f"this is no log of decisions: UTF-8, separated by commas, beginning with {','.join(COLUMNS)}",
            location=Location(str(self.path), line),
            hint="name another file under `curate`, or restore the one that ragtally wrote",
        )


def _is_whole(line: bytes) -> bool:
    try:
        (cells,) = csv.reader([line.decode()], strict=True)
        decision_of_cells(cells)
    except (ValueError, csv.Error):
        return False
    return True


def decision_cells(decision: Decision) -> list[str]:
    """A decision as texts, in the order of `COLUMNS`."""
    text = decision.text
    return [
        decision.example,
        decision.choice,
        "" if text is None else json.dumps([[turn.role, turn.text] for turn in text.turns], ensure_ascii=False),
        "" if text is None else json.dumps(text.input, ensure_ascii=False),
        "" if text is None else json.dumps(text.label, ensure_ascii=False),
        # One line each, so that a torn one is recognized by its missing line feed.
        " ".join((decision.reason or "").split()),
        " ".join(decision.person.split()),
        decision.at,
        "" if decision.seconds is None else f"{decision.seconds:.1f}",
        decision.way,
        decision.digest,
    ]


def _row(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(map(safe_cell, cells))
    return buffer.getvalue()


def decision_of_cells(cells: Sequence[str]) -> Decision:
    """Read a decision from texts in the order of `COLUMNS`, or raise a ValueError."""
    if len(cells) != len(COLUMNS):
        raise ValueError(f"a line of {len(cells)} cells instead of {len(COLUMNS)}")
    values = dict(zip(COLUMNS, cells, strict=True))
    return Decision(
        example=_required(values, "example"),
        choice=parse_choice(values["decision"]),
        person=_required(values, "person"),
        at=_time(values["at"]),
        digest=_digest(values["digest"]),
        text=_text(values) if values["decision"] == "edit" else None,
        reason=values["reason"] or None,
        seconds=parse_seconds(values["seconds"]),
        way=_way(values["way"]),
    )


def parse_choice(word: str) -> Choice:
    """Read a decision as a person writes it."""
    for choice in CHOICES:
        if word.strip().lower() == choice:
            return choice
    raise ValueError(f"{word!r} is no decision: {did_you_mean(word, CHOICES)}")


def parse_seconds(cell: str) -> float | None:
    """Read a duration."""
    if not cell.strip():
        return None
    try:
        seconds = float(cell)
    except ValueError as error:
        raise ValueError(f"{cell!r} is no number of seconds") from error
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{cell!r} is no number of seconds")
    return seconds


def _digest(word: str) -> str:
    # Its length also tells a whole line from one that was cut off.
    if re.fullmatch(f"[0-9a-f]{{{_DIGEST_DIGITS}}}", word) is None:
        raise ValueError(f"{word!r} is no digest of a text")
    return word


def _way(word: str) -> Way:
    for way in WAYS:
        if word == way:
            return way
    raise ValueError(f"{word!r} is no way to decide: {did_you_mean(word, WAYS)}")


def _required(values: Mapping[str, str], column: str) -> str:
    if not values[column].strip():
        raise ValueError(f"the column {column} is empty")
    return values[column]


def _time(cell: str) -> str:
    try:
        datetime.fromisoformat(cell)
    except ValueError as error:
        raise ValueError(f"{cell!r} is no time as in 2026-11-28T19:00:00Z") from error
    return cell


def _text(values: Mapping[str, str]) -> ExampleText:
    try:
        turns, about, label = (json.loads(values[name]) for name in ("turns", "input", "label"))
        return ExampleText(tuple(Turn(str(role), str(words)) for role, words in turns), about, label)
    except (ValueError, TypeError) as error:
        raise ValueError(f"an edit without a text that can be read: {error}") from error
