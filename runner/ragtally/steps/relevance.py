"""judge: compare the hits with the gold evidence."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from ragtally.api import RankingRelevance
from ragtally.relevance import relevance_of
from ragtally.steps import chunk, retrieve, sample
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import read_array, write_array

STEP = "judge"
VERSION = 2


def task(factory: TaskFactory, chunked: Task, sampled: Task, retrieved: Task, **about: Any) -> Task:
    """Describe the work."""
    inputs = {"chunk": chunked, "sample": sampled, "retrieve": retrieved}
    return factory.task(STEP, VERSION, inputs=inputs, **about)


def run(work: Work) -> None:
    """Write one `.npy` file for each column of `RankingRelevance`, and what the retriever measured of its search."""
    hits = retrieve.load_hits(work.input("retrieve"))
    spans = chunk.load_spans(work.input("chunk"))
    questions = len(sample.load_questions(work.input("sample")))
    evidence = sample.load_evidence(work.input("sample"))
    # A document of white space has no chunk, wherever it stands.
    documents = int(max(spans.document.max(), evidence.document.max(initial=-1))) + 1
    judged = relevance_of(hits, spans, evidence, questions, documents)
    write_relevance(work.folder, judged)
    retrieve.write_measured(work.folder, retrieve.load_measured(work.input("retrieve")))


def write_relevance(folder: Path, judged: RankingRelevance) -> None:
    """Write judged hits."""
    for column in fields(judged):
        write_array(folder / f"{column.name}.npy", getattr(judged, column.name))


def load_relevance(folder: Path) -> RankingRelevance:
    """Read the judged hits."""
    return RankingRelevance(
        **{column.name: read_array(folder / f"{column.name}.npy") for column in fields(RankingRelevance)}
    )
