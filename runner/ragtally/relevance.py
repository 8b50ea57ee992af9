"""The relevance of hits to the gold evidence: which are relevant, and how much of it they cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally.api import Hits, QuestionEvidence, RankingRelevance, Spans

# How many cells (questions x padded intervals) the dynamic programme of the best choice holds at once.
_BLOCK = 1 << 20


def relevance_of(
    hits: Hits, spans: Spans, evidence: QuestionEvidence, questions: int, documents: int
) -> RankingRelevance:
    """Compare hits with the evidence of their questions."""
    # A chunk's relevance is decided from character offsets alone: it is relevant when it holds at least one character
    # of the question's evidence, and its grade is the largest grade of the evidence that it holds a part of. Work and
    # memory grow with the chunks of the evidence documents and with the hits, never with questions x chunks.
    _require_in_range(hits, spans, evidence, questions, documents)
    depth = hits.passage.shape[1]
    gold = _merge(evidence)
    overlaps = _overlaps(gold, spans)
    hit = hits.passage >= 0
    row = np.broadcast_to(np.arange(questions)[:, None], hit.shape)
    passage = np.maximum(hits.passage, 0).astype(np.int64)

    pair = _find(overlaps.keys(len(spans)), row * len(spans) + passage)
    relevant = hit & (pair >= 0)
    of_document = row * documents + spans.document[passage] if len(spans) else passage
    relevant_document = hit & (_find(gold.question * documents + gold.document, of_document) >= 0)

    grades = _grades(evidence, overlaps, spans)
    grade = np.zeros(hit.shape, dtype=np.int32)
    grade[relevant] = grades[pair[relevant]]

    _, rank = np.nonzero(relevant)
    parts = overlaps.intervals.take(pair[relevant])
    return RankingRelevance(
        hit=hit,
        relevant=relevant,
        relevant_document=relevant_document,
        grade=grade,
        relevant_total=np.bincount(overlaps.intervals.question, minlength=questions).astype(np.int64),
        ideal=_ideal(overlaps.intervals.question, grades, questions, depth),
        evidence_total=_characters(gold, questions),
        covered=_covered_by_rank(parts, rank, questions, depth),
        coverable=_largest_coverage(overlaps.intervals, questions, depth),
    )


def evidence_characters(evidence: QuestionEvidence, questions: int) -> NDArray[np.int64]:
    """Count the characters of evidence of each question; where spans overlap each character counts once."""
    return _characters(_merge(evidence), questions)


def select_rows(relevance: RankingRelevance, rows: NDArray[np.integer] | NDArray[np.bool_]) -> RankingRelevance:
    """The relevance for some of the questions."""
    return RankingRelevance(
        hit=relevance.hit[rows],
        relevant=relevance.relevant[rows],
        relevant_document=relevance.relevant_document[rows],
        grade=relevance.grade[rows],
        relevant_total=relevance.relevant_total[rows],
        ideal=relevance.ideal[rows],
        evidence_total=relevance.evidence_total[rows],
        covered=relevance.covered[rows],
        coverable=relevance.coverable[rows],
    )


@dataclass(frozen=True, slots=True)
class _EvidenceSpans:
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
    intervals: _Intervals

    def keys(self, chunks: int) -> NDArray[np.int64]:
        """Number the pairs of question and chunk, in order."""
        return self.intervals.question * chunks + self.chunk


def _merge(evidence: QuestionEvidence) -> _EvidenceSpans:
    question, document, start, end = (
        np.asarray(column, dtype=np.int64)
        for column in (evidence.question, evidence.document, evidence.start, evidence.end)
    )
    some = end > start
    order = np.flatnonzero(some)[np.lexsort((start[some], document[some], question[some]))]
    question, document, start, end = question[order], document[order], start[order], end[order]
    if len(order) == 0:
        return _EvidenceSpans(question, document, start, end)
    group = _groups(question, document)
    stride = int(end.max()) + 1
    reach = np.maximum.accumulate(group * stride + end)
    opens = np.concatenate([[True], (group * stride + start)[1:] > reach[:-1]])
    closes = np.concatenate([opens[1:], [True]])
    return _EvidenceSpans(question[opens], document[opens], start[opens], (reach - group * stride)[closes])


def _characters(gold: _EvidenceSpans, questions: int) -> NDArray[np.int64]:
    total = np.zeros(questions, dtype=np.int64)
    np.add.at(total, gold.question, gold.end - gold.start)
    return total


def _overlaps(gold: _EvidenceSpans, spans: Spans) -> _Overlaps:
    empty = np.zeros(0, dtype=np.int64)
    if len(gold.question) == 0 or len(spans) == 0:
        return _Overlaps(empty, _Intervals(empty, empty, empty))
    group = _groups(gold.question, gold.document)
    opens = np.flatnonzero(np.concatenate([[True], np.diff(group) > 0]))
    closes = np.concatenate([opens[1:], [len(group)]]) - 1

    stride = max(int(spans.end.max()), int(gold.end.max())) + 1
    base = spans.document.astype(np.int64) * stride
    # Ends need not grow with starts (a chunk may lie inside another), their running maximum does.
    reach = np.maximum.accumulate(base + spans.end)
    target = gold.document * stride
    lowest = np.searchsorted(reach, (target + gold.start)[opens], side="right")
    highest = np.searchsorted(base + spans.start, (target + gold.end)[closes], side="left")
    count = np.maximum(highest - lowest, 0)
    chunk = _ranges(lowest, count)
    of_group = np.repeat(np.arange(len(opens)), count)

    length = gold.end - gold.start
    line = np.cumsum(length) - length
    keys = group * stride + gold.start

    def on_line(position: NDArray[np.int32]) -> NDArray[np.int64]:
        span = np.searchsorted(keys, of_group * stride + position, side="right") - 1
        inside = np.minimum(position - gold.start[span], length[span])
        # A position before the document's first span stands where that span begins.
        on_common_line: NDArray[np.int64] = np.where(
            span < opens[of_group], line[opens[of_group]], line[span] + inside
        )
        return on_common_line

    start, end = on_line(spans.start[chunk]), on_line(spans.end[chunk])
    some = end > start
    question = gold.question[opens][of_group]
    return _Overlaps(chunk[some], _Intervals(question[some], start[some], end[some]))


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
        of_chunks = _overlaps(_merge(of_level), spans)
        best[_find(overlaps.keys(len(spans)), of_chunks.keys(len(spans)))] = level
    return best


def _ideal(question: NDArray[np.int64], grades: NDArray[np.int32], questions: int, depth: int) -> NDArray[np.int32]:
    """Order the grades of each question's relevant chunks; `question` is sorted."""
    count = np.bincount(question, minlength=questions)
    rank = np.arange(len(question)) - np.repeat(np.cumsum(count) - count, count)
    best_first = grades[np.lexsort((-grades, question))]
    ideal = np.zeros((questions, depth), dtype=np.int32)
    in_depth = rank < depth
    ideal[question[in_depth], rank[in_depth]] = best_first[in_depth]
    return ideal


