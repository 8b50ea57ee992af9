"""Where the answers of a cell went: every question in one bucket, and the waterfall from gold to retrieved context.

When does a question's evidence count as retrieved? As soon as any character of it reaches the reader, which
is how recall, precision, MRR and nDCG define relevance (`document_hit` asks for less). Where the evidence is a whole
abstract, as in PubMedQA, this errs least: the answer mostly stands in a sentence or two of it, so that to ask for
half of its characters would call "lucky" who was right by the very sentence, and would blame the retriever for every
small chunk (with the best section before the reader, BM25 has the right abstract for 94 % of the test questions, and
half of its characters for 7 %).

On every question the reader is right or not on the gold context (G), and right or not on the retrieved one (R). The
accuracies differ by the questions on which G and R differ, and each of these has one cause:

    1                         - reader loss (not G)                               = accuracy on gold contexts
    accuracy on gold contexts - index loss (G, wrong, evidence not retrieved, though an exact search would have)
                              - retrieval loss (G, wrong, evidence not retrieved otherwise)
                              - parser loss (G, wrong, evidence in no text that is searched: the parser lost it)
                              - distractor loss (G, wrong, evidence retrieved: other text distracts, or vote noise)
                              - unanswered loss (G, but the call failed, was not parsed, or gave no verdict)
                              + recovered (not G, but R: by chance)               = accuracy on retrieved contexts

Counted in questions, the sums are exact. Only a cell that searches approximately has an index loss: it is what is
missing before its reader and would stand there if every vector had been compared. Only where parsers are compared is
there a parser loss: the gold context is then the same for all of them, the text of one that did not lose the
evidence, so that the loss is in no other bar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.aligned_answers import UNKNOWN, AlignedAnswers, random_generator, resample_number
from ragtally.analysis.bootstrap import (
    RESAMPLES,
    BootstrapDistribution,
    bootstrap,
    proper_clusters,
    share_estimate,
)
from ragtally.analysis.contributions import mean_contributions
from ragtally.analysis.estimate import Estimate
from ragtally.analysis.jackknife import jackknife_differences
from ragtally.analysis.label_doubt import label_doubt
from ragtally.analysis.proportions import count_pairs, newcombe_paired, wilson
from ragtally.api import GradedAnswers, Status
from ragtally.results.load import Results

_DECISION = ("reader", "votes", "rule")


class Bucket(StrEnum):
    """What became of a question in a cell; exactly one of these, the first that applies."""

    CALL_FAILED = "call failed"
    UNPARSED = "unparsed"
    NO_VERDICT = "no verdict"
    # Only of open answers.
    NOT_GRADED = "not graded"
    # Only of open answers: it should have abstained.
    UNANSWERABLE = "answered, though it cannot be"
    RIGHT_WITH_EVIDENCE = "right with evidence"
    RIGHT_WITHOUT_EVIDENCE = "right without evidence"
    # Only where parsers are compared.
    LOST_BY_PARSER = "wrong, evidence lost by the parser"
    # Only where the search is approximate.
    LOST_BY_INDEX = "wrong, evidence lost by the approximate index"
    NOT_RETRIEVED = "wrong, evidence not retrieved"
    DISTRACTED = "wrong with evidence, right on gold"
    MISREAD = "wrong with evidence and on gold"
    # Only where the reader was not measured on gold contexts, so that the two before cannot be told apart.
    GOLD_UNKNOWN = "wrong with evidence, gold unknown"


_WITHOUT_ANSWER = {
    Status.CALL_FAILED: Bucket.CALL_FAILED,
    Status.UNPARSED: Bucket.UNPARSED,
    Status.NO_VERDICT: Bucket.NO_VERDICT,
    Status.NOT_GRADED: Bucket.NOT_GRADED,
}


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The bars from the gold context to the retrieved one, as shares of the questions."""

    gold: Estimate  # Right on the gold context, by fresh votes
    # `gold - parser_loss - index_loss - retrieval_loss - distractor_loss - unanswered_loss + recovered`
    retrieved: Estimate
    reader_loss: Estimate  # Not right on the gold context
    retrieval_loss: Estimate  # Right on gold; wrong here, where the evidence was not retrieved otherwise
    distractor_loss: Estimate  # Right on gold; wrong here although the evidence was retrieved, or vote noise
    unanswered_loss: Estimate  # Right on gold; here the call failed, was not parsed, or gave no verdict
    recovered: Estimate  # Not right on gold, but right here
    change: Estimate  # `retrieved` minus `gold`
    # Right on gold; wrong here, where the evidence was not retrieved and an exact search would have; None where the
    # search is exact.
    index_loss: Estimate | None = None
    parser_loss: Estimate | None = (
        None  # Likewise, where the parser lost the evidence; None without parsers to compare
    )


