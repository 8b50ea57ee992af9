"""What the statistics read of a study: the answers of its cells question by question, and its rankings' values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.analysis.bootstrap import RESAMPLES
from ragtally.analysis.contributions import Contributions, StudyMetrics, partial_mean_contributions
from ragtally.analysis.estimate import Estimate
from ragtally.api import GradedAnswers, Status, derive_seed
from ragtally.results.load import Results
from ragtally.results.metrics import reason_of
from ragtally.support.labels import NO_ANSWER, label_codes

# Stands in `covered` for a reader that gets nothing from us.
UNKNOWN = -1
# With more answers than this, 10,000 resamples take minutes.
_MANY_ANSWERS = 200_000
_FEWER_RESAMPLES = 2_000


@dataclass(frozen=True)
class AlignedAnswers:
    """Cells with their answers to one set of questions; every array has one row per question."""

    question_set: str  # `base` or `all`
    cells: dict[str, dict[str, Any]]  # The cells' rows of `cells.csv`, by name
    ids: tuple[str, ...]
    gold: NDArray[np.int64]  # Codes of the labels, shape [questions]; all alike where answers are open
    status: dict[str, tuple[Status, ...]]  # What became of each question in each cell, by cell
    # Characters of evidence before the reader, shape [questions, cells]; `UNKNOWN` for none of ours.
    covered: NDArray[np.int64]
    # What of it would stand there if approximate searches were exact, shape [questions, cells]; `UNKNOWN` where they
    # are.
    exactly_covered: NDArray[np.int64]
    evidence: NDArray[np.int64]  # Characters of evidence, shape [questions]
    cluster: NDArray[np.int64]  # Questions of the same number share a document and are drawn together
    answers: tuple[str, ...]  # The answers that count; none where answers are open
    graded: tuple[GradedAnswers, ...]  # What metrics read, by cell
    metrics: StudyMetrics
    # Whether the parser of a cell lost the question's evidence, shape [questions, cells]; None where parsers are not
    # compared. A cell that searches nothing loses nothing by it.
    lost_by_parser: NDArray[np.bool_] | None = None
    # By cell, of each question the judged answer in `judgments.parquet`; None where judges were not asked. Empty
    # without judges.
    items: Mapping[str, Sequence[str | None]] = field(default_factory=dict)

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Whether each answer is right; bool, shape [questions, cells]."""
        columns = [[status is Status.RIGHT for status in self.status[name]] for name in self.cells]
        return np.array(columns, dtype=np.bool_).T

    def columns(self, names: Sequence[str]) -> list[int]:
        """Find the columns of cells."""
        number = {name: column for column, name in enumerate(self.cells)}
        return [number[name] for name in names]

    def contributions(self, metric: str, *others: GradedAnswers) -> Contributions | str:
        """Compute what each question contributes to a metric in every cell, and in others' answers after these, or
        say why that is not known.
        """
        return self.metrics.contributions(metric, (*self.graded, *others))

    @property
    def most_frequent(self) -> str | None:
        """The most frequent label, the first answer of equals; None where answers are open."""
        if not self.answers:
            return None
        return self.answers[int(np.bincount(self.gold).argmax())]

    @cached_property
    def floor(self) -> tuple[GradedAnswers, ...]:
        """What always giving the most frequent label would come to; nothing where answers are open."""
        return () if self.most_frequent is None else (self.constant(self.most_frequent),)

    def constant(self, answer: str) -> GradedAnswers:
        """What always giving one answer would come to."""
        gold, questions = [self.answers[code] for code in self.gold.tolist()], len(self.ids)
        return GradedAnswers(
            gold=gold,
            verdict=[answer] * questions,
            status=[Status.RIGHT if label == answer else Status.WRONG for label in gold],
            answers=self.answers,
            votes=1,
            ballots_unparsed=[0] * questions,
            ballots_failed=[0] * questions,
        )


def align_answers(results: Results, question_set: str, metrics: StudyMetrics | None = None) -> AlignedAnswers | None:
    """Align the cells that were scored on a set of questions; None where nobody answers it or labels are missing."""
    # A cell that was not asked, since it is too long for its model, has no answers.
    has_answers = pl.col("cell").is_in(results.answers["cell"].unique().to_list())
    rows = results.cells.filter((pl.col("question_set") == question_set) & has_answers)
    cells = {row["cell"]: row for row in rows.iter_rows(named=True)}
    questions = results.questions if question_set == "all" else results.questions.filter("in_base")
    answers = results.answers if question_set == "all" else results.answers.filter("in_base")
    if not cells or not len(questions):
        return None
    order = questions.select(question="id").with_row_index("row")
    answers = answers.filter(pl.col("cell").is_in(list(cells))).join(order, on="question").sort("row")
    if answers["status"].null_count() or (answers["label"].null_count() and not results.is_open):
        return None
    by_cell = {str(name): table for (name,), table in answers.group_by("cell", maintain_order=True)}
    tables = [by_cell[name] for name in cells]
    answer_names = results.answer_names
    return AlignedAnswers(
        question_set=question_set,
        cells=cells,
        ids=tuple(tables[0]["question"]),
        gold=label_codes(tables[0]["label"].to_list(), answer_names),
        status={name: tuple(map(Status, table["status"])) for name, table in zip(cells, tables, strict=True)},
        covered=np.stack([table["covered_characters"].fill_null(UNKNOWN).to_numpy() for table in tables], axis=1),
        exactly_covered=np.stack([_exactly_covered(table) for table in tables], axis=1),
        evidence=questions["evidence_characters"].to_numpy(),
        cluster=questions["document_group"].cast(pl.Int64).to_numpy(),
        answers=answer_names,
        graded=tuple(graded_answers(table, results) for table in tables),
        metrics=metrics or StudyMetrics(results),
        lost_by_parser=_lost_by_parser(tables),
        items={
            name: table["item"].to_list()
            for name, table in zip(cells, tables, strict=True)
            if "item" in table.columns
        },
    )


