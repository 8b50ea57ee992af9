"""relevance and context_relevance: compare hits, and the passages of a word budget, with the gold evidence."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import polars as pl

from ragtally.api import Hits, Spans
from ragtally.relevance import relevance_of
from ragtally.steps.step import Step, Work
from ragtally.support.unspaced import counted_words
from ragtally.tables import (
    load_evidence,
    load_hits,
    load_passages,
    load_questions,
    load_search_scores,
    load_spans,
    load_texts,
    write_relevance,
    write_search_scores,
)


def run(work: Work) -> None:
    """Write the columns of `RankingRelevance`, and what the retriever measured of its search."""
    hits, spans = load_hits(work.input("retrieve")), load_spans(work.input("chunk"))
    questions, evidence = len(load_questions(work.input("sample"))), load_evidence(work.input("sample"))
    # A document of white space has no chunk, wherever it stands.
    documents = int(max(spans.document.max(), evidence.document.max(initial=-1))) + 1
    write_relevance(work.folder, relevance_of(hits, spans, evidence, questions, documents))
    write_search_scores(work.folder, load_search_scores(work.input("retrieve")))


def run_context(work: Work) -> None:
    """Write the columns of `RankingRelevance` of passages that a budget of words has cut."""
    # `coverable` is what the budget's number of the longest words of the question's evidence would cover: no choice
    # of chunks of whatever size could cover more.
    passages = load_passages(work.input("context"))
    evidence = load_evidence(work.input("sample"))
    questions = len(load_questions(work.input("sample")))
    texts = load_texts(work.input("prepare"))
    spans, hits = _as_hits(passages, questions)
    relevance = relevance_of(hits, spans, evidence, questions, len(texts))
    longest = np.zeros(questions, np.int64)
    starts, ends = evidence.start.tolist(), evidence.end.tolist()
    settings = work.task.settings
    budget, pattern = settings["context_words"], counted_words(settings.get("language"))
    for question in range(questions):
        own = slice(*np.searchsorted(evidence.question, [question, question + 1]).tolist())
        words = [
            length
            for document, start, end in zip(evidence.document[own].tolist(), starts[own], ends[own], strict=True)
            for length in _lengths(pattern, texts[document][start:end])
        ]
        longest[question] = sum(sorted(words, reverse=True)[:budget])
    most = np.minimum(longest, relevance.evidence_total)
    # A gap between words of more than one character can make the passages cover more than this counts.
    coverable = np.maximum(relevance.covered, np.broadcast_to(most[:, None], relevance.covered.shape))
    write_relevance(work.folder, replace(relevance, coverable=coverable))


def _lengths(pattern: re.Pattern[str], text: str) -> list[int]:
    """The characters of each word with the white space after it, which signs of a script without spaces lack."""
    ends = [(match.start(), match.end()) for match in pattern.finditer(text)]
    return [end - start + (end == len(text) or text[end].isspace()) for start, end in ends]


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


# Both were called after a judge in version 0.1; judges are now models that grade answers.
RELEVANCE = Step("relevance", 2, run, inputs=("chunk", "sample", "retrieve"), stored_as="judge")
CONTEXT_RELEVANCE = Step(
    "context_relevance", 1, run_context, inputs=("prepare", "sample", "context"), stored_as="judge_context"
)
