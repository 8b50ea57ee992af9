"""The documents of a BEIR folder: their texts, and what is evidence in them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ragtally import DatasetBatch, Documents, Evidence, Questions
from ragtally_beir.files import BeirFiles, Entry, entries
from ragtally_beir.judgements import Judgement, Judgements

# How many lines of a file are in memory at once.
BATCH_LINES = 4_096

WITHOUT_TEXT = "judgements of documents without text"

# A piece of a dataset with nothing in it.
NOTHING = DatasetBatch(Documents([], [], [], []), Questions([], [], [], []), Evidence([], [], [], [], []))


def document_batches(files: BeirFiles, judgements: Judgements) -> Iterator[DatasetBatch]:
    """Yield the corpus some thousand documents at a time, each with the evidence that it is."""
    lines = entries(files.corpus)
    waiting = dict(judgements.by_document)
    hashes: list[NDArray[np.int64]] = []
    while batch := list(islice(lines, BATCH_LINES)):
        documents = _documents(batch)
        hashes.append(np.fromiter(map(hash, documents.id), np.int64, len(documents)))
        evidence, without_text = _evidence(documents, waiting)
        left_out = {WITHOUT_TEXT: without_text} if without_text else {}
        yield DatasetBatch(documents, NOTHING.questions, evidence, left_out)
    _require_once(files, hashes)
    for document, (first, *_) in waiting.items():
        further = f", nor are {len(waiting) - 1} further ones" if len(waiting) > 1 else ""
        message = f"the relevant document {document!r} is not in {files.corpus.name}{further}"
        raise judgements.wrong(first.split, first.line, message)


def _documents(batch: list[Entry]) -> Documents:
    """Put title and text below each other, as the two sections of a document; either may be missing."""
    texts, starts, ends = [], [], []
    for entry in batch:
        title, body = entry.text("title", missing=""), entry.text("text")
        parts = [part for part in (title, body) if part.strip()]
        texts.append("\n".join(parts))
        starts.append([0, len(parts[0]) + 1][: len(parts)] if parts else [])
        ends.append([len(parts[0]), len(texts[-1])][: len(parts)] if parts else [])
    return Documents([entry.identifier() for entry in batch], texts, starts, ends)


def _evidence(documents: Documents, waiting: dict[str, list[Judgement]]) -> tuple[Evidence, int]:
    """Take the judgements of some documents from those that wait; evidence is the text without outer white space."""
    rows, without_text = [], 0
    for document, text in zip(documents.id, documents.text, strict=True):
        judgements = waiting.pop(document, [])
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        if start < end:
            rows += [(judgement.query, document, start, end, judgement.grade) for judgement in judgements]
        else:
            without_text += len(judgements)
    return Evidence(*map(list, zip(*rows, strict=True))) if rows else NOTHING.evidence, without_text


def _require_once(files: BeirFiles, hashes: list[NDArray[np.int64]]) -> None:
    """Look for ids that come twice: by their hashes, since the ids of millions of documents would fill memory."""
    values, counts = np.unique(np.concatenate([np.zeros(0, np.int64), *hashes]), return_counts=True)
    suspects = set(values[counts > 1].tolist())
    lines: dict[str, int] = {}
    for entry in entries(files.corpus) if suspects else ():
        identifier = entry.identifier()
        if hash(identifier) in suspects and lines.setdefault(identifier, entry.line) != entry.line:
            raise entry.wrong(f"the document {identifier!r} is there twice, first in line {lines[identifier]}")
