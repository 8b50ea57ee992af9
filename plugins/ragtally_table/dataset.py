"""A table of questions and a folder of documents as a dataset."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ragtally import (
    Conversion,
    Converter,
    DataError,
    DatasetBatch,
    Documents,
    Evidence,
    Location,
    Questions,
    file_hash,
)
from ragtally.api.address import address
from ragtally_converters import default_converters
from ragtally_table.documents import Corpus, FileConverter, find_files, is_table, read_document_table, read_folder
from ragtally_table.evidence import EvidenceSearch
from ragtally_table.questions import QuestionTable, read_questions
from ragtally_table.rows import Table

_ROWS = 4_096
SIMILARITY = 0.9
"""How alike words must be to count as a quote, where parsers are compared and the spec does not say."""
_NOTHING = DatasetBatch(Documents([], [], [], []), Questions([], [], [], []), Evidence([], [], [], []))


class TableDataset:
    """Questions with labels, the documents, and the evidence that the table names."""

    def __init__(
        self,
        questions: str | None,
        columns: Mapping[str, Any] | None,
        sheet: str | None,
        header: int | None,
        encoding: str,
        documents: str,
        document_columns: Mapping[str, str | None] | None,
        documents_by: str,
        converters: Sequence[Converter],
        on_unreadable: str,
        on_missing_evidence: str,
        quote_similarity: float | None = None,
    ) -> None:
        self._path = None if questions is None else Path(questions).expanduser()
        columns = columns or {}
        self._columns = {key: name for key, name in columns.items() if key != "references"}
        references = columns.get("references") or []
        self._references = [references] if isinstance(references, str) else references
        self._sheet = sheet
        self._header = header
        self._encoding = encoding
        self._documents = Path(documents).expanduser()
        self._document_columns = document_columns
        self._by_part = documents_by == "part"
        self._converters = converters
        self._convert: Callable[[Path], Conversion] = FileConverter(converters).convert
        self._skip_unreadable = on_unreadable == "skip"
        self._skip_missing = on_missing_evidence == "skip"
        self._similarity = quote_similarity
        self._parser: Converter | None = None

    @cached_property
    def table(self) -> QuestionTable:
        """The questions."""
        if self._path is None:
            return QuestionTable(Table(self._documents, "", (), ()), {}, ())
        _require(self._path, "questions")
        return read_questions(self._path, self._columns, self._references, self._sheet, self._header, self._encoding)

    @property
    def answers(self) -> tuple[str, ...]:
        """The labels, the most frequent first."""
        return self.table.answers

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits in the order of the table."""
        return self.table.splits

    @property
    def labelled(self) -> bool:
        """Whether there are labels."""
        return bool(self.table.answers)

    def answer_location(self, answer: str) -> Location | None:
        """The first cell with an answer."""
        return self.table.answer_location(answer)

    def batches(self) -> Iterator[DatasetBatch]:
        """Yield questions, documents, then the evidence."""
        table = self.table
        left_out: Mapping[str, int] = table.left_out
        for first in range(0, len(table.questions), _ROWS):
            some = table.questions[first : first + _ROWS]
            questions = Questions(
                [question.id for question in some],
                [question.text for question in some],
                [question.label for question in some],
                [question.split for question in some],
                [list(question.references) for question in some] if table.reference_places else None,
            )
            yield DatasetBatch(_NOTHING.documents, questions, _NOTHING.evidence, left_out)
            left_out = {}
        corpus = self.corpus
        yield DatasetBatch(
            corpus.columns(with_files=self._by_part),
            _NOTHING.questions,
            _NOTHING.evidence,
            corpus.left_out,
            people=[*corpus.people, *table.people],
        )
        similarity, by_parser = self._similarity, self._parser is not None
        if by_parser and similarity is None:
            similarity = SIMILARITY
        search = EvidenceSearch(table, corpus, self._skip_missing, similarity, by_parser)
        evidence = search.evidence()
        quotes = search.quotes() if by_parser else None
        yield DatasetBatch(_NOTHING.documents, _NOTHING.questions, evidence, +search.left_out, quotes)

    def parsed_by(self, converter: Converter) -> TableDataset:
        """The same questions over what a converter makes of the files (see `ragtally.api.ParsingDataset`)."""
        if is_table(self._documents):
            hint = "name a folder of files as `documents`, or leave grid.parser out"
            raise DataError("documents that are rows of a table are not parsed", hint=hint)
        _require(self._documents, "documents")
        names = find_files(self._documents, self._path).paths
        if not any(path.suffix.lower() in converter.extensions for path in names.values()):
            kinds = " or ".join(converter.extensions)
            location = Location(str(self._documents))
            hint = "compare parsers of the files that are there, or leave grid.parser out"
            raise DataError(
                f"a parser of grid.parser reads {kinds}, and no such file is here", location=location, hint=hint
            )
        dataset = self._copy()
        dataset._parser = converter
        dataset._convert = FileConverter([converter, *self._converters]).convert
        return dataset

    def files(self) -> Sequence[Path]:
        """The files below the folder (see `ragtally.api.ParsingDataset`)."""
        _require(self._documents, "documents")
        return [] if is_table(self._documents) else list(find_files(self._documents, self._path).paths.values())

    def convert(self, path: Path) -> Conversion:
        """Read one of them."""
        return self._convert(path)

    def converted_by(self, convert: Callable[[Path], Conversion]) -> TableDataset:
        """The same with files read by a function (see `ragtally.api.ParsingDataset`)."""
        dataset = self._copy()
        dataset._convert = convert
        return dataset

    def _copy(self) -> TableDataset:
        dataset = copy.copy(self)
        dataset.__dict__.pop("corpus", None)
        return dataset

    @cached_property
    def corpus(self) -> Corpus:
        """The documents."""
        _require(self._documents, "documents")
        if is_table(self._documents):
            return read_document_table(self._documents, self._document_columns or {}, self._encoding)
        return read_folder(
            self._documents, self._path, self.convert,
            by_part=self._by_part, skip_unreadable=self._skip_unreadable,
        )  # fmt: skip


