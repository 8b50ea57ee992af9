"""retrieve: ask the index every question (the Haystack pipeline `search`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ragtally import pipelines
from ragtally.api import Choice, Hits, MeasuredRetriever, PluginError, Queries, ReportingRetriever, Retriever, Score
from ragtally.steps import chunk, embed, index, sample
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import read_array, read_json, write_array, write_json

STEP = "retrieve"
VERSION = 2

_MEASURED = "measured.json"


def task(
    factory: TaskFactory,
    indexed: Task,
    sampled: Task,
    asked: Task | None,
    retriever: Choice,
    limit: int,
    **about: Any,
) -> Task:
    """Describe the work."""
    inputs = {**indexed.inputs, "index": indexed, "sample": sampled, "embed_questions": asked}
    choices = {"retriever": retriever}
    return factory.task(STEP, VERSION, choices=choices, settings={"limit": limit}, inputs=inputs, **about)


def run(work: Work) -> None:
    """Write `passage.npy` (int32) and `score.npy` (float32), both of shape [questions, limit]."""
    # Where the retriever measures its search: also `measured.json`, scores by printed name.
    passages = chunk.load_passages(work.input("chunk"), work.input("prepare"))
    vectors = work.optional("embed")
    retriever: Retriever = work.build("retriever")
    if isinstance(retriever, ReportingRetriever):
        retriever.report_to(work.progress)
    retriever.load(
        work.input("index") / index.FOLDER, passages, None if vectors is None else embed.load_vectors(vectors)
    )
    reads = work.registry.traits(work.task.choices["retriever"]).reads
    queries = load_queries(work.input("sample"), work.optional("embed_questions"), evidence="evidence" in reads)
    limit = work.task.settings["limit"]
    hits = pipelines.run_search(retriever, queries, limit)
    write_hits(work, hits, queries, len(passages))
    write_measured(work.folder, retriever.measured() if isinstance(retriever, MeasuredRetriever) else {})


def load_queries(sampled: Path, vectors: Path | None, *, evidence: bool) -> Queries:
    """Read what a retriever is asked."""
    questions = sample.load_questions(sampled)
    return Queries(
        questions["id"].to_list(),
        questions["text"].to_list(),
        None if vectors is None else embed.load_vectors(vectors),
        sample.load_evidence(sampled) if evidence else None,
    )


def write_hits(work: Work, hits: Hits, queries: Queries, passages: int) -> None:
    """Check hits and write them."""
    _check(hits, queries, work.task.settings["limit"], passages, work.task)
    write_array(work.folder / "passage.npy", hits.passage.astype(np.int32))
    write_array(work.folder / "score.npy", hits.score.astype(np.float32))


def load_hits(folder: Path) -> Hits:
    """Read the hits."""
    return Hits(read_array(folder / "passage.npy"), read_array(folder / "score.npy"))


def write_measured(folder: Path, measured: Mapping[str, Score]) -> None:
    """Write what a retriever measured of its search; nothing where that is nothing."""
    if measured:
        write_json(folder / _MEASURED, {name: asdict(score) for name, score in measured.items()})


def load_measured(folder: Path) -> dict[str, Score]:
    """Read what the retriever said of its search."""
    path = folder / _MEASURED
    return {name: Score(**score) for name, score in read_json(path).items()} if path.is_file() else {}


def _check(hits: Hits, queries: Queries, limit: int, chunks: int, task: Task) -> None:
    who, shape = f"the retriever {task.choices['retriever']} returned", (len(queries), limit)
    if hits.passage.shape != shape or hits.score.shape != shape:
        raise PluginError(
            f"{who} hits of shape {hits.passage.shape} and scores of shape {hits.score.shape}, asked for {shape}"
        )
    if not np.issubdtype(hits.passage.dtype, np.integer):
        raise PluginError(f"{who} rows of the type {hits.passage.dtype}, which is no integer")
    if hits.passage.size and (hits.passage.max() >= chunks or hits.passage.min() < -1):
        raise PluginError(f"{who} rows that are no chunks: there are {chunks}")
    found = hits.passage >= 0
    in_order = np.sort(hits.passage, axis=1)
    faults = {
        "a hit after the last one (-1)": found[:, 1:] & ~found[:, :-1],
        "the same chunk twice": (in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0),
        "a score that is no number": ~np.isfinite(hits.score),
    }
    for fault, where in faults.items():
        for row in np.flatnonzero(where.any(axis=1))[:1]:
            raise PluginError(f"{who} {fault} for the question {queries.id[row]!r}")
