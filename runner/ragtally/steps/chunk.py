"""chunk: split the corpus."""

from __future__ import annotations

import numpy as np

from ragtally import pipelines
from ragtally.api import Documents, PluginError, Spans
from ragtally.steps.step import Step, Task, Work
from ragtally.tables import load_documents, write_spans


def run(work: Work) -> None:
    """Write `spans.npy`."""
    documents = load_documents(work.input("prepare"))
    spans = pipelines.SplitDocuments(work.build("chunker")).run(documents)["spans"]
    _check(spans, documents, work.task)
    write_spans(work.folder, spans)


def _check(spans: Spans, documents: Documents, task: Task) -> None:
    who = f"the chunker {task.choices['chunker']} made"
    if not len(spans):
        raise PluginError(f"{who} no chunk")
    if not len(spans.document) == len(spans.start) == len(spans.end):
        raise PluginError(f"{who} columns of different lengths")
    if spans.document.min() < 0 or spans.document.max() >= len(documents):
        raise PluginError(f"{who} a chunk of a document that does not exist")
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


CHUNK = Step("chunk", 1, run, inputs=("prepare",), can_leave=True)
