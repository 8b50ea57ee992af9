"""Two cells compared, of one study or of two: paired where they answer the same questions, unpaired otherwise.

This is what `ragtally compare` prints. By a metric of retrieval two rankings are compared in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.analysis.aligned_answers import graded_answers, random_generator, resample_number
from ragtally.analysis.bootstrap import bootstrap, cell_estimates
from ragtally.analysis.comparisons import Comparison, adjust_family, compare_pairs
from ragtally.analysis.contributions import Contributions, StudyMetrics, mean_contributions
from ragtally.analysis.estimate import Estimate
from ragtally.analysis.jackknife import Share, clustered_share, independent_difference
from ragtally.analysis.judges import correct, people_grades, plain_mean
from ragtally.analysis.prediction_powered import CorrectedMean, corrected_estimate, difference
from ragtally.analysis.proportions import newcombe, wilson
from ragtally.analysis.significance import LEVEL
from ragtally.api import DataError, GradedAnswers, Location, RagtallyError, Status, did_you_mean
from ragtally.results import MetricInfo, Results

# How two cells are compared: their `pairing`.
PAIRED, PARTLY_PAIRED, UNPAIRED = "paired", "paired on the common questions", "unpaired"
# What makes two questions the same one: the id and the words, since another dataset may use the same ids.
_KEY = ("question", "text")
_JUDGMENTS = ("item", "right_by_judges", "supported_by_judges")


@dataclass(frozen=True)
class CellRef:
    """A cell of a study, or by a metric of retrieval a ranking, to be compared with another."""

    results: Results
    cell: str

    @property
    def name(self) -> str:
        """The study and the cell, as they are typed."""
        return f"{self.results.study}:{self.cell}"


@dataclass(frozen=True, slots=True)
class ChangedQuestion:
    """A question that one cell had right and the other had not; of two rankings, one that they differ in."""

    question: str  # Its id
    text: str
    label: str  # What is right; empty for rankings
    # The first cell's verdict, or what became of the question (`call failed`, say) where there is none. A ranking's
    # value.
    first: str
    second: str  # The second cell's, likewise
    won: bool  # Whether the first cell had it right, or the first ranking is better


@dataclass(frozen=True, slots=True)
class CorrectedPair:
    """Two values and their difference on the common questions, corrected for the errors of judges."""

    first: Estimate
    second: Estimate
    difference: Estimate


@dataclass(frozen=True, slots=True)
class PairwiseComparison:
    """Two cells, as `study:cell`, and what tells them apart."""

    comparison: Comparison
    metric: str
    measures: str  # What the metric measures: `answers` or `retrieval`
    unit: str  # The metric's unit: `share`, `number` or `count`
    question_set: str  # `base` or `all`
    pairing: str  # `paired`, `paired on the common questions` or `unpaired`
    common: int  # How many questions both answer
    first_only: int
    second_only: int
    first_value: Estimate  # The first cell's value on the questions compared
    second_value: Estimate
    # The questions that changed sides: wins first, in the order of the dataset; of rankings those that they differ
    # in, the largest differences first.
    changes: tuple[ChangedQuestion, ...]
    notes: tuple[str, ...]  # What one must know to read this
    correction: CorrectedPair | None = None  # None where nothing depends on judges, or people have graded nothing
    # The share of the common questions to which both give the same answer, right or wrong; None where answers are
    # open, or nobody answers.
    agreement: Estimate | None = None

    def as_json(self) -> dict[str, Any]:
        """Convert to JSON-able data."""
        return asdict(self)


def compare_pairwise(
    pairs: Sequence[tuple[CellRef, CellRef]], metric: str, question_set: str
) -> list[PairwiseComparison]:
    """Compare pairs of cells; all of them are one family, whose p-values are corrected together by Holm's method."""
    # Without a common question, shares are compared as independent proportions by Newcombe's interval: there is
    # no p-value, so several such pairs are told apart by intervals whose level is divided by their number
    # (Bonferroni).
    metrics = StudyMetrics(pairs[0][0].results)
    aligned_pairs = [_AlignedPair.of(first, second, metrics, metric, question_set) for first, second in pairs]
    tests = sum(pair.has_common for pair in aligned_pairs)
    results = [
        pair.compare(tests) if pair.has_common else pair.compare_unpaired(len(pairs) - tests)
        for pair in aligned_pairs
    ]
    family = adjust_family([result.comparison for result in results])
    return [replace(result, comparison=comparison) for result, comparison in zip(results, family, strict=True)]