@dataclass(frozen=True, slots=True)
class ErrorBreakdown:
    """Where the answers of a grid cell went."""

    questions: int
    # The control that says what the reader makes of gold contexts; None where it was not measured.
    gold_cell: str | None
    # How many questions each bucket has, in order; they sum to `questions`. What an approximate index loses has a
    # bucket only where there is such an index.
    buckets: Mapping[str, int]
    doubtful: Mapping[str, int] | None  # How many of these have a doubtful label; None where nobody can say
    doubters: tuple[str, ...]  # Whose disagreement makes a label doubtful; never the reader itself
    waterfall: Waterfall | None  # None without gold contexts


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What one cell and its reader made of the same questions, one row per question."""

    status: Sequence[Status]  # What became of the question in the cell
    covered: NDArray[np.integer]  # How many characters of its evidence reach the reader
    evidence: NDArray[np.integer]  # How many it has; 0 where none is known: then none can be retrieved
    # What became of the question when the same reader was given its gold context, by votes that selected nothing;
    # None where that was not measured.
    gold_status: Sequence[Status] | None = None
    # How many characters of its evidence an exact search would bring there; None where the search is exact.
    exactly_covered: NDArray[np.integer] | None = None
    # Which questions cannot be answered, so that no evidence is missing and any passage distracts; None for none.
    unanswerable: NDArray[np.bool_] | None = None
    # Of which questions the searched text has no evidence, since the parser lost it; None without parsers to compare.
    lost_by_parser: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        columns = (
            self.covered, self.evidence, self.gold_status, self.exactly_covered, self.unanswerable,
            self.lost_by_parser,
        )  # fmt: skip
        if any(column is not None and len(column) != len(self.status) for column in columns):
            raise ValueError("every column must have one row per question")
        for covered in (self.covered, self.covered if self.exactly_covered is None else self.exactly_covered):
            if ((covered < 0) | (covered > self.evidence)).any():
                raise ValueError("between none and all of a question's evidence can reach the reader")

    @property
    def retrieved(self) -> NDArray[np.bool_]:
        """Whether each question's evidence counts as retrieved; where there is none to be had, it does."""
        covered = np.asarray(self.covered > 0)
        return covered if self.unanswerable is None else covered | self.unanswerable

    @property
    def lost_by_index(self) -> NDArray[np.bool_]:
        """Whether each question's evidence counts as not retrieved for the approximation alone."""
        if self.exactly_covered is None:
            return np.zeros(len(self.status), dtype=np.bool_)
        return np.asarray((self.exactly_covered > 0) & ~self.retrieved & ~self.parser_loss)

    @property
    def parser_loss(self) -> NDArray[np.bool_]:
        """Whether each question's evidence is in no text that is searched, since the parser lost it."""
        return np.zeros(len(self.status), dtype=np.bool_) if self.lost_by_parser is None else self.lost_by_parser

    def buckets(self) -> tuple[Bucket, ...]:
        """Put every question into its bucket."""
        gold: Sequence[Status | None] = self.gold_status or [None] * len(self.status)
        losses = zip(self.parser_loss.tolist(), self.lost_by_index.tolist(), strict=True)
        buckets = map(_bucket, self.status, (self.covered > 0).tolist(), losses, gold)
        if self.unanswerable is None:
            return tuple(buckets)
        wrong = [status is Status.WRONG for status in self.status]
        rows = zip(buckets, self.unanswerable.tolist(), wrong, strict=True)
        return tuple(Bucket.UNANSWERABLE if none and is_wrong else bucket for bucket, none, is_wrong in rows)


