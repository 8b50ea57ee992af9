"""Hits judged against the gold evidence: which are relevant, and how much of the evidence they cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally.api import Hits, QuestionEvidence, RankingRelevance, Spans
from ragtally.coverage import Intervals, covered_by_rank, largest_coverage, ranges


def relevance_of(
    hits: Hits, spans: Spans, evidence: QuestionEvidence, questions: int, documents: int
) -> RankingRelevance:
    """Compare hits with the evidence of their questions."""
    # A chunk's relevance is decided from character offsets alone: it is relevant when it holds at least one character
    # of the question's evidence, and its grade is the largest grade of the evidence that it holds a part of. Work and
    # memory grow with the chunks of the evidence documents and with the hits, never with questions x chunks.
    _require_in_range(hits, spans, evidence, questions, documents)
    depth = hits.passage.shape[1]
    merged = _merge(evidence)
    overlaps = _overlaps(merged, spans)
    hit = hits.passage >= 0
    row = np.broadcast_to(np.arange(questions)[:, None], hit.shape)
    passage = np.maximum(hits.passage, 0).astype(np.int64)

    found = _find(overlaps.keys(len(spans)), row * len(spans) + passage)
    relevant = hit & (found >= 0)
    of_document = row * documents + spans.document[passage] if len(spans) else passage
    relevant_document = hit & (_find(merged.question * documents + merged.document, of_document) >= 0)

    grades = _grades(evidence, overlaps, spans)
    grade = np.zeros(hit.shape, dtype=np.int32)
    grade[relevant] = grades[found[relevant]]

    _, rank = np.nonzero(relevant)
    shown = overlaps.intervals.take(found[relevant])
    evidence_total = np.zeros(questions, dtype=np.int64)
    np.add.at(evidence_total, merged.question, merged.end - merged.start)
    return RankingRelevance(
        hit=hit,
        relevant=relevant,
        relevant_document=relevant_document,
        grade=grade,
        relevant_total=np.bincount(overlaps.intervals.question, minlength=questions).astype(np.int64),
        ideal=_ideal(overlaps.intervals.question, grades, questions, depth),
        evidence_total=evidence_total,
        covered=covered_by_rank(shown, rank, questions, depth),
        coverable=largest_coverage(overlaps.intervals, questions, depth),
    )


def select_rows(judged: RankingRelevance, rows: NDArray[np.integer] | NDArray[np.bool_]) -> RankingRelevance:
    """Restrict judged hits to some of the questions."""
    return RankingRelevance(
        hit=judged.hit[rows],
        relevant=judged.relevant[rows],
        relevant_document=judged.relevant_document[rows],
        grade=judged.grade[rows],
        relevant_total=judged.relevant_total[rows],
        ideal=judged.ideal[rows],
        evidence_total=judged.evidence_total[rows],
        covered=judged.covered[rows],
        coverable=judged.coverable[rows],
    )


@dataclass(frozen=True, slots=True)
class _Merged:
    """Evidence without overlaps or empty spans, ordered by question, document and start; int64 columns."""

    question: NDArray[np.int64]
    document: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Overlaps:
    """Which chunk holds which part of which question's evidence, ordered by question and chunk."""

    # The evidence of all questions is laid end to end on one line. Since the spans of one document lie there one
    # behind the other, what a chunk holds of a question's evidence is always one interval of it.

    chunk: NDArray[np.int64]
    intervals: Intervals

    def keys(self, chunks: int) -> NDArray[np.int64]:
        """Number the pairs of question and chunk, in order."""
        return self.intervals.question * chunks + self.chunk


def _merge(evidence: QuestionEvidence) -> _Merged:
    question, document, start, end = (
        np.asarray(column, dtype=np.int64)
        for column in (evidence.question, evidence.document, evidence.start, evidence.end)
    )
    some = end > start
    order = np.flatnonzero(some)[np.lexsort((start[some], document[some], question[some]))]
    question, document, start, end = question[order], document[order], start[order], end[order]
    if len(order) == 0:
        return _Merged(question, document, start, end)
    group = _groups(question, document)
    stride = int(end.max()) + 1
    reach = np.maximum.accumulate(group * stride + end)
    opens = np.concatenate([[True], (group * stride + start)[1:] > reach[:-1]])
    closes = np.concatenate([opens[1:], [True]])
    return _Merged(question[opens], document[opens], start[opens], (reach - group * stride)[closes])


