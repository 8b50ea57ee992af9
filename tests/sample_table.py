"""A table of questions beside a folder of documents, made for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ragtally import DatasetBatch
from ragtally_table import register_datasets
from sample_files import write_folder, write_xlsx

HEAD = ("Nr", "Frage", "Antwort", "Beleg", "Datei", "Seite", "Satz")
KEYS = ("id", "question", "answer", "evidence", "document", "page", "split")
COLUMNS = dict(zip(KEYS, HEAD, strict=True))
ROWS: tuple[tuple[Any, ...], ...] = (
    (1, "Dauert es fünf Tage?", "ja", "fünf Werktage", "agb.pdf", 1, "train"),
    (2, "Darf man zurückgeben?", "Ja", "dreißig Tagen zurückgegeben werden", "agb", None, "test"),
    (3, "Gilt die Garantie drei Jahre?", "nein", "dois anos após a compra", "agb.pdf", "S. 3", "test"),
    (4, "Kostet die Schere 19?", "ja ", "Preis: 19", "preise.xlsx", "Preise", "test"),
    (5, "Ist sonntags offen?", "nein", None, "haus.docx", "Öffnungszeiten", "train"),
    (6, "Steht das auf der Folie?", "nein", None, "zahlen.pptx", 2, "test"),
)
FILES = ("agb.pdf", "haus.docx", "preise.xlsx", "zahlen.pptx")


def write_questions(path: Path, rows: Sequence[Sequence[Any]] = ROWS, head: Sequence[Any] = HEAD) -> Path:
    """Write a workbook of questions."""
    return write_xlsx(path, {"Fragen": [head, *rows]})


def write_study(folder: Path, *files: str) -> dict[str, Any]:
    """Write questions and documents; returns the parameters of the dataset."""
    write_folder(folder / "docs", *(files or FILES))
    return parameters(write_questions(folder / "fragen.xlsx"), folder / "docs")


def parameters(questions: Path, documents: Path, **others: Any) -> dict[str, Any]:
    """All parameters of the dataset, as the engine fills them in."""
    (component,) = register_datasets()
    defaults = {key: schema["default"] for key, schema in component.params.items() if "default" in schema}
    return {**defaults, "questions": str(questions), "documents": str(documents), "columns": COLUMNS, **others}


def build(params: Mapping[str, Any]) -> Any:
    """Build the dataset."""
    (component,) = register_datasets()
    return component.build(**params)


def read(params: Mapping[str, Any]) -> tuple[list[DatasetBatch], dict[str, int]]:
    """All batches, and what is left out."""
    batches = list(build(params).batches())
    left_out: dict[str, int] = {}
    for batch in batches:
        for what, count in batch.left_out.items():
            left_out[what] = left_out.get(what, 0) + count
    return batches, left_out


def evidence_texts(batches: Sequence[DatasetBatch]) -> dict[str, list[tuple[str, str]]]:
    """The documents and words of each question's evidence."""
    texts = {
        name: text for batch in batches for name, text in zip(batch.documents.id, batch.documents.text, strict=True)
    }
    found: dict[str, list[tuple[str, str]]] = {}
    for batch in batches:
        evidence = batch.evidence
        for row in range(len(evidence)):
            document = evidence.document[row]
            words = texts[document][evidence.start[row] : evidence.end[row]]
            found.setdefault(evidence.question[row], []).append((document, words))
    return found