def outcomes(answers: AlignedAnswers, cell: str, gold_cell: str | None) -> Outcomes:
    """Collect what a cell and its gold-context control made of the questions."""
    (column,) = answers.columns([cell])
    covered, parser_losses = answers.covered[:, column], answers.lost_by_parser
    gold_status = None if gold_cell is None else answers.status[gold_cell]
    exactly_covered = answers.exactly_covered[:, column]
    return Outcomes(
        answers.status[cell],
        covered,
        # Another parser's text may spell the same words with more characters.
        answers.evidence if parser_losses is None else np.maximum(answers.evidence, covered),
        gold_status,
        None if (exactly_covered == UNKNOWN).any() else exactly_covered,
        _unanswerable(answers.graded[column]),
        None if parser_losses is None else parser_losses[:, column],
    )


def _unanswerable(graded: GradedAnswers) -> NDArray[np.bool_] | None:
    if graded.references is None:
        return None
    return np.array([not references for references in graded.references], dtype=np.bool_)


def error_breakdowns(results: Results, answers: AlignedAnswers) -> dict[str, ErrorBreakdown]:
    """Break down the answers of every grid cell that reads what was retrieved; by cell."""
    gold = {_decision(row): name for name, row in answers.cells.items() if row["condition"] == "gold_context"}
    grid = [name for name, row in answers.cells.items() if row["kind"] == "grid"]
    reading = [name for name in grid if not (answers.covered[:, answers.columns([name])[0]] == UNKNOWN).any()]
    gold_cells = {name: gold.get(_decision(answers.cells[name])) for name in reading}
    cells = [outcomes(answers, name, gold_cell) for name, gold_cell in gold_cells.items()]
    bars = waterfalls(
        cells,
        random_generator(results, answers.question_set, "waterfalls"),
        resample_number(len(answers.ids), 2 * len(grid)),
        answers.cluster,
    )
    breakdowns = {}
    doubts = {reader: label_doubt(results, reader) for reader in {answers.cells[name]["reader"] for name in reading}}
    for (name, gold_cell), cell, waterfall in zip(gold_cells.items(), cells, bars, strict=True):
        buckets, doubtful = cell.buckets(), None
        doubt = doubts[answers.cells[name]["reader"]]
        if doubt is not None:
            pairs = zip(buckets, answers.ids, strict=True)
            doubtful = _counts(cell, [bucket for bucket, question in pairs if question in doubt.questions])
        doubters = () if doubt is None else doubt.doubters
        breakdowns[name] = ErrorBreakdown(
            len(answers.ids), gold_cell, _counts(cell, buckets), doubtful, doubters, waterfall
        )
    return breakdowns


def waterfalls(
    cells: Sequence[Outcomes],
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    cluster: ArrayLike | None = None,
) -> list[Waterfall | None]:
    """Compute the waterfalls of cells that answer the same questions, all from the same resamples."""
    columns = {row: _columns(cell) for row, cell in enumerate(cells) if cell.gold_status is not None}
    if not columns:
        return [None] * len(cells)
    questions = len(cells[0].status)
    cluster = proper_clusters(cluster, questions)
    distribution = None
    if questions:
        matrix = np.stack([column for bars in columns.values() for column in bars.values()], axis=1)
        distribution = bootstrap(mean_contributions(matrix), generator, resamples, cluster)
    every: list[Waterfall | None] = [None] * len(cells)
    for number, (row, bars) in enumerate(columns.items()):
        waterfall = _waterfall(bars, distribution, number * len(bars), cluster)
        every[row] = waterfall if cells[row].exactly_covered is not None else replace(waterfall, index_loss=None)
    return every