def matching_cells(results: Results, pattern: str) -> list[str]:
    """Find the cells that answer by their name, in the order of the study."""
    names = list(dict.fromkeys(results.answers["cell"]))
    return _matching(names, pattern, f"no cell of {results.study} that answers matches {pattern!r}")


def matching_rankings(results: Results, pattern: str) -> list[str]:
    """Find rankings by their name, or by that of a cell that reads them."""
    if not ranking_metrics(results):
        raise RagtallyError(
            f"{results.study} has no metric of retrieval of single questions", hint="compare by accuracy"
        )
    names = list(dict.fromkeys(results.rankings["ranking"]))
    ranking_of = dict(results.cells.select("cell", "ranking").iter_rows())
    if pattern not in names and ranking_of.get(pattern) in names:
        return [ranking_of[pattern]]
    return _matching(names, pattern, f"no ranking of {results.study} matches {pattern!r}")


def common_set(pairs: Sequence[tuple[CellRef, CellRef]], question_set: str | None) -> str:
    """Choose on which set of questions cells are compared: the one asked for, or the base where all answer it."""
    sets = {ref.name: _question_sets(ref) for pair in pairs for ref in pair}
    for candidate in (question_set,) if question_set else ("base", "all"):
        without = [name for name, own in sets.items() if candidate not in own]
        if not without:
            return candidate
    hint = "give --on base or --on all, whichever both were asked; `grid_on: all` asks the grid about all questions"
    raise RagtallyError(f"{without[0]} was not scored on {question_set or 'the same set as the other'}", hint=hint)


def ranking_metrics(results: Results) -> list[str]:
    """List the metrics of retrieval that a study has of each question, in the spec's order."""
    return [name for name in results.rankings.columns if name not in ("ranking", "question")]


