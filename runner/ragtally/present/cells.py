"""The cells of a study on one set of questions: picks, scores and costs, joined from `cells.csv` and analysis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ragtally.analysis import Analysis
from ragtally.analysis.aligned_answers import row_estimate
from ragtally.analysis.analysis import SetAnalysis
from ragtally.analysis.costs import CellCost
from ragtally.analysis.estimate import Estimate
from ragtally.api import Status
from ragtally.present.numbers import COUNT, DOLLARS, PORTION, SECONDS, SHARE, Portion, form_of, some
from ragtally.present.table import Column
from ragtally.results.metrics import MetricInfo, reason_of
from ragtally.spec.study import LONG_CONTROLS

# What a cell picks from, in the order of `cells.csv`.
AXES = ("parser", "chunker", "retriever", "build", "top_k", "context_words", "reader", "votes", "rule")
# What may stand before a reader, from nothing to the gold context: the order of the legends.
CONDITIONS = ("closed_book", "wrong_context", "retrieved", "gold_context", *LONG_CONTROLS)
_MOST_NAMED = 3
_NO_ANALYSIS = "an analysis works its interval out"
_UNKNOWN_COST = CellCost(None, None, None, None, None, None, None)


@dataclass(frozen=True)
class Cells:
    """The cells on one set of questions."""

    question_set: str  # `base` or `all`
    metrics: Sequence[MetricInfo]  # The study's
    rows: Mapping[str, Mapping[str, Any]]  # Each cell's row of `cells.csv`, by name
    set_analysis: SetAnalysis | None  # The set's analysis; None where there is none, or where nobody answers
    # By axis what to call each cell's pick, by name of the cell: the component, and what parameters tell it from
    # others of its name.
    labels: Mapping[str, Mapping[str, str]]

    @property
    def questions(self) -> int:
        """How many questions the set has."""
        if self.set_analysis is not None:
            return self.set_analysis.questions
        return max((row["questions"] for row in self.rows.values()), default=0)

    def of_kind(self, *kinds: str) -> list[str]:
        """The cells of some kinds, in the order of the study."""
        return [name for name, row in self.rows.items() if row["kind"] in kinds]

    def estimate(self, cell: str, metric: str) -> Estimate | None:
        """A cell's value, with its interval where there is an analysis; None where the metric does not apply."""
        scores = (
            self.set_analysis.cells[cell].metrics if self.set_analysis and cell in self.set_analysis.cells else {}
        )
        return scores[metric] if metric in scores else row_estimate(self.rows[cell], metric, _NO_ANALYSIS)

    def description(self, cell: str) -> str:
        """What a cell is in words."""
        return str(self.rows[cell]["description"])

    def unanswered(self, cell: str) -> Portion | None:
        """On how many questions a cell has no answer: a text that cannot be read, a failed call, no verdict."""
        if self.set_analysis is None or cell not in self.set_analysis.cells:
            return None
        statuses = self.set_analysis.cells[cell].statuses
        missing = (statuses.get(status, 0) for status in (Status.UNPARSED, Status.CALL_FAILED, Status.NO_VERDICT))
        return Portion(sum(missing), sum(statuses.values()))

    def context_words(self, cell: str) -> float | None:
        """How many words stand before the reader, on average."""
        words: float | None = self.rows[cell].get("context_mean_words")
        return words

    def cost(self, cell: str) -> CellCost:
        """What a cell's answers cost."""
        return (
            self.set_analysis.cells[cell].cost
            if self.set_analysis and cell in self.set_analysis.cells
            else _UNKNOWN_COST
        )

    def varies(self, axis: str) -> bool:
        """Whether the cells of the grid differ on an axis."""
        return len({self.labels[axis].get(name) for name in self.of_kind("grid")}) > 1

    @property
    def needs_rule(self) -> bool:
        """Whether the votes alone do not say how they decide: there are several rules, or one with parameters."""
        return self.varies("rule") or any(
            label != self.rows[name]["rule"] for name, label in self.labels["rule"].items()
        )

    def shown_axes(self) -> list[str]:
        """The axes that tell the cells of the grid apart, and the rule where its name says too little."""
        return [axis for axis in AXES if self.varies(axis) or (axis == "rule" and self.needs_rule)]

    def same_but(self, cell: str, *free: str) -> list[str]:
        """The grid cells that pick as a cell does on every axis but some."""
        fixed_axes = [axis for axis in AXES if axis not in (*free, "build")]
        return [
            name
            for name in self.of_kind("grid")
            # Of several builds the first stands for all.
            if self.rows[name].get("build") in (None, 1)
            and all(self.labels[axis].get(name) == self.labels[axis].get(cell) for axis in fixed_axes)
        ]

    def best(self, metric: str | None) -> tuple[str, ...]:
        """The grid cells that may be the best by a metric."""
        best = None if self.set_analysis is None or metric is None else self.set_analysis.best.get(metric)
        return () if best is None else best.cells


def unanswered_columns(cells: Iterable[tuple[Cells, str]]) -> tuple[Column, ...]:
    """A column for the questions without an answer, where any of some cells has some."""
    portions = (of_set.unanswered(name) for of_set, name in cells)
    return (Column("no answer", PORTION),) if any(portion and portion.count for portion in portions) else ()


def cells_of(
    frame: pl.DataFrame, metrics: Sequence[MetricInfo], question_set: str, analysis: Analysis | None = None
) -> Cells:
    """The cells of one set of questions."""
    set_analysis = None if analysis is None else analysis.sets.get(question_set)
    rows = {row["cell"]: row for row in frame.filter(pl.col("question_set") == question_set).iter_rows(named=True)}
    return Cells(
        question_set, metrics, rows, set_analysis, {axis: _labels(list(rows.values()), axis) for axis in AXES}
    )


