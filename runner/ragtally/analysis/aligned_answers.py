"""The answers of cells that were asked the same questions, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.analysis.contributions import Contributions, StudyMetrics
from ragtally.api import GradedAnswers, Status
from ragtally.results.load import Results
from ragtally.support.labels import NO_ANSWER, label_codes

_ONE_VOTE = "same as votes"
# Stands in `covered` for a reader that gets nothing from us.
UNKNOWN = -1


@dataclass(frozen=True)
class Asked:
    """Cells with their answers to one set of questions."""

    question_set: str  # `base` or `all`
    cells: dict[str, dict[str, Any]]  # The cells' rows of `cells.csv`, one a cell, by its name
    ids: tuple[str, ...]  # The questions
    gold: NDArray[np.int64]  # Codes of the labels, shape [questions]
    verdict: NDArray[np.int64]  # Codes of the verdicts, shape [questions, cells]
    status: dict[str, tuple[Status, ...]]  # What became of each question in each cell, by cell
    # Characters of evidence before the reader, shape [questions, cells]; `UNKNOWN` for none of ours.
    covered: NDArray[np.int64]
    evidence: NDArray[np.int64]  # Characters of evidence, shape [questions]
    # With which question each is drawn together, since they share a document; shape [questions].
    cluster: NDArray[np.int64]
    doubtful: tuple[bool, ...] | None  # Whether each label is doubtful; None where nobody knows
    answers: tuple[str, ...]  # The answers that count
    graded: tuple[GradedAnswers, ...]  # What metrics read, by cell
    metrics: StudyMetrics

    @property
    def names(self) -> tuple[str, ...]:
        """The cells' names, in order."""
        return tuple(self.cells)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each answer is right; bool, shape [questions, cells]."""
        return np.asarray(self.verdict == self.gold[:, None])

    def columns(self, names: Sequence[str]) -> list[int]:
        """Say in which columns cells stand."""
        location = {name: number for number, name in enumerate(self.cells)}
        return [location[name] for name in names]

    def contributions(self, metric: str) -> Contributions | str:
        """Compute what each question contributes to a metric in every cell, or say why that is not known."""
        return self.metrics.contributions(metric, self.graded)


def is_one_vote(row: Mapping[str, Any]) -> bool:
    """Say whether a cell's several votes are one, since its reader always answers the same."""
    return str(row["note"] or "").startswith(_ONE_VOTE)


def remarks(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """List what one must know to read the numbers of rankings and cells, but for several votes that are one."""
    told = {
        f"{row['ranking'] or row['cell']}: {note}": None
        for row in rows
        for note in str(row["note"] or "").split("; ")
        if note and not note.startswith(_ONE_VOTE)
    }
    return tuple(told)


def asked_on(results: Results, question_set: str, metrics: StudyMetrics | None = None) -> Asked | None:
    """Line up the cells that were scored on a set of questions."""
    rows = results.cells.filter((pl.col("question_set") == question_set) & (pl.col("kind") != "retrieval"))
    cells = {row["cell"]: row for row in rows.iter_rows(named=True)}
    questions = results.questions if question_set == "all" else results.questions.filter("in_base")
    answers = results.answers if question_set == "all" else results.answers.filter("in_base")
    if not cells or not len(questions):
        return None
    order = questions.select(question="id").with_row_index("row")
    said = answers.filter(pl.col("cell").is_in(list(cells))).join(order, on="question").sort("row")
    if said["label"].null_count() or said["status"].null_count():
        return None
    by_cell = {str(name): table for (name,), table in said.group_by("cell", maintain_order=True)}
    first = by_cell[next(iter(cells))]
    declared = results.answer_names
    doubtful = questions["label_doubtful"]
    return Asked(
        question_set=question_set,
        cells=cells,
        ids=tuple(first["question"]),
        gold=label_codes(first["label"].to_list(), declared),
        verdict=np.stack([label_codes(by_cell[name]["verdict"].to_list(), declared) for name in cells], axis=1),
        status={name: tuple(map(Status, by_cell[name]["status"])) for name in cells},
        covered=np.stack(
            [by_cell[name]["covered_characters"].fill_null(UNKNOWN).to_numpy() for name in cells], axis=1
        ),
        evidence=questions["evidence_characters"].to_numpy(),
        cluster=questions["document_group"].cast(pl.Int64).to_numpy(),
        doubtful=None if doubtful.null_count() == len(doubtful) else tuple(doubtful.fill_null(value=False)),
        answers=declared,
        graded=tuple(graded_answers(by_cell[name], declared) for name in cells),
        metrics=metrics or StudyMetrics(results),
    )


def graded_answers(answers: pl.DataFrame, declared: tuple[str, ...]) -> GradedAnswers:
    """Read a cell's rows of `answers.parquet` as metrics read them."""
    # Each answer's string is the declared one, so that a million of them are no million strings.
    names: dict[int, str | None] = {**dict(enumerate(declared)), NO_ANSWER: None}
    gold, verdict = (label_codes(answers[column].to_list(), declared).tolist() for column in ("label", "verdict"))
    failed = answers["errors"].list.drop_nulls().list.len()
    votes = answers["ballots"].list.len()
    unparsed = votes - answers["ballots"].list.drop_nulls().list.len() - failed
    return GradedAnswers(
        gold=[declared[code] for code in gold],
        verdict=[names[code] for code in verdict],
        status=list(map(Status, answers["status"])),
        answers=declared,
        votes=int(votes.max() or 0),  # type: ignore[arg-type]
        ballots_unparsed=unparsed.to_list(),
        ballots_failed=failed.to_list(),
    )


def _covered(said: pl.DataFrame) -> NDArray[np.int64]:
    return said["covered_characters"].fill_null(UNKNOWN).to_numpy()