@dataclass(frozen=True)
class _AlignedPair:
    """Two cells with their answers, or two rankings with their values."""

    first: CellRef
    second: CellRef
    metrics: StudyMetrics
    info: MetricInfo
    metric: str
    question_set: str
    one: pl.DataFrame  # The first one's rows, one per question
    other: pl.DataFrame
    both: pl.DataFrame  # Side by side for the common questions; the second one's columns end in `_second`

    @staticmethod
    def of(first: CellRef, second: CellRef, metrics: StudyMetrics, metric: str, question_set: str) -> _AlignedPair:
        info = metrics.info(metric)
        ranks = info.measures == "retrieval"
        one, other = (_values(ref, metric) if ranks else _answers(ref, question_set) for ref in (first, second))
        both = one.join(other, on=list(_KEY), suffix="_second", maintain_order="left")
        return _AlignedPair(first, second, metrics, info, metric, question_set, one, other, both)

    @property
    def has_common(self) -> bool:
        return len(self.both) > 0

    @property
    def ranks(self) -> bool:
        return self.info.measures == "retrieval"

    def compare(self, tests: int) -> PairwiseComparison:
        """Compare the common questions in pairs, as one of so many tests."""
        both, better = self.both, self.info.higher_is_better is not False
        contributions = self._contributions()
        # "two" keeps the resamples of published numbers.
        purpose = ("two", self.first.cell, self.second.cell, self.metric, self.question_set)
        cluster, resamples = both["document_group"].cast(pl.Int64).to_numpy(), resample_number(len(both), 2)
        (comparison,) = compare_pairs(
            contributions,
            ("first", "second"),
            [("first", "second")],
            random_generator(self.first.results, *purpose),
            right=None if self.ranks else both.select("right", "right_second").to_numpy(),
            higher_is_better=better,
            cluster=cluster,
            resamples=resamples,
            tests_in_family=tests,
        )
        generator = random_generator(self.first.results, *purpose, "values")
        first, second = cell_estimates(contributions, bootstrap(contributions, generator, resamples, cluster))
        comparison = replace(comparison, cell=self.first.name, baseline=self.second.name)
        changes = _changed_values(both, better) if self.ranks else _changed_answers(both)
        result = self._result(comparison, first, second, self._notes_on_pairs(), changes)
        if self.ranks:
            return result
        return replace(result, correction=self._correction(cluster), agreement=self._agreement(cluster))

    def _agreement(self, cluster: NDArray[np.int64]) -> Estimate | None:
        if self.first.results.is_open or self.second.results.is_open:
            return None
        # Who has no verdict gives no answer, and so not the same one.
        same = (self.both["verdict"] == self.both["verdict_second"]).fill_null(value=False).to_numpy()
        if len(np.unique(cluster)) < len(cluster):
            return clustered_share(Share(same, cluster))
        return wilson(int(same.sum()), len(same))

    def _correction(self, cluster: NDArray[np.int64]) -> CorrectedPair | None:
        means: list[CorrectedMean] = []
        depends = []
        for ref, graded, suffix in zip((self.first, self.second), self._graded_sides(), ("", "_second"), strict=True):
            grades = people_grades(ref.results)
            mean = None
            if grades is not None:
                mean = correct(self.metrics, self.metric, graded, self.both[f"item{suffix}"].to_list(), grades)
            depends.append(mean is not None)
            own = mean or plain_mean(self.metrics, self.metric, graded)
            if not isinstance(own, CorrectedMean):
                return None
            means.append(own)
        if not any(depends):
            return None
        first, second = means
        return CorrectedPair(
            corrected_estimate(first, cluster),
            corrected_estimate(second, cluster),
            corrected_estimate(difference(first, second), cluster, (-1.0, 1.0)),
        )

    def _graded_sides(self) -> list[GradedAnswers]:
        names = [name.removesuffix("_second") for name in self.both.columns if name.endswith("_second")]
        sides = (self.both.select(names), self.both.select(pl.col(f"{name}_second").alias(name) for name in names))
        results = (self.first.results, self.second.results)
        return [graded_answers(rows, each) for rows, each in zip(sides, results, strict=True)]

    def compare_unpaired(self, pairs: int) -> PairwiseComparison:
        """Compare shares of independent sets of questions, as one of so many pairs."""
        first, second = self._share(self.first, self.one), self._share(self.second, self.other)
        counts = (int(first.right.sum()), len(self.one), int(second.right.sum()), len(self.other))
        if any(table["document_group"].n_unique() < len(table) for table in (self.one, self.other)):
            difference = independent_difference(first, second)
            strict = independent_difference(first, second, 1 - LEVEL / pairs)
            values = clustered_share(first), clustered_share(second)
            how = "Welch's interval over documents, since questions share them"
        else:
            difference, strict = newcombe(*counts), newcombe(*counts, 1 - LEVEL / pairs)
            values = wilson(*counts[:2]), wilson(*counts[2:])
            how = "Newcombe's interval"
        includes_zero = strict.contains(0.0)
        notes = [f"no common question: compared as two independent sets ({how}), which sees less than pairs"]
        comparison = Comparison(
            cell=self.first.name,
            baseline=self.second.name,
            difference=difference,
            significance=None,
            adjusted_p_value=None,
            distinguishable=None if includes_zero is None else not includes_zero,
            tally=None,
            smallest_difference=None,
        )
        return self._result(comparison, *values, notes)

    def _result(
        self,
        comparison: Comparison,
        first: Estimate,
        second: Estimate,
        notes: Sequence[str],
        changes: tuple[ChangedQuestion, ...] = (),
    ) -> PairwiseComparison:
        common = len(self.both)
        whole = common == len(self.one) == len(self.other)
        return PairwiseComparison(
            comparison=comparison,
            metric=self.metric,
            measures=self.info.measures,
            unit=self.info.unit,
            question_set=self.question_set,
            pairing=PAIRED if whole else PARTLY_PAIRED if common else UNPAIRED,
            common=common,
            first_only=len(self.one) - common,
            second_only=len(self.other) - common,
            first_value=first,
            second_value=second,
            changes=changes,
            notes=(*notes, *self._notes_on_ids(), *self._notes_on_builds()),
        )

    def _contributions(self) -> Contributions:
        if self.ranks:
            return mean_contributions(self.both.select("value", "value_second").to_numpy())
        answers = tuple(each.results.answer_names for each in (self.first, self.second))
        answers_of_sides = self._graded_sides()
        contributions = self.metrics.contributions(self.metric, answers_of_sides)
        if isinstance(contributions, str):
            raise RagtallyError(
                f"{self.metric!r} cannot be compared question by question: {contributions}",
                hint="try accuracy, macro_f1, or a metric of retrieval that the study scored, as recall@5",
            )
        # A mean takes each side's values by its own labels; sums by class are of the same classes.
        if not contributions.mean and (
            set(answers[0]) != set(answers[1]) or answers_of_sides[0].gold != answers_of_sides[1].gold
        ):
            raise RagtallyError(
                f"{self.metric} cannot be compared: the two studies differ in the answers or in the labels of"
                " questions",
                hint="compare them by accuracy",
            )
        return contributions

    def _share(self, ref: CellRef, rows: pl.DataFrame) -> Share:
        """Which questions count for a metric that is a share of them."""
        share: Contributions | str = ""
        if not self.ranks:
            share = self.metrics.contributions(self.metric, [graded_answers(rows, ref.results)])
        if isinstance(share, str) or not share.binary:
            raise RagtallyError(
                f"{self.first.name} and {self.second.name} were asked no common question, so {self.metric} cannot be"
                " compared",
                hint="different sets of questions are compared by shares of questions alone: --metric accuracy",
            )
        return Share(share.own.reshape(len(rows)).astype(np.bool_), rows["document_group"].cast(pl.Int64).to_numpy())

    def _notes_on_pairs(self) -> list[str]:
        notes, common = [], len(self.both)
        if not common == len(self.one) == len(self.other):
            notes.append(
                f"compared on the {common} common questions; left out: {len(self.one) - common} that only the first"
                f" was asked and {len(self.other) - common} that only the second was"
            )
        if not self.ranks:
            other_labels = int((self.both["label"] != self.both["label_second"]).sum())
            if other_labels:
                notes.append(
                    f"{other_labels} common questions have another label in the second study; each side keeps its own"
                )
        return notes

    def _notes_on_ids(self) -> list[str]:
        same_id = self.one.join(self.other, on="question", suffix="_second")
        differing = int((same_id["text"] != same_id["text_second"]).sum())
        if not differing:
            return []
        return [f"{differing} ids stand for other words in the two studies: different questions"]

    def _notes_on_builds(self) -> list[str]:
        """Say that another build of a random index would find something else."""
        sides: dict[str, list[str]] = {}
        for side, ref in (("A", self.first), ("B", self.second)):
            if why := ref.results.comparisons.get("variation", {}).get(ref.cell):
                sides.setdefault(why, []).append(side)
        return [f"this holds for one build of the index of {' and '.join(own)}: {why}" for why, own in sides.items()]


