"""retrieve: search the index for every question, part by part where it has parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ragtally import pipelines
from ragtally.api import (
    Hits,
    MeasuredRetriever,
    PluginError,
    Queries,
    ReportingRetriever,
    Retriever,
    ShardedRetriever,
)
from ragtally.steps.step import Shard, Sharding, Step, Task, Work
from ragtally.support.ranking import merge_hits, ranking_depth
from ragtally.tables import (
    INDEX_FOLDER,
    load_chunks,
    load_hits,
    load_index_parts,
    load_queries,
    load_spans,
    load_vectors,
    part_folder,
    shared_folder,
    write_hits,
    write_search_scores,
)


def run(work: Work) -> None:
    """Write `passage.npy` (int32) and `score.npy` (float32), both of shape [questions, limit]."""
    # Where the retriever measures its search: also `measured.json`, scores by printed name.
    chunks = load_chunks(work.input("chunk"), work.input("prepare"))
    vectors = work.optional("embed")
    retriever: Retriever = work.build("retriever")
    if isinstance(retriever, ReportingRetriever):
        retriever.report_to(work.progress)
    retriever.load(work.input("index") / INDEX_FOLDER, chunks, None if vectors is None else load_vectors(vectors))
    queries = _queries(work)
    write_hits(work.folder, _search(work, retriever, queries, len(chunks)))
    write_search_scores(work.folder, retriever.measured() if isinstance(retriever, MeasuredRetriever) else {})


def _count(work: Work) -> int:
    return len(load_index_parts(work.input("index"))) or 1


def _run_piece(work: Work, shard: Shard) -> None:
    """Write the hits of one part of the index."""
    index = work.input("index")
    rows = load_index_parts(index)[shard.number]
    chunks = load_chunks(work.input("chunk"), work.input("prepare"), rows)
    vectors = work.optional("embed")
    retriever: ShardedRetriever = work.build("retriever")
    part, shared = part_folder(index, shard.number), shared_folder(index)
    retriever.load_part(part, shared, shard.number, chunks, None if vectors is None else load_vectors(vectors)[rows])
    write_hits(work.folder, _search(work, retriever, _queries(work), len(chunks)))


def _merge(work: Work, pieces: Sequence[Path]) -> None:
    chunks = len(load_spans(work.input("chunk")))
    limit = ranking_depth(work.task.settings["limit"], chunks)
    starts = [rows.start for rows in load_index_parts(work.input("index"))]
    write_hits(work.folder, merge_hits(map(load_hits, pieces), starts, limit))


def _queries(work: Work) -> Queries:
    reads = work.registry.traits(work.task.choices["retriever"]).reads
    return load_queries(work.input("sample"), work.optional("embed_questions"), evidence="evidence" in reads)


def _search(work: Work, retriever: Retriever, queries: Queries, chunks: int) -> Hits:
    limit = ranking_depth(work.task.settings["limit"], chunks)
    hits = pipelines.Retrieve(retriever).run(queries, limit)["hits"]
    check_hits(hits, queries, chunks, work.task)
    return hits


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
    "retrieve",
    2,
    run,
    inputs=("prepare", "chunk", "embed", "index", "sample", "embed_questions"),
    sharding=Sharding(_count, _run_piece, _merge),
    can_leave=True,
)
