"""judge_context: compare passages that a budget of words has cut with the gold evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from ragtally.api import Hits, Spans
from ragtally.relevance import relevance_of
from ragtally.steps import context, prepare, relevance, sample
from ragtally.steps.task import Task, TaskFactory, Work

STEP = "judge_context"
VERSION = 1


def task(factory: TaskFactory, passages: Task, **about: Any) -> Task:
    """Describe the work."""
    inputs = {role: passages.inputs[role] for role in ("prepare", "sample")}
    settings = {"context_words": passages.settings["context_words"]}
    return factory.task(STEP, VERSION, settings=settings, inputs={**inputs, "context": passages}, **about)


def run(work: Work) -> None:
    """Write the columns of `RankingRelevance`, as the step judge does, of the passages before the reader."""
    # `coverable` is what the budget's number of the longest words of the question's evidence would cover: no choice
    # of chunks of whatever size could cover more.
    passages = context.load_passages(work.input("context"))
    evidence = sample.load_evidence(work.input("sample"))
    questions = len(sample.load_questions(work.input("sample")))
    texts = prepare.load_texts(work.input("prepare"))
    spans, hits = _as_hits(passages, questions)
    judged = relevance_of(hits, spans, evidence, questions, len(texts))
    longest = np.zeros(questions, np.int64)
    starts, ends = evidence.start.tolist(), evidence.end.tolist()
    budget = work.task.settings["context_words"]
    for question in range(questions):
        own = slice(*np.searchsorted(evidence.question, [question, question + 1]).tolist())
        words = [
            len(word) + 1
            for document, start, end in zip(evidence.document[own].tolist(), starts[own], ends[own], strict=True)
            for word in texts[document][start:end].split()
        ]
        longest[question] = sum(sorted(words, reverse=True)[:budget])
    most = np.minimum(longest, judged.evidence_total)
    # A gap between words of more than one character can make the passages cover more than this counts.
    coverable = np.maximum(judged.covered, np.broadcast_to(most[:, None], judged.covered.shape))
    relevance.write_relevance(work.folder, replace(judged, coverable=coverable))


def _as_hits(passages: pl.DataFrame, questions: int) -> tuple[Spans, Hits]:
    """Write passages as hits over the list of all different passages."""
    question = passages["question"].to_numpy()
    places = [passages[name].to_numpy() for name in ("document", "start", "end")]
    columns, row = np.unique(np.stack(places), axis=1, return_inverse=True)
    counts = np.bincount(question, minlength=questions)
    rank = np.arange(len(question)) - np.repeat(np.cumsum(counts) - counts, counts)
    passage = np.full((questions, max(1, int(counts.max(initial=0)))), -1, np.int32)
    passage[question, rank] = row
    return Spans(*columns.astype(np.int32)), Hits(passage, np.zeros(passage.shape, np.float32))
