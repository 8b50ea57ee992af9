"""An exported folder as a dataset, read some thousand rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from ragtally import DataError, DatasetBatch, Documents, Evidence, Location, Questions, file_hash
from ragtally.api.address import address

FORM = "ragtally dataset 1"
# Its kind of labels where answers are open.
REFERENCES = "references"
_ROWS = 4096
_TABLES = ("documents", "questions", "evidence")
_REMEDY = "`ragtally export base STUDY --dataset FOLDER` writes one"


class ExportedFolder:
    """Questions with labels or right answers, documents and evidence, as they were exported."""

    def __init__(self, folder: str, *, accept_silver: bool) -> None:
        self._folder = Path(folder).expanduser()
        summary = _summary(self._folder)
        if summary["labels"] == "silver" and not accept_silver:
            raise DataError(
                "its labels are silver: what voters said, not what is known to be right",
                location=Location(str(self._folder)),
                hint="accept_silver: true takes them for gold labels; scores then say who agrees with the voters",
            )
        self.labelled = summary["labels"] != REFERENCES
        self.answers: tuple[str, ...] = tuple(summary["answers"])
        self.splits: tuple[str, ...] = tuple(summary["splits"])

    def batches(self) -> Iterator[DatasetBatch]:
        """Yield documents, questions and evidence."""
        nothing = DatasetBatch(Documents([], [], [], []), Questions([], [], [], []), Evidence([], [], [], []))
        for some in _pieces(self._folder, "documents"):
            columns = ("id", "text", "section_starts", "section_ends")
            names = some["section_names"].to_list() if "section_names" in some.columns else None
            documents = Documents(*(some[name].to_list() for name in columns))
            yield DatasetBatch(replace(documents, section_names=names), nothing.questions, nothing.evidence)
        for some in _pieces(self._folder, "questions"):
            about = ("id", "text", "label", "split", *([] if self.labelled else ["references"]))
            questions = Questions(**{name: some[name].to_list() for name in about})
            yield DatasetBatch(nothing.documents, questions, nothing.evidence)
        for some in _pieces(self._folder, "evidence"):
            spans = Evidence(*(some[name].to_list() for name in ("question", "document", "start", "end", "grade")))
            yield DatasetBatch(nothing.documents, nothing.questions, spans)


def fingerprint_of(folder: str) -> str:
    """Hash what a folder holds, but not where it lies or what its card says."""
    root = Path(folder).expanduser()
    summary = _summary(root)
    content = {name: summary[name] for name in ("form", "answers", "splits", "labels")}
    try:
        return address(content | {table: file_hash(root / f"{table}.parquet") for table in _TABLES})
    except OSError as error:
        raise _damage(root, str(error.strerror or error)) from error


def is_open(folder: str) -> bool:
    """Whether the answers are open."""
    return bool(_summary(Path(folder).expanduser())["labels"] == REFERENCES)


def _summary(folder: Path) -> dict[str, Any]:
    path = folder / "dataset.json"
    if not path.is_file():
        raise DataError("there is no exported dataset", location=Location(str(folder)), hint=_REMEDY)
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if summary["form"] == FORM and isinstance(summary["labels"], str):
            return summary
    except (ValueError, KeyError, TypeError) as error:
        raise _damage(path, f"{type(error).__name__}: {error}") from error
    raise DataError(f"the form is {summary['form']!r}, not {FORM!r}", location=Location(str(path)), hint=_REMEDY)


def _pieces(folder: Path, table: str) -> Iterator[pl.DataFrame]:
    path = folder / f"{table}.parquet"
    try:
        frame = pl.read_parquet(path, use_statistics=False, memory_map=True)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damage(path, str(error)) from error
    yield from frame.iter_slices(_ROWS)


def _damage(path: Path, what: str) -> DataError:
    return DataError(f"the exported dataset is damaged: {what}", location=Location(str(path)), hint="export it again")