def _groups(question: NDArray[np.int64], document: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the runs of equal question and document."""
    new = (np.diff(question) != 0) | (np.diff(document) != 0)
    return np.concatenate([[0], np.cumsum(new)])


def _find(keys: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find where each target stands among sorted keys; -1 where it does not."""
    if len(keys) == 0:
        return np.full(targets.shape, -1, dtype=np.int64)
    position = np.minimum(np.searchsorted(keys, targets), len(keys) - 1)
    return np.where(keys[position] == targets, position, -1)


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


# How much of a line intervals cover: by rank, and at most by any choice of so many of them. All questions are laid
# out on one line, one behind the other, so that no interval crosses from one to the next, and worked on at once.


@dataclass(frozen=True, slots=True)
class _Intervals:
    """Non-empty half-open intervals on the common line, ordered by question."""

    question: NDArray[np.int64]  # Row of each interval's question; int64, shape [intervals]
    start: NDArray[np.int64]  # Where each interval begins; int64, shape [intervals]
    end: NDArray[np.int64]  # Just past where each interval ends; int64, shape [intervals]

    def __len__(self) -> int:
        return len(self.question)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> _Intervals:
        """Keep some of the intervals."""
        return _Intervals(self.question[rows], self.start[rows], self.end[rows])


def _covered_by_rank(intervals: _Intervals, rank: NDArray[np.int64], questions: int, depth: int) -> NDArray[np.int64]:
    """Measure the union of each question's intervals up to and with every rank."""
    # The line is cut at every end of an interval; each piece is credited to the first rank that covers it.
    cuts = np.unique(np.concatenate([intervals.start, intervals.end]))
    first_piece = np.searchsorted(cuts, intervals.start)
    pieces = np.searchsorted(cuts, intervals.end) - first_piece
    piece = _ranges(first_piece, pieces)
    length = np.diff(cuts)
    first_rank = np.full(len(length), depth, dtype=np.int64)
    np.minimum.at(first_rank, piece, np.repeat(rank, pieces))
    question = np.zeros(len(length), dtype=np.int64)
    question[piece] = np.repeat(intervals.question, pieces)
    gain_of_rank = np.zeros((questions, depth), dtype=np.int64)
    is_covered = first_rank < depth
    np.add.at(gain_of_rank, (question[is_covered], first_rank[is_covered]), length[is_covered])
    return np.cumsum(gain_of_rank, axis=1)


def _largest_coverage(intervals: _Intervals, questions: int, depth: int) -> NDArray[np.int64]:
    """Find the largest union that 1, 2, ... `depth` of a question's intervals can have, exactly."""
    # An interval inside another is never needed. What remains is ordered by start and by end alike, so an interval
    # overlaps what was chosen before it only where it overlaps the last one chosen, and `best[j, i] = max over h < i
    # of best[j - 1, h] + end[i] - max(start[i], end[h])` is exact: weighted maximum coverage on a line by dynamic
    # programming.
    best = np.zeros((questions, depth), dtype=np.int64)
    if depth == 0 or len(intervals) == 0:
        return best
    minimal = _without_nested(intervals)
    count = np.bincount(minimal.question, minlength=questions)
    first = np.cumsum(count) - count
    # How many of a question's intervals end before each begins; those from there up to it overlap it.
    apart = np.searchsorted(minimal.end, minimal.start, side="right") - first[minimal.question]
    width = 1
    while width < 2 * int(count.max()):
        of_width = np.flatnonzero((count > width // 2) & (count <= width))
        for begin in range(0, len(of_width), max(1, _BLOCK // width)):
            rows = of_width[begin : begin + max(1, _BLOCK // width)]
            best[rows] = _best_choice(minimal, apart, first[rows], count[rows], width, depth)
        width *= 2
    return best


def _without_nested(intervals: _Intervals) -> _Intervals:
    by_start = intervals.take(np.lexsort((-intervals.end, intervals.start)))
    reach = np.maximum.accumulate(by_start.end)
    return by_start.take(np.concatenate([[True], by_start.end[1:] > reach[:-1]]))


def _best_choice(
    minimal: _Intervals,
    apart: NDArray[np.int64],
    first: NDArray[np.int64],
    count: NDArray[np.int64],
    width: int,
    depth: int,
) -> NDArray[np.int64]:
    """Run the dynamic programme for questions of about equally many intervals."""
    # Rows are filled up to `width` with intervals of no length at the last end, which change no result.
    column = np.arange(width)
    real = column < count[:, None]
    source = first[:, None] + np.minimum(column, count[:, None] - 1)
    end = minimal.end[source]
    start = np.where(real, minimal.start[source], end)
    before = np.where(real, apart[source], column)
    overlapping = int((column - before).max())
    length = end - start
    best = np.empty((len(first), depth), dtype=np.int64)
    coverage = length
    best[:, 0] = coverage.max(axis=1)
    for number in range(1, min(depth, width)):
        prefix = np.maximum.accumulate(coverage, axis=1)
        earlier = np.take_along_axis(prefix, np.maximum(before - 1, 0), axis=1)
        following = length + np.where(before > 0, earlier, 0)
        for step in range(1, overlapping + 1):
            gain = end[:, step:] - np.maximum(start[:, step:], end[:, :-step])
            np.maximum(following[:, step:], coverage[:, :-step] + gain, out=following[:, step:])
        coverage = following
        best[:, number] = coverage.max(axis=1)
    best[:, width:] = best[:, min(depth, width) - 1, None]
    return best


def _ranges(first: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join the ranges `first[i] .. first[i] + count[i]` to one array."""
    offset = np.cumsum(count) - count
    return np.repeat(first - offset, count) + np.arange(int(count.sum()))
