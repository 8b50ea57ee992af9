"""Relevance judgements: `qrels/*.tsv`, one split a file, rows of query, document and score."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from ragtally import DataError
from ragtally_beir.files import damage, open_file

_MOST_DIGITS = 9
_COLUMNS = "three columns separated by tabs: query-id, corpus-id and score"
_HEADER_WORDS = {"query", "queryid", "qid", "topic", "topicid"}


class Judgement(NamedTuple):
    """That a document is relevant to a query."""

    query: str
    grade: int  # How relevant it is, 1 or more
    split: str
    line: int  # The line of the split's file


@dataclass(slots=True)
class Judgements:
    """The judgements of all splits."""

    qrels: dict[str, Path]  # The files, by split
    # Each judged query's split and the first line that names it.
    queries: dict[str, tuple[str, int]] = field(default_factory=dict)
    # What is relevant to which queries, by document.
    by_document: dict[str, list[Judgement]] = field(default_factory=dict)
    not_relevant: int = 0  # How many rows say that a document is not relevant (a score of 0 or less)
    repeats: int = 0  # How many rows say what a row before them has said

    def wrong(self, split: str, line: int, message: str, hint: str | None = None) -> DataError:
        """An error about a row."""
        return damage(self.qrels[split], line, message, hint)


def read_judgements(qrels: dict[str, Path]) -> Judgements:
    """Read the judgements of all splits."""
    judgements = Judgements(qrels)
    for split, path in qrels.items():
        rows: dict[tuple[str, str], tuple[int, int]] = {}
        for line, query, document, score in _rows(path):
            other, first = judgements.queries.setdefault(query, (split, line))
            if other != split:
                raise judgements.wrong(
                    split, line, f"the query {query!r} is also in the split {other} ({qrels[other].name}:{first})",
                    "a question is in one split: move one of the two files out of qrels/",
                )  # fmt: skip
            before, at = rows.setdefault((query, document), (score, line))
            if before != score:
                message = f"the document {document!r} is judged {score} for {query!r}, but {before} in line {at}"
                raise judgements.wrong(split, line, message)
            if at != line:
                judgements.repeats += 1
            elif score < 1:
                judgements.not_relevant += 1
            else:
                judgements.by_document.setdefault(document, []).append(Judgement(query, score, split, line))
        if not rows:
            raise damage(path, None, "the file holds no judgement")
    return judgements


def _rows(path: Path) -> Iterator[tuple[int, str, str, int]]:
    """Yield line, query, document and score of each row; a header line is left out."""
    with open_file(path) as handle:
        # The csv module as BEIR itself uses it: an id that holds a quote or a tab is written in quotes.
        reader = csv.reader(_decode(path, handle), delimiter="\t", strict=True)
        first = True
        try:
            for row in reader:
                if row and not (first and _is_header(row)):
                    yield reader.line_num, *_validate(path, reader.line_num, row)
                first = first and not row
        except csv.Error as error:
            raise damage(path, reader.line_num, f"this is no row of {_COLUMNS} ({error})") from error


def _decode(path: Path, handle: IO[bytes]) -> Iterator[str]:
    for number, line in enumerate(handle, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise damage(path, number, f"this is no UTF-8: {error}") from error


def _is_header(row: list[str]) -> bool:
    # A score of any form has a digit: `1.0` makes a faulty row, not a header.
    name = re.sub(r"[\W_]", "", row[0]).lower()
    return len(row) == 3 and name in _HEADER_WORDS and not any(map(str.isdigit, row[2]))


def _validate(path: Path, line: int, row: list[str]) -> tuple[str, str, int]:
    if len(row) != 3:
        raise damage(path, line, f"a row must have {_COLUMNS}; this one has {len(row)}")
    query, document, score = row
    if not query or not document:
        raise damage(path, line, f"the {'query-id' if not query else 'corpus-id'} is empty")
    if not _is_whole(score):
        raise damage(path, line, f"the score must be a whole number, not {score!r}")
    return query, document, int(score)


def _is_whole(score: str) -> bool:
    digits = score.strip().removeprefix("-")
    return digits.isdecimal() and len(digits) <= _MOST_DIGITS
