"""Exported examples as questions: what the user says is asked, what the assistant answers is the reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from ragtally import DataError, DatasetBatch, Documents, Evidence, Location, Questions, file_hash
from ragtally.api.address import address
from ragtally.support.training_forms import TrainingExample, question_text, read_line

MANIFEST_FORM = "ragtally examples 1"
_SETS = ("train", "dev", "test")
_REMEDY = "run a study with the key `examples`: its results have such a folder"


class ExamplesFolder:
    """The examples of a folder, with the documents that they were made from."""

    def __init__(self, folder: str, form: str | None) -> None:
        self._folder = Path(folder).expanduser()
        self._form = _form(self._folder, form)
        labels = [one.label for one, _ in self._examples]
        self.labelled = all(label is not None for label in labels)
        self.answers: tuple[str, ...] = tuple(sorted({label for label in labels if label})) if self.labelled else ()
        own = {split for _, split in self._examples}
        self.splits: tuple[str, ...] = tuple(split for split in _SETS if split in own)

    @cached_property
    def _examples(self) -> list[tuple[TrainingExample, str]]:
        return [
            (example, split)
            for split in _SETS
            for example in _read(self._folder / self._form / f"{split}.jsonl", self._folder)
        ]

    def batches(self) -> Iterator[DatasetBatch]:
        """Yield documents, then questions with their evidence."""
        documents = _documents(self._folder)
        yield DatasetBatch(documents, Questions([], [], [], []), Evidence([], [], [], []))
        examples = self._examples
        ids = _unique_ids([one for one, _ in examples])
        questions = Questions(
            ids,
            [question_text(one.turns, one.input) for one, _ in examples],
            [one.label if self.labelled else None for one, _ in examples],
            [split for _, split in examples],
            references=None if self.labelled else [[one.turns[-1].text] for one, _ in examples],
        )
        known = set(documents.id)
        rows = [
            (question, one.document, one.start, one.end)
            for question, (one, _) in zip(ids, examples, strict=True)
            if one.document in known and one.start is not None and one.end
        ]
        columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []]
        yield DatasetBatch(Documents([], [], [], []), questions, Evidence(*columns))


def fingerprint_of(folder: str, form: str | None) -> str:
    """Hash what is read, but not where it lies."""
    root = Path(folder).expanduser()
    own = _form(root, form)
    paths = [*sorted((root / own).glob("*.jsonl")), root / "documents.parquet"]
    return address({path.name: file_hash(path) for path in paths if path.is_file()})


def _form(folder: Path, form: str | None) -> str:
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        forms = list(manifest["counts"]) if manifest["form"] == MANIFEST_FORM else []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError("there are no exported examples", location=Location(str(path)), hint=_REMEDY) from error
    if not forms:
        raise DataError("the folder has no examples", location=Location(str(path)), hint=_REMEDY)
    if form is not None and form not in forms:
        hint = f"name one of {', '.join(forms)}, or add it under examples.export and run the study again"
        raise DataError(f"the examples were not exported as {form!r}", location=Location(str(path)), hint=hint)
    return form or forms[0]


def _read(path: Path, folder: Path) -> Iterator[TrainingExample]:
    if not path.is_file():
        return
    beside = path.with_suffix(".sources.jsonl")
    sources = beside.read_text(encoding="utf-8").splitlines() if beside.is_file() else []
    # Not `splitlines`: a text may hold other signs that count as the end of a line.
    for number, text in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not text.strip():
            continue
        try:
            source = json.loads(sources[number - 1]) if number <= len(sources) else None
            yield read_line(json.loads(text), source)
        except ValueError as error:
            hint = "repair the line, or export the examples again"
            message = f"this is no example: {error}"
            raise DataError(message, location=Location(str(path), number), hint=hint) from error


def _unique_ids(examples: list[TrainingExample]) -> list[str]:
    """The examples' own ids; a line without one, or whose id came before, is named by its place."""
    ids: dict[str, None] = {}
    for number, one in enumerate(examples, start=1):
        ids[one.id if one.id and one.id not in ids else f"line-{number}"] = None
    return list(ids)


def _documents(folder: Path) -> Documents:
    path = folder / "documents.parquet"
    if not path.is_file():
        return Documents([], [], [], [])
    try:
        table = pl.read_parquet(path, use_statistics=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"the file is damaged: {error}", location=Location(str(path)), hint=_REMEDY) from error
    names = table["section_names"].to_list() if "section_names" in table.columns else None
    identifiers, texts, starts, ends = (
        table[name].to_list() for name in ("id", "text", "section_starts", "section_ends")
    )
    return Documents(identifiers, texts, starts, ends, section_names=names)
