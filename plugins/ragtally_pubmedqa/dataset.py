"""The dataset `pubmedqa`: one document per abstract, its sections the evidence of its question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from typing import NamedTuple

from ragtally import DataError, DatasetBatch, Documents, Evidence, Questions, RemoteFile
from ragtally_pubmedqa.files import FOLDER_NAME, REMOTE_FILES, SubsetFiles, find_files, remedy
from ragtally_pubmedqa.records import ANSWERS, Record, published_test_answers, records

_BATCH_RECORDS = 2_000
_SPLITS = {"labeled": ("train", "test"), "artificial": ("train",), "unlabeled": ("train",)}


class _Row(NamedTuple):
    record: Record
    split: str


class PubMedQA:
    """PubMedQA, one subset (Jin et al. 2019, "PubMedQA: A Dataset for Biomedical Research Question Answering")."""

    # A document is the abstract of one article without its conclusion: its contexts, joined by a newline. All of a
    # question's sections are its evidence. A section without a character keeps its newline, but has no span.

    folder_name = FOLDER_NAME

    def __init__(self, subset: str, path: str | None) -> None:
        self._subset = subset
        self._path = path
        self.answers: tuple[str, ...] = ANSWERS[subset]
        self.splits: tuple[str, ...] = _SPLITS[subset]
        self.labelled = subset != "unlabeled"
        self.remote_files: tuple[RemoteFile, ...] = REMOTE_FILES if subset == "labeled" else ()

    def batches(self) -> Iterator[DatasetBatch]:
        """Yield the subset some thousand questions at a time, in the file's order."""
        files = find_files(self._subset, self._path)
        rows = _rows(files)
        while batch := list(islice(rows, _BATCH_RECORDS)):
            yield _batch(batch)


def _rows(files: SubsetFiles) -> Iterator[_Row]:
    """Put every record into its split; check the published test answers on the way."""
    waiting = published_test_answers(files.truth) if files.truth else {}
    for record in records(files):
        answer, location = waiting.pop(record.id, (None, None))
        if answer is not None and answer != record.label:
            raise DataError(
                f"the test answer of {record.id} is {answer!r}, but its final_decision in {files.records[0].name} "
                f"is {record.label!r}",
                location=location,
                hint=remedy(files.subset),
            )
        yield _Row(record, "train" if answer is None else "test")
    if waiting:
        identifier, (_, location) = next(iter(waiting.items()))
        raise DataError(
            f"{len(waiting)} test questions are not among the records of {files.records[0].name}; the first is "
            f"{identifier}",
            location=location,
            hint=remedy(files.subset),
        )


def _batch(rows: Sequence[_Row]) -> DatasetBatch:
    abstracts = [record for record, _ in rows]
    identifiers = [record.id for record in abstracts]
    spans = [_spans(record.contexts) for record in abstracts]
    evidence = [
        (record.id, start, end)
        for record, of_record in zip(abstracts, spans, strict=True)
        for start, end in of_record
    ]
    owners = [owner for owner, _, _ in evidence]
    return DatasetBatch(
        documents=Documents(
            id=identifiers,
            text=["\n".join(record.contexts) for record in abstracts],
            section_starts=[[start for start, _ in of_record] for of_record in spans],
            section_ends=[[end for _, end in of_record] for of_record in spans],
        ),
        questions=Questions(
            id=identifiers,
            text=[record.question for record in abstracts],
            label=[record.label for record in abstracts],
            split=[split for _, split in rows],
        ),
        evidence=Evidence(
            question=owners,
            document=owners,
            start=[start for _, start, _ in evidence],
            end=[end for _, _, end in evidence],
        ),
    )


def _spans(sections: Sequence[str]) -> list[tuple[int, int]]:
    ends = list(accumulate(len(section) + 1 for section in sections))
    return [(end - 1 - len(section), end - 1) for section, end in zip(sections, ends, strict=True) if section]
