"""Decisions in a file: a sheet (CSV, XLSX) or Label Studio's tasks, written for a person and read back.

Whatever is wrong in any of the files is said at once, and then nothing is saved.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ragtally.api import DataError, Location, RagtallyError, raise_all
from ragtally.curation.decisions import Decision
from ragtally.curation.entry import Entry, decide, decision_of, text_fields
from ragtally.curation.label_studio import read_tasks, tasks_and_config
from ragtally.curation.review import Review
from ragtally.store.files import write_bytes
from ragtally.support.sheets import column_letters, plain_cell, read_sheets, write_sheet

_DECISION_COLUMNS = {"example": 18, "decision": 10, "reason": 24, "person": 12}
_ABOUT_COLUMNS = {"doubt": 9, "status": 12, "kind": 12, "generator": 12, "document": 16, "location": 12}
_LAST_COLUMNS = {"passage": 60, "digest": 18}
_TEXT_WIDTH = 48
_DISPUTES_SHOWN = 10


def write(path: Path, review: Review, person: str) -> int:
    """Write the study's examples for a person, doubtful ones first; returns how many there are."""
    rows = [_cells(review, row["example"], person) for row in review.rows]
    if path.suffix.lower() == ".json":
        tasks, config = tasks_and_config(rows, review.labels)
        write_bytes(path, tasks)
        write_bytes(path.with_suffix(".xml"), config)
        return len(rows)
    texts = {name: _TEXT_WIDTH for row in rows for name in row["texts"]}
    widths = _DECISION_COLUMNS | _ABOUT_COLUMNS | texts | _LAST_COLUMNS
    cells = [[{**row["about"], **row["texts"]}.get(name, "") for name in widths] for row in rows]
    write_bytes(path, write_sheet(path, list(widths), cells, list(widths.values())))
    return len(rows)


def _cells(review: Review, example: str, person: str) -> dict[str, dict[str, str]]:
    row, text = review.row(example) or {}, review.text(example)
    verdict, passage = review.verdicts().by_example.get(example), review.passage_of(example)
    own = decision_of(verdict, person)
    about = {name: str(row[name] or "") for name in _ABOUT_COLUMNS}
    return {
        "about": {
            "example": example,
            # What the person decided before; read back repeats, it is not saved again.
            "decision": own.choice if own else "",
            "reason": (own.reason or "") if own else "",
            "person": person,
            **about,
            "passage": "" if passage is None else passage.text,
            "digest": text.digest,
        },
        "texts": text_fields(text),
    }


def read_into_log(paths: Sequence[Path], review: Review, person: str | None) -> list[str]:
    """Append what files say to the log, or raise everything that is wrong in them; returns what to tell the user."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    errors: list[RagtallyError] = []
    first: dict[tuple[str, str], tuple[Entry, Decision]] = {}
    new: list[Decision] = []
    repeats = empty = 0
    for path in paths:
        try:
            entries = list(read_tasks(path) if path.suffix.lower() == ".json" else _read_sheet(path))
        except RagtallyError as error:
            errors.append(error)
            continue
        for entry in entries:
            try:
                decision = decide(entry, review, person or getpass.getuser(), now)
                if decision is None:
                    empty += 1
                    continue
                earlier = first.setdefault((decision.example, decision.person), (entry, decision))
                if earlier[0] is not entry:
                    _require_same(entry, decision, *earlier)
                    continue
                if _is_known(decision, review):
                    repeats += 1
                else:
                    new.append(decision)
            except RagtallyError as error:
                errors.append(error)
    raise_all(errors)
    review.append(new)
    others = f"{repeats} known already, {empty} rows without a decision"
    return [f"{len(new)} decisions read into {review.log.path}; {others}", *_disputes(review)]


def _require_same(entry: Entry, decision: Decision, other: Entry, earlier: Decision) -> None:
    if other.location.file == entry.location.file:
        hint = "leave one of the two rows in"
        raise entry.error("example", f"{decision.example} was decided in line {other.location.line} already", hint)
    if (decision.choice, decision.text) != (earlier.choice, earlier.text):
        message = f"{decision.person} decides {decision.choice} here, and {earlier.choice} in {other.location}"
        hint = "say in the column person who decided: two people may disagree, which counts as unsure"
        raise entry.error("decision", message, hint)


def _is_known(decision: Decision, review: Review) -> bool:
    own = decision_of(review.verdicts().by_example.get(decision.example), decision.person)
    return own is not None and (own.choice, own.text, own.reason) == (decision.choice, decision.text, decision.reason)


def _disputes(review: Review) -> Iterator[str]:
    disputes = {example: verdict for example, verdict in review.verdicts().by_example.items() if verdict.is_disputed}
    if disputes:
        yield f"{len(disputes)} examples on which people disagree count as unsure:"
    for example, verdict in list(disputes.items())[:_DISPUTES_SHOWN]:
        yield f"  {example}: {', '.join(f'{one.person} {one.choice}' for one in verdict.decisions)}"
    if len(disputes) > _DISPUTES_SHOWN:
        yield f"  and {len(disputes) - _DISPUTES_SHOWN} more: the page shows them under `disputed`"


def _read_sheet(path: Path) -> Iterator[Entry]:
    sheet = next((one for one in read_sheets(path) if one.visible and one.rows), None)
    header = [cell.strip().lower() for cell in sheet.rows[0].cells] if sheet else []
    missing = [name for name in ("example", "decision", "digest") if name not in header]
    if sheet is None or missing:
        message = f"the first row does not name the columns {', '.join(missing)}"
        hint = "keep the columns of the sheet that --sheet wrote"
        raise DataError(message, location=Location(str(path), 1), hint=hint)
    texts = [name for name in header if name and name not in _DECISION_COLUMNS | _ABOUT_COLUMNS | _LAST_COLUMNS]
    for row in sheet.rows[1:]:
        cells = {name: f"{column_letters(column)}{row.number}" for column, name in enumerate(header, start=1)}
        values = dict.fromkeys(header, "") | dict(zip(header, map(plain_cell, row.cells), strict=False))
        entry = Entry(
            Location(str(path), row.number),
            values["example"].strip(),
            values["decision"],
            values["digest"].strip(),
            {name: values[name] for name in texts},
            values.get("reason", ""),
            values.get("person", ""),
            cells=cells,
        )
        for column, name in enumerate(header, start=1):
            if (row.number, column) in sheet.faults:
                raise entry.error(name, sheet.faults[row.number, column], "write the text itself into the cell")
        yield entry