def _overlaps(merged: _Merged, spans: Spans) -> _Overlaps:
    empty = np.zeros(0, dtype=np.int64)
    if len(merged.question) == 0 or len(spans) == 0:
        return _Overlaps(empty, Intervals(empty, empty, empty))
    group = _groups(merged.question, merged.document)
    opens = np.flatnonzero(np.concatenate([[True], np.diff(group) > 0]))
    closes = np.concatenate([opens[1:], [len(group)]]) - 1

    stride = max(int(spans.end.max()), int(merged.end.max())) + 1
    base = spans.document.astype(np.int64) * stride
    # Ends need not grow with starts (a chunk may lie inside another), their running maximum does.
    reach = np.maximum.accumulate(base + spans.end)
    target = merged.document * stride
    lowest = np.searchsorted(reach, (target + merged.start)[opens], side="right")
    highest = np.searchsorted(base + spans.start, (target + merged.end)[closes], side="left")
    count = np.maximum(highest - lowest, 0)
    chunk = ranges(lowest, count)
    of_group = np.repeat(np.arange(len(opens)), count)

    length = merged.end - merged.start
    line = np.cumsum(length) - length
    keys = group * stride + merged.start

    def on_line(position: NDArray[np.int32]) -> NDArray[np.int64]:
        span = np.searchsorted(keys, of_group * stride + position, side="right") - 1
        inside = np.minimum(position - merged.start[span], length[span])
        # A position before the document's first span stands where that span begins.
        placed: NDArray[np.int64] = np.where(span < opens[of_group], line[opens[of_group]], line[span] + inside)
        return placed

    start, end = on_line(spans.start[chunk]), on_line(spans.end[chunk])
    some = end > start
    question = merged.question[opens][of_group]
    return _Overlaps(chunk[some], Intervals(question[some], start[some], end[some]))


def _grades(evidence: QuestionEvidence, overlaps: _Overlaps, spans: Spans) -> NDArray[np.int32]:
    """Find the largest grade of the evidence that each chunk holds a part of; shape [overlaps]."""
    levels = [1] if evidence.grade is None or not len(evidence) else np.unique(evidence.grade).tolist()
    best = np.full(len(overlaps.chunk), levels[0], dtype=np.int32)
    for level in levels[1:]:
        assert evidence.grade is not None
        rows = np.flatnonzero(evidence.grade >= level)
        of_level = QuestionEvidence(
            evidence.question[rows], evidence.document[rows], evidence.start[rows], evidence.end[rows]
        )
        held = _overlaps(_merge(of_level), spans)
        best[_find(overlaps.keys(len(spans)), held.keys(len(spans)))] = level
    return best


def _ideal(question: NDArray[np.int64], grades: NDArray[np.int32], questions: int, depth: int) -> NDArray[np.int32]:
    """Order the grades of each question's relevant chunks; `question` is sorted."""
    count = np.bincount(question, minlength=questions)
    rank = np.arange(len(question)) - np.repeat(np.cumsum(count) - count, count)
    best_first = grades[np.lexsort((-grades, question))]
    ideal = np.zeros((questions, depth), dtype=np.int32)
    kept = rank < depth
    ideal[question[kept], rank[kept]] = best_first[kept]
    return ideal


def _groups(question: NDArray[np.int64], document: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the runs of equal question and document."""
    new = (np.diff(question) != 0) | (np.diff(document) != 0)
    return np.concatenate([[0], np.cumsum(new)])


def _find(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find where each wanted key stands among sorted keys; -1 where it does not."""
    if len(keys) == 0:
        return np.full(wanted.shape, -1, dtype=np.int64)
    location = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[location] == wanted, location, -1)


def _require_in_range(hits: Hits, spans: Spans, evidence: QuestionEvidence, questions: int, documents: int) -> None:
    if hits.passage.shape[0] != questions:
        raise ValueError(f"there are {questions} questions, but hits of {hits.passage.shape[0]}")
    for name, rows, limit, lowest in (
        ("hit's passage", hits.passage, len(spans), -1),
        ("evidence's question", evidence.question, questions, 0),
        ("evidence's document", evidence.document, documents, 0),
        ("chunk's document", spans.document, documents, 0),
    ):
        if rows.size and not (lowest <= int(rows.min()) and int(rows.max()) < limit):
            raise ValueError(f"a {name} is {int(rows.min())} to {int(rows.max())}, but there are {limit}")
    if evidence.grade is not None and len(evidence) and int(evidence.grade.min()) < 1:
        raise ValueError(f"a grade is {int(evidence.grade.min())}: evidence has grades of 1 or more")
