"""index: write the retriever's index (the Haystack pipeline `fill`)."""

from __future__ import annotations

from typing import Any

from ragtally import pipelines
from ragtally.api import Choice, ReportingRetriever, Retriever
from ragtally.steps import chunk, embed
from ragtally.steps.task import Task, TaskFactory, Work

STEP = "index"
VERSION = 2

# Where in an entry the retriever saves its index.
FOLDER = "retriever"


def task(
    factory: TaskFactory, prepared: Task, chunked: Task, embedded: Task | None, retriever: Choice, **about: Any
) -> Task:
    """Describe the work; parameters that only a search uses do not count, so that searches share an index."""
    inputs = {"prepare": prepared, "chunk": chunked, "embed": embedded}
    return factory.task(STEP, VERSION, choices={"retriever": retriever}, inputs=inputs, search=False, **about)


def run(work: Work) -> None:
    """Write the folder `retriever/`: what the retriever saves of its index."""
    passages = chunk.load_passages(work.input("chunk"), work.input("prepare"))
    vectors = work.optional("embed")
    retriever: Retriever = work.build("retriever")
    if isinstance(retriever, ReportingRetriever):
        retriever.report_to(work.progress)
    pipelines.run_fill(retriever, passages, None if vectors is None else embed.load_vectors(vectors))
    (work.folder / FOLDER).mkdir()
    retriever.save(work.folder / FOLDER)