def fingerprint(params: Mapping[str, Any]) -> str:
    """Hash the content of the table and of all documents; their names in the folder count, its path does not."""
    documents = Path(params["documents"]).expanduser()
    questions = None if params["questions"] is None else Path(params["questions"]).expanduser()
    content: dict[str, Any] = {"questions": None}
    if questions is not None:
        _require(questions, "questions")
        content = {"questions": [questions.suffix.lower(), _hash(questions)]}
    _require(documents, "documents")
    if is_table(documents):
        return address(content | {"documents": [documents.suffix.lower(), _hash(documents)]})
    files = find_files(documents, questions)
    defaults = default_converters()
    extensions = {path.suffix.lower() for path in files.paths.values()} & defaults.keys()
    return address(
        content
        | {
            "documents": {name: _hash(path) for name, path in files.paths.items()},
            "litter": files.litter,
            "converters": {
                suffix: [defaults[suffix].name, defaults[suffix].version] for suffix in sorted(extensions)
            },
        }
    )


def _hash(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError as error:
        message = f"the file cannot be read: {error.strerror or error}"
        raise DataError(message, location=Location(str(path)), hint="check its permissions, or remove it") from error


def _require(path: Path, key: str) -> None:
    location = Location(str(path))
    if key == "questions" and not path.is_file():
        raise DataError("there is no such file", location=location, hint=f"`{key}` names the table of questions")
    if not path.exists():
        hint = f"`{key}` names a folder of files, or a table with a column of texts"
        raise DataError("there is no such file or folder", location=location, hint=hint)
    if key == "documents" and path.is_file() and not is_table(path):
        hint = "name the folder that it lies in"
        raise DataError("this is one file, and no table of documents", location=location, hint=hint)