def _answers(ref: CellRef, question_set: str) -> pl.DataFrame:
    """Read a cell's answers, one row per question."""
    answers = ref.results.answers.filter(pl.col("cell") == ref.cell)
    if question_set == "base":
        answers = answers.filter("in_base")
    rows = answers.join(_questions(ref.results), on="question").sort("row")
    missing = rows["status" if ref.results.is_open else "label"].null_count()
    if missing:
        raise DataError(
            f"{missing} of the {len(rows)} questions have no label, so no answer to them is right or wrong",
            location=Location(str(ref.results.folder / "answers.parquet")),
            hint="compare on a set whose questions all have labels (--on base), or give the dataset labels",
        )
    right = pl.col("status") == str(Status.RIGHT)
    of_open = ["references", *_JUDGMENTS] if ref.results.is_open else []
    # A study without judges beside one that has some: they said nothing of its answers.
    absent = {name: pl.lit(None, dtype=pl.String) for name in _JUDGMENTS if name not in rows.columns}
    return rows.with_columns(right=right, **absent).select(
        *_KEY, "label", *of_open, "verdict", "status", "ballots", "errors", "right", "document_group"
    )


def _values(ref: CellRef, metric: str) -> pl.DataFrame:
    """Read a ranking's value for each question that the metric applies to."""
    metrics = ranking_metrics(ref.results)
    if metric not in metrics:
        raise RagtallyError(
            f"{ref.results.study} has no {metric} of single questions",
            hint=f"it has {', '.join(metrics)}"
            if metrics
            else "name it under `metrics` in the spec, and run the study",
        )
    values = ref.results.rankings.filter(pl.col("ranking") == ref.cell).select("question", value=metric)
    rows = values.drop_nulls("value").join(_questions(ref.results), on="question").sort("row")
    return rows.select(*_KEY, "value", "document_group")


