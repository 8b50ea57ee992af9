"""retrieve: search the index for every question."""

from __future__ import annotations

import numpy as np

from ragtally import pipelines
from ragtally.api import Hits, MeasuredRetriever, PluginError, Queries, ReportingRetriever, Retriever
from ragtally.steps.step import Step, Task, Work
from ragtally.support.ranking import ranking_depth
from ragtally.tables import INDEX_FOLDER, load_chunks, load_queries, load_vectors, write_hits, write_search_scores


def run(work: Work) -> None:
    """Write `passage.npy` (int32) and `score.npy` (float32), both of shape [questions, limit]."""
    # Where the retriever measures its search: also `measured.json`, scores by printed name.
    chunks = load_chunks(work.input("chunk"), work.input("prepare"))
    vectors = work.optional("embed")
    retriever: Retriever = work.build("retriever")
    if isinstance(retriever, ReportingRetriever):
        retriever.report_to(work.progress)
    retriever.load(work.input("index") / INDEX_FOLDER, chunks, None if vectors is None else load_vectors(vectors))
    reads = work.registry.traits(work.task.choices["retriever"]).reads
    queries = load_queries(work.input("sample"), work.optional("embed_questions"), evidence="evidence" in reads)
    limit = ranking_depth(work.task.settings["limit"], len(chunks))
    hits = pipelines.Retrieve(retriever).run(queries, limit)["hits"]
    check_hits(hits, queries, len(chunks), work.task)
    write_hits(work.folder, hits)
    write_search_scores(work.folder, retriever.measured() if isinstance(retriever, MeasuredRetriever) else {})


def check_hits(hits: Hits, queries: Queries, chunks: int, task: Task) -> None:
    """Refuse hits that are no ranking of the chunks."""
    who = f"the retriever {task.choices['retriever']} returned"
    shape = len(queries), ranking_depth(task.settings["limit"], chunks)
    if hits.passage.shape != shape or hits.score.shape != shape:
        raise PluginError(
            f"{who} hits of shape {hits.passage.shape} and scores of shape {hits.score.shape}, asked for {shape}"
        )
    if not np.issubdtype(hits.passage.dtype, np.integer):
        raise PluginError(f"{who} rows of the type {hits.passage.dtype}, which is no integer")
    if hits.passage.size and (hits.passage.max() >= chunks or hits.passage.min() < -1):
        raise PluginError(f"{who} rows that are no chunks: there are {chunks}")
    hit = hits.passage >= 0
    in_order = np.sort(hits.passage, axis=1)
    faults = {
        "a hit after the last one (-1)": hit[:, 1:] & ~hit[:, :-1],
        "the same chunk twice": (in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0),
        "a score that is no number": ~np.isfinite(hits.score),
    }
    for fault, where in faults.items():
        for row in np.flatnonzero(where.any(axis=1))[:1]:
            raise PluginError(f"{who} {fault} for the question {queries.id[row]!r}")


RETRIEVE = Step(
    "retrieve", 2, run, inputs=("prepare", "chunk", "embed", "index", "sample", "embed_questions"), can_leave=True
)