def _lost_by_parser(tables: Sequence[pl.DataFrame]) -> NDArray[np.bool_] | None:
    if not tables or "lost_by_parser" not in tables[0].columns:
        return None
    return np.stack([table["lost_by_parser"].fill_null(value=False).to_numpy() for table in tables], axis=1)


def _exactly_covered(rows: pl.DataFrame) -> NDArray[np.int64]:
    # Only a study with an approximate search has the column.
    if "exactly_covered_characters" not in rows.columns:
        return np.full(len(rows), UNKNOWN)
    covered: NDArray[np.int64] = rows["exactly_covered_characters"].fill_null(UNKNOWN).to_numpy()
    return covered


def graded_answers(rows: pl.DataFrame, results: Results) -> GradedAnswers:
    """Read a cell's rows of `answers.parquet` as metrics read them."""
    answers = results.answer_names
    failures = rows["errors"].list.drop_nulls().list.len()
    votes = rows["ballots"].list.len()
    without_answer = votes - rows["ballots"].list.drop_nulls().list.len()
    common = (
        list(map(Status, rows["status"])),
        answers,
        int(votes.max() or 0),  # type: ignore[arg-type]
        (without_answer - failures).to_list(),
        failures.to_list(),
    )
    if results.is_open:
        texts = (rows["verdict"].to_list(), *common, rows["references"].to_list(), results.language)
        columns = ("right_by_judges", "supported_by_judges")
        judgments = ((rows[name] == "yes").to_list() if name in rows.columns else None for name in columns)
        return GradedAnswers((), *texts, *judgments)
    # Each answer's string is the declared one, so that a million of them are not a million strings.
    names: dict[int, str | None] = {**dict(enumerate(answers)), NO_ANSWER: None}
    gold, verdict = (label_codes(rows[column].to_list(), answers).tolist() for column in ("label", "verdict"))
    return GradedAnswers([answers[code] for code in gold], [names[code] for code in verdict], *common)


def ranking_contributions(
    results: Results, metric: str, names: Sequence[str], *, missing: float = np.nan
) -> Contributions:
    """Describe a metric of retrieval of some rankings: a mean over the questions that it applies to; `missing` counts
    for those that it applies to in another of the rankings alone.
    """
    values = np.stack([_ranking_values(results, metric, name) for name in names], axis=1)
    values[np.isnan(values) & ~np.isnan(values).all(axis=1, keepdims=True)] = missing
    return partial_mean_contributions(values, "no question has a value")


def common_ranking_contributions(results: Results, metric: str, pairs: Sequence[tuple[str, str]]) -> Contributions:
    """Likewise of pairs of rankings, one after the other, each over the questions that both have a value of."""
    columns = []
    for names in pairs:
        values = np.stack([_ranking_values(results, metric, name) for name in names], axis=1)
        values[np.isnan(values).any(axis=1)] = np.nan
        columns.append(values)
    return partial_mean_contributions(np.concatenate(columns, axis=1), "no question has a value in both")


def _ranking_values(results: Results, metric: str, name: str) -> NDArray[np.float64]:
    column = results.rankings.filter(pl.col("ranking") == name)[metric]
    values: NDArray[np.float64] = column.fill_null(np.nan).to_numpy(writable=True)
    return values


def higher_is_better(results: Results, metric: str) -> bool:
    """Whether more of a metric is better; true where neither is, and something must be put first."""
    return results.metric(metric).higher_is_better is not False


def random_generator(results: Results, *purpose: str) -> np.random.Generator:
    """Make the source of randomness for one purpose, from the study's seed."""
    # "verdict" is part of what is hashed: another word would draw other resamples than those of published numbers.
    return np.random.default_rng(derive_seed(results.comparisons["seed"], "verdict", *purpose))


def resample_number(questions: int, cells: int) -> int:
    """How many resamples are drawn: fewer where many cells answer many questions."""
    return RESAMPLES if questions * cells <= _MANY_ANSWERS else _FEWER_RESAMPLES


def is_one_vote(row: Mapping[str, Any]) -> bool:
    """Whether a cell's several votes are one, since its reader always answers the same."""
    return bool(row["distinct_votes"] is not None and row["distinct_votes"] < row["votes"])


def row_estimate(row: Mapping[str, Any], metric: str, no_interval: str) -> Estimate | None:
    """Read a metric of a row of scores, with the reason why there is no interval; None where it does not apply."""
    value = row.get(metric)
    reason = reason_of(row.get("not_scored"), metric) if value is None else no_interval
    if reason is None:
        return None
    return Estimate(value, int(row.get(f"{metric}_denominator") or 0), reason=reason)
