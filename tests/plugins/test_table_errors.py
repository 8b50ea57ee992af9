"""Bad tables, files and folders: each says where, why and what to do, with exit code 2, and leaves results alone."""

# A case is a line, however long.
# ruff: noqa: E501

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import sample_files
from command_line import in_process
from sample_files import write_pdf, write_xlsx
from sample_table import COLUMNS, HEAD, ROWS, write_questions, write_study

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


class Bad(NamedTuple):
    spoil: Callable[[Path], Any]
    place: str
    cause: str
    remedy: str
    others: dict[str, Any] = {}  # noqa: RUF012


def rows(*changed: tuple[int, int, Any]) -> Callable[[Path], Any]:
    """Change cells of the table, by row and column from 0."""
    table = [list(row) for row in ROWS]
    for row, column, value in changed:
        table[row][column] = value
    return lambda at: write_questions(at / "fragen.xlsx", table)


def text(name: str, content: str | bytes) -> Callable[[Path], Any]:
    data = content.encode() if isinstance(content, str) else content
    return lambda at: (at / name).write_bytes(data)


def formula(value: Any) -> Callable[[Any, int, int], None]:
    return lambda sheet, row, column: sheet.write_formula(row, column, "=A1", None, value)


def table(name: str, content: str | bytes, place: str, cause: str, remedy: str, **others: Any) -> Bad:
    return Bad(text(name, content), f"{name}{place}", cause, remedy, {"questions": name, **others})


