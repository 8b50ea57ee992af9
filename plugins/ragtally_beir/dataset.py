"""A BEIR folder as a dataset, read line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from ragtally import DatasetBatch, Location, Questions, RagtallyError, did_you_mean
from ragtally_beir.documents import BATCH_LINES, NOTHING, document_batches
from ragtally_beir.files import BeirFiles, Entry, damage, entries, find_files
from ragtally_beir.judgements import Judgements, read_judgements

WITHOUT_JUDGEMENTS = "queries without relevance judgements"
IRRELEVANT = "judgements that a document is not relevant"
DUPLICATES = "judgements given twice"


_QUERIES_TO_LOOK_AT = 1_000
# A question has one label out of a few.
_REMEDIES: Mapping[type, str] = {
    list: "several labels for one question: make one question of each label, to be answered yes or no",
    int: 'write numbers that are labels as text ("3"); of many different ones make ranges ("10 to 20")',
    float: 'make ranges of numbers and give these as labels ("10 to 20")',
}


class _Query(NamedTuple):
    id: str
    text: str
    answer: str | None
    split: str | None


class Beir:
    """Queries as questions, documents of title and text, and whole documents as evidence, by their grades."""

    def __init__(self, folder: str, answer_field: str | None) -> None:
        self._folder = folder
        self._answer_field = answer_field
        self.labelled = answer_field is not None

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The names of the files in qrels/."""
        return tuple(self._files.qrels)

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """The answers of the judged queries, the most frequent first; none without an answer field."""
        if self._answer_field is None:
            return ()
        judgements = self._judgements
        answers = [query.answer for query in self._queries(judgements) if query.split is not None]
        counts = Counter(answer for answer in answers if answer is not None)
        if len(counts) < 2:
            content = (
                f"all {counts.total()} answers in it are {next(iter(counts))!r}" if counts else self._no_such_field()
            )
            message = f"`{self._answer_field}` of the queries' metadata holds no two different answers: {content}"
            raise damage(self._files.queries, None, message, "name another answer_field, or leave it out")
        return tuple(sorted(counts, key=lambda answer: (-counts[answer], answer)))

    def answer_location(self, answer: str) -> Location | None:
        """The first query with an answer."""
        lines = (entry.line for entry in entries(self._files.queries) if self._answer(entry) == answer)
        line = next(lines, None)
        return None if line is None else Location(str(self._files.queries), line)

    def batches(self) -> Iterator[DatasetBatch]:
        """Yield queries, then documents with what is evidence in them, some thousand lines at a time."""
        judgements = self._judgements
        yield from self._question_batches(judgements)
        yield from document_batches(self._files, judgements)

    @property
    def _files(self) -> BeirFiles:
        return find_files(self._folder)

    @property
    def _judgements(self) -> Judgements:
        return read_judgements(self._files.qrels)

    def _question_batches(self, judgements: Judgements) -> Iterator[DatasetBatch]:
        queries = self._queries(judgements)
        identifiers: set[str] = set()
        while batch := list(islice(queries, BATCH_LINES)):
            with_split = [query for query in batch if query.split is not None]
            identifiers.update(query.id for query in with_split)
            questions = Questions(
                id=[query.id for query in with_split],
                text=[query.text for query in with_split],
                label=[query.answer for query in with_split],
                split=[query.split or "" for query in with_split],
            )
            left_out = {WITHOUT_JUDGEMENTS: len(batch) - len(with_split)} if len(batch) > len(with_split) else {}
            yield DatasetBatch(NOTHING.documents, questions, NOTHING.evidence, left_out)
        for query, (split, line) in judgements.queries.items():
            if query not in identifiers:
                raise judgements.wrong(split, line, f"the query {query!r} is not in {self._files.queries.name}")
        counts = {IRRELEVANT: judgements.not_relevant, DUPLICATES: judgements.repeats}
        yield DatasetBatch(
            NOTHING.documents,
            NOTHING.questions,
            NOTHING.evidence,
            {what: count for what, count in counts.items() if count},
        )

    def _queries(self, judgements: Judgements) -> Iterator[_Query]:
        lines: dict[str, int] = {}
        for entry in entries(self._files.queries):
            identifier, text = entry.identifier(), entry.text("text")
            if lines.setdefault(identifier, entry.line) != entry.line:
                raise entry.wrong(f"the query {identifier!r} is there twice, first in line {lines[identifier]}")
            if not text.strip():
                raise entry.wrong(f"the query {identifier!r} has no words")
            split, _ = judgements.queries.get(identifier, (None, 0))
            yield _Query(identifier, text, self._answer(entry), split)

    def _answer(self, entry: Entry) -> str | None:
        if self._answer_field is None:
            return None
        answer = _metadata(entry).get(self._answer_field)
        if answer is not None and (not isinstance(answer, str) or not answer.strip()):
            message = f"the answer in `metadata.{self._answer_field}` must be a text that is not empty"
            raise entry.wrong(message, _REMEDIES.get(type(answer), "write a label, or leave the field out"))
        return answer

    def _no_such_field(self) -> str:
        first = islice(entries(self._files.queries), _QUERIES_TO_LOOK_AT)
        fields = sorted({key for entry in first for key in _metadata(entry)})
        return f"no query has it; {did_you_mean(str(self._answer_field), fields)}"


def look(folder: str) -> tuple[str | None, tuple[str, ...]]:
    """Guess which field of a folder's queries holds labels, and list its splits; nothing where it cannot be read."""
    try:
        files = find_files(folder)
        values: dict[str, list[str]] = {}
        for entry in islice(entries(files.queries), _QUERIES_TO_LOOK_AT):
            for field, value in _metadata(entry).items():
                if isinstance(value, str) and value.strip():
                    values.setdefault(field, []).append(value)
    except RagtallyError:
        return None, ()
    # Labels repeat; ids, dates and titles do not.
    classes = {field: len(set(each)) for field, each in values.items() if 2 <= len(set(each)) <= len(each) / 2}
    return min(classes, key=lambda field: classes[field], default=None), tuple(files.qrels)


def _metadata(entry: Entry) -> Mapping[str, object]:
    metadata = entry.value.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise entry.wrong("`metadata` must be an object")
    return metadata or {}
