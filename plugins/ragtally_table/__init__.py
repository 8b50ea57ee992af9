"""The dataset `table`: one's own questions in a spreadsheet, one's own documents in a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragtally import Component, DatasetTraits, Finding, ParameterFault, Starter, hookimpl
from ragtally.support.text_files import ENCODINGS

if TYPE_CHECKING:
    from ragtally_table.dataset import TableDataset


def _columns(meanings: Mapping[str, str], obligatory: str, several: Sequence[str] = ()) -> dict[str, Any]:
    name = {"type": "string", "minLength": 1}
    properties = {
        key: {**name, "type": "string" if key == obligatory else ["string", "null"], "description": meaning}
        for key, meaning in meanings.items()
    }
    for key in several:
        properties[key] |= {"type": ["string", "array", "null"], "items": name, "minItems": 1, "uniqueItems": True}
    return {"type": "object", "properties": properties, "required": [obligatory], "additionalProperties": False}


_SKIP = {"enum": ["error", "skip"], "default": "error"}
_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "questions": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "The table of questions: CSV, TSV, Excel, OpenDocument, JSON Lines or Parquet. Left out: the "
        "documents alone, for a study that writes examples from them.",
        "x-ragtally-identity": False,
    },
    "columns": {
        **_columns(
            {
                "id": "What tells a question from all others; the number of its row where it is left out.",
                "question": "The question's words.",
                "answer": "Its label, one of a few; in any language. Case and white space make no difference.",
                "references": "A right answer in free text, for open answers; several in a list of columns, or as "
                "lists in JSON or Parquet; where there is none in its row, the question cannot be answered.",
                "evidence": "Words of a document in which the answer stands.",
                "document": "The file in which it stands, by its path in the folder or its name; or the id of a row.",
                "page": "The page, slide, sheet or section in which it stands, by its number or name.",
                "split": "The split that the question is in.",
                "person": "Names of people, for `redact`.",
            },
            "question",
            several=("references",),
        ),
        "type": ["object", "null"],
        "default": None,
        "description": "Which column is what, by its name in the table; whatever is not named here is not used.",
    },
    "sheet": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "The sheet of a workbook; may be left out where only one that is visible holds anything.",
    },
    "header": {
        "type": ["integer", "null"],
        "minimum": 1,
        "default": None,
        "description": "The number of the row with the names of the columns; the first that is not empty if omitted.",
    },
    "encoding": {
        "enum": list(ENCODINGS),
        "default": "auto",
        "description": "The encoding of a table that is a text file: auto takes UTF-8, UTF-16, or else Windows-1252.",
    },
    "documents": {
        "type": "string",
        "minLength": 1,
        "description": "The folder of the documents, with all folders in it; or a table of documents.",
        "x-ragtally-identity": False,
    },
    "document_columns": {
        **_columns(
            {
                "id": "What tells a document from all others; the number of its row where it is left out.",
                "title": "What stands before the text.",
                "text": "The document's text.",
                "person": "Names of people, for `redact`.",
            },
            "text",
        ),
        "type": ["object", "null"],
        "default": None,
        "description": "Which column of a table of documents is what.",
    },
    "documents_by": {
        "enum": ["file", "part"],
        "default": "file",
        "description": "What a document is, and with it the gold context of a question: a whole file, or each page, "
        "slide, row or section of it.",
    },
    "converters": {
        "type": "array",
        "items": {"x-ragtally-kind": "converter"},
        "default": [],
        "description": "What reads the files; those named here come before the usual ones of their extensions.",
    },
    "on_unreadable": {
        **_SKIP,
        "description": "What becomes of files that cannot be read (encrypted, scanned without a text layer, empty, "
        "cut off, of an unknown kind): an error, or they are left out and counted by reason.",
    },
    "on_missing_evidence": {
        **_SKIP,
        "description": "What becomes of quotes, documents and pages that are not there: an error, or they are left "
        "out and counted. Quotes are looked for as they are, then without regard to white space, hyphens, and the "
        "forms of letters and quotation marks.",
    },
    "quote_similarity": {
        "type": ["number", "null"],
        "minimum": 0.5,
        "maximum": 1,
        "default": None,
        "x-ragtally-identity": "if set",
        "description": "How alike (0.5 to 1, by edits) words of a document must be to count as a quote of 16 "
        "characters or more that stands nowhere as it is; its numbers must be the same. Left out, no others "
        "count, but under grid.parser those of 0.9.",
    },
}


def _build(**params: Any) -> TableDataset:
    from ragtally_table.dataset import TableDataset

    return TableDataset(**params)


def _fingerprint(params: Mapping[str, Any]) -> str:
    from ragtally_table.dataset import fingerprint

    return fingerprint(params)


def _diagnose(params: Mapping[str, Any]) -> list[Finding]:
    from ragtally_table.doctor import findings

    return findings(params)


def _files_starter(study: str, questions: Path, documents: Path) -> Starter:
    from ragtally_table.first_spec import first_spec

    return first_spec(study, questions, documents)


def _traits(params: Mapping[str, Any]) -> DatasetTraits:
    columns = params["columns"]
    if columns is None:
        return DatasetTraits("both")
    if not columns.get("references"):
        return DatasetTraits("labels", parses=True)
    return DatasetTraits("both" if columns.get("answer") else "open", parses=True)


def _check(params: Mapping[str, Any]) -> list[ParameterFault]:
    if (params["questions"] is None) != (params["columns"] is None):
        hint = "columns: {question: NAME}" if params["columns"] is None else "questions: FILE, or remove columns"
        return [ParameterFault(None, "a table of questions and its columns come together", hint)]
    columns = (params["columns"] or {}).values()
    values = [value if isinstance(value, list) else [value] for value in columns if value]
    twice = [name for name, keys in Counter(name for names in values for name in names).items() if keys > 1]
    if twice:
        return [ParameterFault("columns", f"two keys name the column {twice[0]!r}", "each column is one thing")]
    table = params["documents"].lower().endswith((".csv", ".tsv", ".xlsx", ".xls", ".ods", ".jsonl", ".parquet"))
    if table and params["document_columns"] is None:
        hint = "document_columns: {id: NAME, text: NAME}"
        return [ParameterFault("document_columns", "a table of documents needs the names of its columns", hint)]
    return []


@hookimpl
def register_datasets() -> list[Component]:
    """Offer `table`."""
    return [
        Component(
            name="table",
            build=_build,
            summary="One's own questions in a table (CSV, Excel, ...), one's own documents in a folder of files.",
            params=_PARAMETERS,
            fingerprint=_fingerprint,
            traits=_traits,
            check=_check,
            diagnose=_diagnose,
            files_starter=_files_starter,
        )
    ]
