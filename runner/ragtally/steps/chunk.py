"""chunk: split the corpus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ragtally import pipelines
from ragtally.api import Documents, PluginError, Spans
from ragtally.steps.pieces import pieces_of_documents
from ragtally.steps.step import Shard, Sharding, Step, Task, Work
from ragtally.store.texts import texts_size
from ragtally.tables import count_documents, join_spans, load_documents, load_spans, write_spans


def run(work: Work) -> None:
    """Write `spans.npy`."""
    write_spans(work.folder, _split(work, load_documents(work.input("prepare"))))
    _require_chunks(work)


def _count(work: Work) -> int:
    dataset = work.input("prepare")
    return pieces_of_documents(count_documents(dataset), texts_size(dataset) or 0)


def _run_piece(work: Work, shard: Shard) -> None:
    dataset = work.input("prepare")
    rows = shard.rows(count_documents(dataset))
    spans = _split(work, load_documents(dataset, rows))
    write_spans(work.folder, Spans(spans.document + np.int32(rows.start), spans.start, spans.end))


def _merge(work: Work, pieces: Sequence[Path]) -> None:
    join_spans(work.folder, pieces)
    _require_chunks(work)


def _split(work: Work, documents: Documents) -> Spans:
    spans = pipelines.SplitDocuments(work.build("chunker")).run(documents)["spans"]
    _check(spans, documents, work.task)
    return spans


def _require_chunks(work: Work) -> None:
    if not len(load_spans(work.folder)):
        raise PluginError(f"the chunker {work.task.choices['chunker']} made no chunk")


def _check(spans: Spans, documents: Documents, task: Task) -> None:
    who = f"the chunker {task.choices['chunker']} made"
    if not len(spans.document) == len(spans.start) == len(spans.end):
        raise PluginError(f"{who} columns of different lengths")
    if len(spans) and (spans.document.min() < 0 or spans.document.max() >= len(documents)):
        raise PluginError(f"{who} a chunk of a document that does not exist")
    lengths = np.fromiter(map(len, documents.text), dtype=np.int64, count=len(documents))
    same = spans.document[1:] == spans.document[:-1]
    backwards = (spans.document[1:] < spans.document[:-1]) | (same & (spans.start[1:] < spans.start[:-1]))
    faults = {
        "an empty chunk": spans.start >= spans.end,
        "a chunk outside of its text": (spans.start < 0) | (spans.end > lengths[spans.document]),
        "a chunk out of order": np.append(backwards, [False])[: len(spans)],
    }
    for fault, where in faults.items():
        for row in np.flatnonzero(where)[:1]:
            raise PluginError(f"{who} {fault} in the document {documents.id[int(spans.document[row])]!r}")


CHUNK = Step("chunk", 1, run, inputs=("prepare",), sharding=Sharding(_count, _run_piece, _merge), can_leave=True)
