"""rerank and rerank_prompt: make a ranking of what other retrievers find, and the prompts of a model that ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ragtally import pipelines
from ragtally.api import Candidates, Hits, PluginError, PromptingReranker, Queries, Reranker, RetrieverTraits
from ragtally.steps.pieces import pieces_of
from ragtally.steps.retrieve import check_hits
from ragtally.steps.step import Shard, Sharding, Step, Work
from ragtally.support.ranking import ranking_depth
from ragtally.tables import (
    ReplyCounts,
    join_hits,
    load_answers,
    load_chunks,
    load_hits,
    load_queries,
    load_questions,
    load_spans,
    write_hits,
    write_prompts,
    write_reply_counts,
)


def run(work: Work) -> None:
    """Write `passage.npy` and `score.npy`, as the step retrieve does: rows of the windows where there are any."""
    # Where a language model was asked, `replies.json` says how many of its replies could not be read.
    retriever: Reranker = work.build("retriever")
    queries, candidates = load_queries(work.input("sample"), None, evidence=False), _candidates(work)
    _rerank(work, retriever, queries, candidates)
    if isinstance(retriever, PromptingReranker) and candidates.replies is not None:
        write_reply_counts(work.folder, ReplyCounts(len(queries), retriever.unread(candidates)))


def _count(work: Work) -> int:
    traits: RetrieverTraits = work.registry.traits(work.task.choices["retriever"])
    questions = traits.questions_at_once
    return 1 if questions is None or traits.prompts else pieces_of(_count_questions(work), questions)


def _run_piece(work: Work, shard: Shard) -> None:
    """Rank the candidates of some of the questions."""
    rows = shard.rows(_count_questions(work))
    queries, candidates = load_queries(work.input("sample"), None, evidence=False), _candidates(work)
    hits = tuple(Hits(each.passage[rows], each.score[rows]) for each in candidates.hits)
    _rerank(
        work,
        work.build("retriever"),
        replace(queries, id=queries.id[rows], text=queries.text[rows]),
        replace(candidates, hits=hits),
    )


def _merge(work: Work, pieces: Sequence[Path]) -> None:
    join_hits(work.folder, pieces)


def _count_questions(work: Work) -> int:
    return len(load_questions(work.input("sample")))


def _rerank(work: Work, retriever: Reranker, queries: Queries, candidates: Candidates) -> None:
    rows = len(candidates.passages if candidates.windows is None else candidates.windows)
    limit = ranking_depth(work.task.settings["limit"], rows)
    hits = pipelines.Rerank(retriever).run(queries, candidates, limit)["hits"]
    check_hits(hits, queries, rows, work.task)
    write_hits(work.folder, hits)


def run_prompt(work: Work) -> None:
    """Write `prompts.parquet`, in the form of the step prompt."""
    retriever: PromptingReranker = work.build("retriever")
    queries = load_queries(work.input("sample"), None, evidence=False)
    prompts = retriever.prompts(queries, _candidates(work))
    if len(prompts) != len(queries) or not all(prompts):
        name = work.task.choices["retriever"].name
        raise PluginError(f"the retriever {name} did not write one prompt for each of {len(queries)} questions")
    write_prompts(work.folder, list(range(len(queries))), prompts)


def _candidates(work: Work) -> Candidates:
    windows, replies = work.optional("window"), work.optional("ask")
    return Candidates(
        hits=tuple(load_hits(entry.folder) for entry in work.entries["hits"]),
        passages=load_chunks(work.input("chunk"), work.input("prepare")),
        windows=None if windows is None else load_spans(windows),
        replies=None if replies is None else load_answers(replies)["text"].to_list(),
    )


# Version 0.1 called reranking refining.
RERANK = Step(
    "rerank",
    1,
    run,
    inputs=("prepare", "hits", "chunk", "sample", "window", "ask"),
    stored_as="refine",
    sharding=Sharding(_count, _run_piece, _merge),
    can_leave=True,
)
RERANK_PROMPT = Step(
    "rerank_prompt", 1, run_prompt, inputs=("prepare", "hits", "chunk", "sample"), stored_as="rank_prompt"
)
