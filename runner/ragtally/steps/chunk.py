"""chunk: cut the corpus (the Haystack pipeline `cut`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from ragtally import pipelines
from ragtally.api import Choice, Documents, Passages, PluginError, Spans
from ragtally.steps import prepare
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import read_array, write_array

STEP = "chunk"
VERSION = 1


def task(factory: TaskFactory, prepared: Task, chunker: Choice, **about: Any) -> Task:
    """Describe the work."""
    return factory.task(STEP, VERSION, choices={"chunker": chunker}, inputs={"prepare": prepared}, **about)


def run(work: Work) -> None:
    """Write `spans.npy`: document rows, starts and ends, int32 of shape [3, chunks]."""
    documents = prepare.load_documents(work.input("prepare"))
    spans = pipelines.run_split(work.build("chunker"), documents)
    _check(spans, documents, work.task)
    write_array(work.folder / "spans.npy", np.stack([spans.document, spans.start, spans.end]).astype(np.int32))


def load_spans(folder: Path) -> Spans:
    """Read the chunks."""
    document, start, end = read_array(folder / "spans.npy")
    return Spans(document, start, end)


def _check(spans: Spans, documents: Documents, task: Task) -> None:
    who = f"the chunker {task.choices['chunker']} made"
    if not len(spans):
        raise PluginError(f"{who} no chunk")
    if not len(spans.document) == len(spans.start) == len(spans.end):
        raise PluginError(f"{who} columns of different lengths")
    if spans.document.min() < 0 or spans.document.max() >= len(documents):
        raise PluginError(f"{who} a chunk of a document that there is not")
    lengths = np.fromiter(map(len, documents.text), dtype=np.int64, count=len(documents))
    same = spans.document[1:] == spans.document[:-1]
    backwards = (spans.document[1:] < spans.document[:-1]) | (same & (spans.start[1:] < spans.start[:-1]))
    faults = {
        "an empty chunk": spans.start >= spans.end,
        "a chunk outside of its text": (spans.start < 0) | (spans.end > lengths[spans.document]),
        "a chunk out of order": np.append(backwards, [False]),
    }
    for fault, where in faults.items():
        for row in np.flatnonzero(where)[:1]:
            raise PluginError(f"{who} {fault} in the document {documents.id[int(spans.document[row])]!r}")


class ChunkTexts(Sequence[str]):
    """The chunks' texts, cut out of the documents only when they are looked at."""

    # With 700,000 chunks the texts themselves take more memory than everything else that a search needs.

    def __init__(self, spans: Spans, prepared: Path) -> None:
        self._spans = spans
        self._prepared = prepared

    def __len__(self) -> int:
        return len(self._spans)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return list(self._cut(index))
        (text,) = self._cut(slice(index, index + 1 or None))
        return text

    def __iter__(self) -> Iterator[str]:
        return self._cut(slice(None))

    def _cut(self, rows: slice) -> Iterator[str]:
        texts = prepare.load_texts(self._prepared)
        spans = self._spans
        columns = (spans.document[rows].tolist(), spans.start[rows].tolist(), spans.end[rows].tolist())
        return (texts[document][start:end] for document, start, end in zip(*columns, strict=True))


def load_passages(folder: Path, prepared: Path) -> Passages:
    """Read the chunks with their texts."""
    spans = load_spans(folder)
    return Passages(ChunkTexts(spans, prepared), spans)