def _questions(results: Results) -> pl.DataFrame:
    columns = (pl.col("id").alias("question"), pl.col("question").alias("text"), "document_group")
    return results.questions.select(*columns).with_row_index("row")


def _question_sets(ref: CellRef) -> set[str]:
    """The sets of questions, `base` and `all`, that a cell was scored on."""
    return set(ref.results.cells.filter(pl.col("cell") == ref.cell)["question_set"])


def _matching(names: Sequence[str], pattern: str, failure: str) -> list[str]:
    if pattern in names:
        return [pattern]
    # Square brackets stand in cells' names, so they mean themselves; without `*` and `?` it is a part of a name.
    shell = pattern.replace("[", "[[]")
    if not any(sign in pattern for sign in "*?"):
        shell = f"*{shell}*"
    matches = [name for name in names if fnmatchcase(name, shell)]
    if not matches:
        raise RagtallyError(failure, hint=did_you_mean(pattern, names))
    return matches


def _changed_answers(both: pl.DataFrame) -> tuple[ChangedQuestion, ...]:
    changes = both.filter(pl.col("right") != pl.col("right_second"))
    rows = changes.sort("right", descending=True, maintain_order=True)
    return tuple(
        ChangedQuestion(
            question=row["question"],
            text=row["text"],
            label=row["label"] if row.get("references") is None else references_in_words(row["references"]),
            first=row["verdict"] or row["status"],
            second=row["verdict_second"] or row["status_second"],
            won=row["right"],
        )
        for row in rows.iter_rows(named=True)
    )


def references_in_words(references: Sequence[str]) -> str:
    """What would be right, in one line."""
    return " / ".join(references) or "(cannot be answered)"


def _changed_values(both: pl.DataFrame, better: bool) -> tuple[ChangedQuestion, ...]:
    gain = pl.col("value") - pl.col("value_second")
    changes = both.with_columns(gain=gain if better else -gain).filter(pl.col("gain") != 0)
    rows = changes.sort(pl.col("gain") > 0, pl.col("gain").abs(), descending=True, maintain_order=True)
    return tuple(
        ChangedQuestion(
            question=row["question"],
            text=row["text"],
            label="",
            first=f"{row['value']:.3f}",
            second=f"{row['value_second']:.3f}",
            won=row["gain"] > 0,
        )
        for row in rows.iter_rows(named=True)
    )