def _waterfall(
    columns: Mapping[str, NDArray[np.bool_]],
    distribution: BootstrapDistribution | None,
    first: int,
    cluster: ArrayLike | None,
) -> Waterfall:
    """Estimate the bars of one cell, whose columns begin at `first` in the distribution."""
    bars = {
        name: wilson(0, 0)
        if distribution is None
        else share_estimate(distribution, first + number, int(column.sum()))
        for number, (name, column) in enumerate(columns.items())
    }
    change = newcombe_paired(count_pairs(columns["retrieved"], columns["gold"]))
    if cluster is not None:
        pair = np.stack([columns["retrieved"], columns["gold"]], axis=1)
        change = jackknife_differences(mean_contributions(pair), [(0, 1)], cluster)[0].estimate
    return Waterfall(**bars, change=change)


def _columns(outcomes: Outcomes) -> dict[str, NDArray[np.bool_]]:
    """Which questions count for each bar; `gold` and `retrieved` first, whose difference is the change."""
    assert outcomes.gold_status is not None
    gold, right, wrong = (
        np.array([one is status for one in column], dtype=np.bool_)
        for column, status in (
            (outcomes.gold_status, Status.RIGHT),
            (outcomes.status, Status.RIGHT),
            (outcomes.status, Status.WRONG),
        )
    )
    elsewhere = outcomes.lost_by_index | outcomes.parser_loss
    return {
        "gold": gold,
        "retrieved": right,
        "reader_loss": ~gold,
        "index_loss": gold & wrong & outcomes.lost_by_index,
        "retrieval_loss": gold & wrong & ~outcomes.retrieved & ~elsewhere,
        "distractor_loss": gold & wrong & outcomes.retrieved,
        "unanswered_loss": gold & ~wrong & ~right,
        "recovered": ~gold & right,
        **({} if outcomes.lost_by_parser is None else {"parser_loss": gold & wrong & outcomes.parser_loss}),
    }


def _bucket(status: Status, has_evidence: bool, losses: tuple[bool, bool], gold_status: Status | None) -> Bucket:
    lost_by_parser, lost_by_index = losses
    if status in _WITHOUT_ANSWER:
        return _WITHOUT_ANSWER[status]
    if status is Status.RIGHT:
        return Bucket.RIGHT_WITH_EVIDENCE if has_evidence else Bucket.RIGHT_WITHOUT_EVIDENCE
    if lost_by_parser:
        return Bucket.LOST_BY_PARSER
    if not has_evidence:
        return Bucket.LOST_BY_INDEX if lost_by_index else Bucket.NOT_RETRIEVED
    if gold_status is None:
        return Bucket.GOLD_UNKNOWN
    return Bucket.DISTRACTED if gold_status is Status.RIGHT else Bucket.MISREAD


def _counts(outcomes: Outcomes, buckets: Sequence[Bucket]) -> dict[str, int]:
    counts = Counter(buckets)
    is_exact = outcomes.exactly_covered is None
    # What cannot be, or did not come up, is no bucket of the study.
    left_out = {Bucket.LOST_BY_INDEX} if is_exact else set()
    left_out |= {Bucket.LOST_BY_PARSER} if outcomes.lost_by_parser is None else set()
    left_out |= {bucket for bucket in (Bucket.NOT_GRADED, Bucket.UNANSWERABLE) if not counts[bucket]}
    return {str(bucket): counts[bucket] for bucket in Bucket if bucket not in left_out}


def _decision(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What decides in a cell: its reader, votes and rule, with the rule's parameters."""
    return tuple(value for key, value in row.items() if key in _DECISION or key.startswith("rule."))
