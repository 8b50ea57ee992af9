"""A sheet written and read back says the same; whatever is wrong in it is said at once, and nothing is saved."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ragtally.api import RagtallyError
from ragtally.curation.decisions import Decision, ExampleText
from ragtally.curation.review import Review
from ragtally.curation.sheet import read_into_log, write
from ragtally.examples.example import Turn
from ragtally.support.sheets import plain_cell, read_sheets, safe_cell, write_sheet

Rows = list[dict[str, str]]


def load(path: Path) -> Rows:
    header, *rows = read_sheets(path)[0].rows
    return [dict(zip(header.cells, [*row.cells, *[""] * len(header.cells)], strict=False)) for row in rows]


def save(path: Path, rows: Rows) -> None:
    cells = [[plain_cell(cell) for cell in row.values()] for row in rows]
    path.write_bytes(write_sheet(path, list(rows[0]), cells, [10] * len(rows[0])))


def of_kind(rows: Rows, kind: str) -> dict[str, str]:
    return next(row for row in rows[1:] if row["kind"] == kind)


@pytest.fixture(params=["sheet.csv", "sheet.xlsx"])
def sheet(request: pytest.FixtureRequest, review: Review, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    assert write(path, review, "ana") == len(review.rows)
    return path


def test_decisions_come_back(sheet: Path, review: Review) -> None:
    rows = load(sheet)
    assert [row["example"] for row in rows] == [row["example"] for row in review.rows]
    rows[0]["decision"] = "Accept "
    rows[1] |= {"decision": "reject", "reason": "wrong\nindeed"}
    rows[2] |= {"decision": "edit", "assistant": "=Better, with\nlines", "person": "bob"}
    save(sheet, rows)
    (told, *_) = read_into_log([sheet], review, None)
    assert (
        told == f"3 decisions read into {review.log.path}; 0 known already, {len(rows) - 3} rows without a decision"
    )
    first, second, third = review.log.read()
    assert (first.choice, first.person, first.way) == ("accept", "ana", "sheet")
    assert (second.choice, second.reason) == ("reject", "wrong indeed")
    assert third.person == "bob"
    assert third.text is not None
    assert "=Better, with\nlines" in [turn.text for turn in third.text.turns]


def test_what_was_decided_before_is_in_the_sheet_and_not_saved_twice(sheet: Path, review: Review) -> None:
    rows = load(sheet)
    rows[0]["decision"] = "accept"
    rows[1] |= {"decision": "edit", "assistant": "Better."}
    save(sheet, rows)
    read_into_log([sheet], review, None)
    assert read_into_log([sheet], review, None)[0].startswith("0 decisions read")
    write(sheet, review, "ana")
    again = {row["example"]: row for row in load(sheet)}
    assert again[rows[0]["example"]]["decision"] == "accept"
    assert again[rows[1]["example"]]["assistant"] == "Better."
    assert read_into_log([sheet], review, None)[0].startswith("0 decisions read")
    assert len(review.log.read()) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[0].update(example="0" * 16), "A2: the study has no example '0000000000000000'"),
        (lambda rows: rows[0].update(decision="acept"), "B2: 'acept' is no decision: did you mean 'accept'?"),
        (lambda rows: rows[0].update(decision="edit"), "B2: this is an edit, but no text is changed"),
        (lambda rows: rows[0].update(decision="accept", assistant="Other."), "the decision is accept"),
        (lambda rows: rows[0].update(assistant="Other."), "the text is changed, but nothing is decided"),
        (lambda rows: rows[0].update(decision="edit", assistant=" "), "an edit leaves no text empty"),
        (lambda rows: rows[0].update(decision="accept", digest="f" * 16), "'ffffffffffffffff' is of no text"),
        (lambda rows: rows.append(rows[0] | {"decision": "reject"}), "was decided in line 2 already"),
        (lambda rows: of_kind(rows, "label").update(label="perhaps", decision="edit"), "'perhaps' is no label of"),
        (lambda rows: of_kind(rows, "chat").update(label="yes", decision="edit"), "the example has no label"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_cell(
    sheet: Path, review: Review, change: Callable[[Rows], None], message: str
) -> None:
    rows = load(sheet)
    rows[0]["decision"] = "accept" if "nothing is decided" not in message else ""
    change(rows)
    save(sheet, rows)
    with pytest.raises(RagtallyError) as error:
        read_into_log([sheet], review, None)
    assert message in str(error.value)
    assert "hint: " in str(error.value)
    assert not review.log.path.exists()


def test_all_errors_of_all_files_are_said_at_once(review: Review, tmp_path: Path) -> None:
    paths = [tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv"]
    for path in paths[:2]:
        write(path, review, "ana")
        rows = load(path)
        rows[1]["decision"] = "acept"
        rows[2]["decision"] = "yes"
        rows[3]["decision"] = "accept" if path == paths[0] else "reject"
        save(path, rows)
    paths[2].write_text("a,b\n1,2\n")
    with pytest.raises(RagtallyError) as error:
        read_into_log(paths, review, None)
    message = str(error.value)
    assert message.count("is no decision") == 4
    assert "ana decides reject here, and accept in" in message
    assert "does not name the columns example, decision, digest" in message
    assert not review.log.path.exists()


def test_two_people_who_disagree_are_shown_and_count_as_unsure(review: Review, tmp_path: Path) -> None:
    paths = [tmp_path / "ana.csv", tmp_path / "bob.xlsx"]
    for path, choice in zip(paths, ("accept", "reject"), strict=True):
        write(path, review, path.stem)
        rows = load(path)
        rows[0]["decision"], rows[1]["decision"] = choice, "accept"
        save(path, rows)
    example = load(paths[0])[0]["example"]
    lines = read_into_log(paths, review, None)
    assert lines[1:] == [
        "1 examples on which people disagree count as unsure:",
        f"  {example}: ana accept, bob reject",
    ]
    assert review.verdicts().by_example[example].outcome == "unsure"


def test_an_edit_of_an_older_text_is_an_error(review: Review, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    write(path, review, "bob")
    rows = load(path)
    example = rows[0]["example"]
    text = review.texts[example]
    newer = ExampleText((*text.turns[:-1], Turn("assistant", "Newer.")), text.input, text.label)
    review.append([Decision(example, "edit", "ana", "2026-11-28T19:00:00Z", text.digest, newer)])
    rows[0] |= {"decision": "edit", "assistant": "Bob's."}
    save(path, rows)
    with pytest.raises(RagtallyError, match="edited since the sheet was written"):
        read_into_log([path], review, None)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "'=1", "''=1", "plain", "'quoted'", ""])
def test_no_cell_is_a_formula_and_its_text_comes_back(text: str, tmp_path: Path) -> None:
    assert safe_cell(text)[:1] not in ("=", "+", "-", "@", "\t")
    assert plain_cell(safe_cell(text)) == text
    path = tmp_path / "a.csv"
    path.write_bytes(write_sheet(path, ["a", "b"], [[text, "b"]], [5, 5]))
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1] == [safe_cell(text), "b"]


def annotate(task: dict[str, object], person: object, **values: str) -> None:
    kinds = {"decision": "choices", "label": "choices"}
    result = [
        {
            "from_name": name,
            "to_name": "passage",
            "type": kinds.get(name, "textarea"),
            "value": {kinds.get(name, "text"): [value]},
        }
        for name, value in values.items()
    ]
    annotation = {"result": result, "completed_by": person, "lead_time": 12.5, "updated_at": "2026-11-28T19:00:00Z"}
    task.setdefault("annotations", []).append({**annotation, "was_cancelled": False})  # type: ignore[attr-defined]


def test_label_studios_tasks_come_back(review: Review, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    write(path, review, "ana")
    config = path.with_suffix(".xml").read_text()
    assert '<Choices name="decision"' in config
    tasks = json.loads(path.read_text())
    assert all(f'name="{name}"' in config for task in tasks for name in task["data"] if name.startswith("assistant"))
    annotate(
        tasks[0], {"id": 3, "email": "ana@example.org"}, decision="accept", assistant=tasks[0]["data"]["assistant"]
    )
    annotate(tasks[1], 7, decision="edit", assistant="Better.", reason="short")
    annotate(tasks[1], "bob", decision="reject")
    path.write_text(json.dumps(tasks))
    read_into_log([path], review, None)
    first, second, third = review.log.read()
    assert (first.choice, first.person, first.seconds) == ("accept", "ana@example.org", 12.5)
    assert (second.choice, second.person, second.reason) == ("edit", "Label Studio user 7", "short")
    assert second.text is not None
    assert "Better." in [turn.text for turn in second.text.turns]
    assert (third.choice, third.at) == ("reject", "2026-11-28T19:00:00Z")


@pytest.mark.parametrize("content", ["{", "{}", '[{"id": 1}]', '[{"data": {}}]', '[{"data": {"example": "a"}}]'])
def test_other_json_is_refused(review: Review, tmp_path: Path, content: str) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(content)
    with pytest.raises(RagtallyError, match="JSON-MIN"):
        read_into_log([path], review, None)