def sets_of(frame: pl.DataFrame, metrics: Sequence[MetricInfo], analysis: Analysis | None = None) -> list[Cells]:
    """The cells on each set of questions, the one on which the study is decided first."""
    names = list(dict.fromkeys(frame["question_set"]))
    first = analysis.question_set if analysis else "base"
    return [cells_of(frame, metrics, name, analysis) for name in sorted(names, key=lambda name: name != first)]


def answer_units(sets: Sequence[Cells], *kinds: str) -> dict[str, str]:
    """The units of the metrics of answers that cells of some kinds have."""
    rows = [cells.rows[name] for cells in sets for name in cells.of_kind(*kinds)]
    return units_of(rows, sets[0].metrics if sets else (), "answers")


def chunk_sizes(cells: Cells) -> Mapping[str, int | float]:
    """Each grid cell's chunk size, where its chunker has a number called `size`."""
    sizes = {name: cells.rows[name].get("chunker.size") for name in cells.of_kind("grid")}
    return {name: size for name, size in sizes.items() if isinstance(size, int | float)}


def metric_columns(metrics: Mapping[str, str], narrow: int) -> list[Column]:
    """A column for each metric, given with its unit; a terminal has room for the first ones."""
    return [
        Column(metric, form_of(unit), page_only=number >= narrow)
        for number, (metric, unit) in enumerate(metrics.items())
    ]


def chart_point(score: Estimate, unit: str, **position: Any) -> dict[str, Any]:
    """A point of a chart: where it lies, and a cell's value with its interval."""
    form = form_of(unit)
    label = form.brief(score.value)
    return position | {
        "value": score.value, "low": score.low, "high": score.high, "text": form.write(score), "label": label
    }  # fmt: skip


COST_COLUMNS = (
    Column("$ per question", DOLLARS, "unknown", page_only=True, optional=True),
    Column("$ per right answer", DOLLARS, "unknown", page_only=True, optional=True),
    Column("s per question", SECONDS, "unknown", page_only=True, optional=True),
)


def cost_fields(cost: CellCost) -> tuple[float | None, ...]:
    """The fields of `COST_COLUMNS`."""
    return (cost.dollars_per_question, cost.dollars_per_right_answer, cost.seconds_per_question)


CONTEXT_COLUMNS = (
    Column("right document", SHARE, page_only=True),
    Column("evidence", SHARE),
    Column("ceiling", SHARE),
    Column("words", COUNT),
)
CONTEXT_NOTE = (
    "evidence: the share of the evidence that stood before the reader, of questions that have any; ceiling: the most"
    " that so many chunks, or so many words, could hold; words: of the context, on average"
)


def context_fields(row: Mapping[str, Any]) -> tuple[Estimate | int | None, ...]:
    """The fields of `CONTEXT_COLUMNS`: what stood before the reader."""
    shares = ("context_document_hit", "context_evidence", "context_evidence_ceiling")
    points = (None if row.get(name) is None else row_estimate(row, name, _NO_ANALYSIS) for name in shares)
    words = row.get("context_mean_words")
    return (*points, None if words is None else round(words))


def units_of(rows: Iterable[Mapping[str, Any]], metrics: Sequence[MetricInfo], measures: str) -> dict[str, str]:
    """The units, by printed name, of the metrics that any of some rows has; of answers only those of one number."""
    rows = list(rows)
    infos = [info for info in metrics if info.measures == measures and (info.is_single or measures != "answers")]
    names = {name: info.unit for info in infos for name in info.names}
    # One that has a reason instead of a value everywhere is shown with it.
    return {
        name: unit
        for name, unit in names.items()
        if any(row.get(name) is not None or reason_of(row.get("not_scored"), name) for row in rows)
    }


def missing_scores(rows: Iterable[Mapping[str, Any]], metrics: Iterable[str]) -> tuple[str, ...]:
    """Why some rows of a table have no score: once for each metric and reason."""
    rows = list(rows)
    counts = Counter(
        (metric, reason)
        for row in rows
        for metric in metrics
        if row.get(metric) is None and (reason := reason_of(row.get("not_scored"), metric))
    )
    return tuple(
        f"{metric} is missing in {number:,} of {len(rows):,} rows: {reason}"
        for (metric, reason), number in counts.items()
    )


def remarks(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """List what one must know to read the numbers of rankings and cells, each thing once."""
    names: dict[str, dict[str, None]] = {}
    for row in rows:
        if row["note"]:
            names.setdefault(row["note"], {})[row["ranking"] or row["cell"]] = None
    return tuple(f"{some(tuple(own), _MOST_NAMED)}: {note}" for note, own in names.items())


def _labels(rows: Sequence[Mapping[str, Any]], axis: str) -> dict[str, str]:
    parameters = [key for key in (rows[0] if rows else {}) if key.startswith(f"{axis}.")]
    values: dict[tuple[str, str], set[Any]] = {}
    for row in rows:
        for key in parameters:
            values.setdefault((str(row.get(axis)), key), set()).add(row[key])
    labels = {}
    for row in rows:
        name = row.get(axis)
        if name is None:
            continue
        # A rule has few parameters, and says little without them.
        differing = [
            key for key in parameters if row[key] is not None and (axis == "rule" or len(values[str(name), key]) > 1)
        ]
        inside = ", ".join(f"{key.rpartition('.')[2]} {row[key]}" for key in differing)
        labels[row["cell"]] = f"{name} ({inside})" if inside else str(name)
    return labels