CSV = {"columns": {"question": "q", "document": "d"}}
BAD: dict[str, Bad] = {
    "no file": Bad(lambda at: (at / "fragen.xlsx").unlink(), "fragen.xlsx:", "no such file", "table of questions"),
    "an empty file": Bad(text("fragen.xlsx", b""), "fragen.xlsx:", "is empty", "get it again"),
    "an encrypted workbook": Bad(text("fragen.xlsx", OLE), "fragen.xlsx:", "encrypted", "without a password"),
    "a workbook that is none": Bad(text("fragen.xlsx", "nein"), "fragen.xlsx:", "no .xlsx", "save it"),
    "a workbook that is cut off": Bad(text("fragen.xlsx", b"PK\3\4" + bytes(90)), "fragen.xlsx:", "cut off", "again"),
    "a file of another kind": table("q.docx", "x", ":", "no table can be read from a file named .docx", ".csv"),
    "an empty workbook": Bad(lambda at: write_xlsx(at / "fragen.xlsx", {"a": []}), "fragen.xlsx:", "holds no row", "fill"),
    "a header alone": Bad(lambda at: write_questions(at / "fragen.xlsx", []), "[Fragen]:", "no row below", "fill it"),
    "two sheets": Bad(
        lambda at: write_xlsx(at / "fragen.xlsx", {"Eins": [HEAD, *ROWS], "Zwei": [["x"]]}),
        "fragen.xlsx:", "2 sheets hold rows: 'Eins', 'Zwei'", "sheet: Eins",
    ),
    "no such sheet": Bad(rows(), "fragen.xlsx:", "no sheet 'Frage'", "did you mean 'Fragen'", {"sheet": "Frage"}),
    "an empty header": Bad(rows(), "[Fragen!row 20]:", "row of the header is empty", "number of the row", {"header": 20}),
    "no such column": Bad(
        rows(), "[Fragen!row 1]:", "no column 'Fragen' (`columns.question`)", "did you mean 'Frage'",
        {"columns": COLUMNS | {"question": "Fragen"}},
    ),
    "two columns of a name": Bad(
        lambda at: write_questions(at / "fragen.xlsx", [["a", "b"]], ["Frage", "Frage"]),
        "[Fragen]:", "two columns are named 'Frage': A and B", "rename", {"columns": {"question": "Frage"}},
    ),
    "no question": Bad(rows((2, 1, " ")), "[Fragen!B4]:", "'Frage' is empty: there is no question", "delete the row"),
    "no id": Bad(rows((0, 0, None)), "[Fragen!A2]:", "'Nr' is empty: the question has no id", "fill it"),
    "an id given twice": Bad(rows((3, 0, 1)), "[Fragen!A5]:", "says '1', which is the id of row 2 too", "of its own"),
    "no split": Bad(rows((1, 6, "")), "[Fragen!G3]:", "'Satz' is empty: the question is in no split", "fill it"),
    "one label": Bad(
        rows(*((row, 2, "ja") for row in range(6))), "[Fragen]:", "holds 'ja' alone", "name another column",
    ),
    "a formula without a value": Bad(rows((0, 1, formula(""))), "[Fragen!B2]:", "formula whose value is not", "save it"),
    "an error value": Bad(rows((0, 3, formula("#REF!"))), "[Fragen!D2]:", "holds an error value", "type the value in"),
    "a quote that is lost": Bad(
        rows((0, 3, "sechs Werktage")), "[Fragen!D2]:", "quotes 'sechs Werktage' from agb.pdf", "on_missing_evidence: skip",
    ),
    "a quote of another document": Bad(rows((0, 3, "Preis: 19")), "[Fragen!D2]:", "it is not there", "it is in haus.docx"),
    "a document that is not there": Bad(
        rows((0, 4, "abg.pdf")), "[Fragen!E2]:", "names 'abg.pdf', which is no document", "did you mean 'agb.pdf'",
    ),
    "a page that is not there": Bad(
        rows((4, 4, "agb.pdf"), (4, 5, 17)), "[Fragen!F6]:", "names '17', which agb.pdf has not", "it has pages",
    ),
    "a page of no document": Bad(rows((4, 4, None)), "[Fragen!F6]:", "no column says of which document", "columns.document"),
    "two keys of a column": Bad(
        rows(), "s.yaml:", "two keys name the column 'Frage'", "each column", {"columns": {"question": "Frage", "id": "Frage"}},
    ),
    "a row that is too long": table("q.csv", "q,d\na,b\nc,d,e\n", ":3:", "has 3 cells, the header 2", "quotation", **CSV),
    "a quotation mark that stays open": table("q.csv", 'q,d\n"a,b\nc,d\n', ":2:", "opened here and not closed", '""', **CSV),
    "two encodings": table("q.csv", "q,d\nä,b\n".encode() + b"\xe4,b\n", ":3:", "mixes UTF-8", "windows-1252", **CSV),
    "bytes of no encoding": table("q.csv", b"q,d\n\x81,b\n", ":2:", "neither UTF-8 nor", "encoding", **CSV),
    "another encoding than stated": table("q.csv", b"q,d\n\xe4,b\n", ":2:", "no utf-8", "encoding", encoding="utf-8", **CSV),
    "a line that is no JSON": table("q.jsonl", '{"q": "a"}\n{"q": \n', ":2:", "this is no JSON", "fix the line", **CSV),
    "a line that is a list": table("q.jsonl", '{"q": "a"}\n["b"]\n', ":2:", "must be a JSON object", ".jsonl", **CSV),
    "a key given twice": table("q.jsonl", '{"q": "a", "q": "b"}\n', ":1:", "'q' is given twice", "fix the line", **CSV),
    "a cell that is an object": table(
        "q.jsonl", json.dumps({"q": {"a": 1}, "d": "agb"}), ":1:", "'q' holds an object", "as text", **CSV,
    ),
    "a Parquet file that is none": table("q.parquet", "x", ":", "cannot be read", "write it again", **CSV),
    "no folder": Bad(rows(), "fehlt:", "no such file or folder", "`documents` names", {"documents": "fehlt"}),
    "an empty folder": Bad(lambda at: (at / "leer").mkdir(), "leer:", "holds no file", "documents", {"documents": "leer"}),
    "one file for a folder": Bad(rows(), "agb.pdf:", "this is one file", "folder", {"documents": "docs/agb.pdf"}),
    "a table without columns": Bad(
        rows(), "s.yaml:", "needs the names of its columns", "document_columns: {id", {"documents": "docs/preise.xlsx"},
    ),
    "a scanned document": Bad(lambda at: write_pdf(at / "docs/s.pdf", [[]]), "docs/s.pdf:", "without a text layer", "skip"),
    "an encrypted document": Bad(lambda at: write_pdf(at / "docs/s.pdf", password="x"), "s.pdf:", "encrypted", "skip"),
    "an empty document": Bad(text("docs/s.txt", b""), "docs/s.txt:", "is empty", "on_unreadable: skip"),
    "a document of no known kind": Bad(text("docs/s.xyz", b"x"), "docs/s.xyz:", "no converter reads files named .xyz", "skip"),
    "a chat that is none": Bad(
        text("docs/s.txt", "Guten Tag\n"), "docs/s.txt:1:", "no chat that WhatsApp exported", "converter whatsapp", {"converters": ["whatsapp"]},
    ),
    "a date that is none": Bad(
        text("docs/s.txt", "13/13/20, 9:00 - Ana: ja\n"), "docs/s.txt:1:", "neither days before months", "export the chat again", {"converters": ["whatsapp"]},
    ),
    "a table without the column that groups": Bad(
        rows(), "docs/preise.xlsx:", "no column is named 'Artikelnr'", "others: rows", {"converters": [{"grouped_rows": {"by": "Artikelnr"}}]},
    ),
    "a message of Outlook that is none": Bad(text("docs/s.msg", OLE), "docs/s.msg:", "cannot be read", "get the file again"),
    "a list of names that is not there": Bad(rows(), "leute.txt:", "list of names cannot be read", "one person", {"redact": {"names": "leute.txt"}}),
    "a country that is none": Bad(rows(), "", "names XX, which is no country", "two letters", {"redact": {"phones": "XX"}}),
    "no readable document": Bad(
        lambda at: write_pdf(sample_files.write_folder(at / "d", "notiz.txt") / "s.pdf", [[]]) and (at / "d/notiz.txt").unlink(),
        "d/s.pdf:", "without a text layer", "no file of the folder can be read", {"documents": "d", "on_unreadable": "skip"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a study has run."""
    folder = tmp_path_factory.mktemp("study")
    write_study(folder)
    assert run(folder, {}).code == 0
    return folder


def run(folder: Path, others: dict[str, Any], spec: str = "s.yaml") -> Any:
    params = {"questions": "fragen.xlsx", "columns": COLUMNS, "documents": "docs", **others}
    study = {
        "study": "mine",
        "dataset": {"table": params},
        "grid": {"chunker": ["sections"], "retriever": ["bm25"], "top_k": [1]},
    }
    (folder / spec).write_text(json.dumps(study, ensure_ascii=False), encoding="utf-8")
    return in_process(folder, "run", spec, RAGTALLY_STORE=str(folder / "store"))


@pytest.mark.parametrize("what", BAD)
def test_place_cause_and_remedy(results: Path, what: str) -> None:
    bad = BAD[what]
    kept = {path: path.read_bytes() for path in (results / "data" / "results").rglob("*") if path.is_file()}
    before = {path: path.read_bytes() for path in results.glob("docs/*")} | {
        results / "fragen.xlsx": (results / "fragen.xlsx").read_bytes()
    }
    try:
        bad.spoil(results)
        done = run(results, bad.others)
    finally:
        for path in results.glob("docs/*"):
            path.unlink()
        for path, data in before.items():
            path.write_bytes(data)
    assert done.code == 2, done.err
    message, _, hint = done.err.partition("\n  hint: ")
    assert bad.place in message, done.err
    assert bad.cause in " ".join(message.split()), done.err
    assert bad.remedy in " ".join(hint.split()), done.err
    assert {path: path.read_bytes() for path in (results / "data" / "results").rglob("*") if path.is_file()} == kept


def test_there_are_thirty_kinds() -> None:
    assert len(BAD) >= 30
