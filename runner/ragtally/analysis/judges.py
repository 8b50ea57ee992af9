"""How far judges can be trusted, by what people say of some answers; and shares by judges, corrected for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.analysis.agreement import GradedItems, agreement_share, cohen_kappa, weighted_share
from ragtally.analysis.aligned_answers import AlignedAnswers
from ragtally.analysis.contributions import Contributions, StudyMetrics
from ragtally.analysis.estimate import CONFIDENCE, Estimate
from ragtally.analysis.prediction_powered import (
    METHOD,
    CorrectedMean,
    JudgedValues,
    corrected_estimate,
    corrected_mean,
)
from ragtally.api import GradedAnswers, Status
from ragtally.results.brief import Brief
from ragtally.results.load import Results
from ragtally.results.people import GRADES, STRATA

PANEL = "all together"


@dataclass(frozen=True, slots=True, repr=False)
class JudgeQuality(Brief):
    """One judge, or all together, beside people."""

    judge: str  # Its name in the spec
    readers: tuple[str, ...]  # The readers that ask the same model
    accuracy: Estimate  # How often it says what people say; no verdict is neither right nor wrong, and never the same
    sensitivity: Estimate  # Of the answers that people call right, the share that it calls right
    specificity: Estimate  # Of those that people call wrong, the share that it calls wrong
    kappa: Estimate  # Agreement beyond chance


@dataclass(frozen=True, slots=True, repr=False)
class PeopleAgreement(Brief):
    """Two people who graded the same answers."""

    first: str
    second: str
    share: Estimate
    kappa: Estimate


@dataclass(frozen=True, slots=True)
class StratumCounts:
    """Answers that were drawn with one probability."""

    frame: int
    grades: int  # How many of them people graded


@dataclass(frozen=True, slots=True, repr=False)
class JudgeAnalysis(Brief):
    """What is known of a study's judges."""

    answers: int  # How many answers they were asked about, equal ones once
    doubtful: int  # Of how many their ballots differ, or could not all be read
    ballots: int
    unread_ballots: int  # How many could not be read, or failed
    grades: int  # How many answers people graded
    new: int  # How many were not there when answers were drawn for people
    strata: Mapping[str, StratumCounts]
    judges: tuple[JudgeQuality, ...]  # By people; of several also all together
    people: tuple[PeopleAgreement, ...]


def judge_analysis(results: Results) -> JudgeAnalysis | None:
    """Analyze the judges of a study; None where there are none."""
    if not results.comparisons.get("panel"):
        return None
    table, sample = _answers(results), _sample(results)
    ballots = table["ballots"].explode(empty_as_null=False) if len(table) else pl.Series([], dtype=pl.Boolean)
    strata = {
        name: StratumCounts(int((table["stratum"] == name).sum()), int((sample["stratum"] == name).sum()))
        for name in STRATA
    }
    return JudgeAnalysis(
        answers=len(table),
        doubtful=int((table["doubt"] == "doubtful").sum()),
        ballots=len(ballots),
        unread_ballots=ballots.null_count(),
        grades=len(sample),
        new=table["stratum"].null_count() if len(sample) else 0,
        strata={name: counts for name, counts in strata.items() if counts.frame},
        judges=tuple(_qualities(results, sample)) if len(sample) else (),
        people=tuple(_agreements(results, sample)),
    )


def _answers(results: Results) -> pl.DataFrame:
    """The answers whose being right judges were asked about."""
    return results.judgments.filter(pl.col("criterion") == "right")


def _sample(results: Results) -> pl.DataFrame:
    """Those that people have graded."""
    return _answers(results).filter((pl.col("grades").list.len() > 0) & (pl.col("probability") > 0))


def _qualities(results: Results, sample: pl.DataFrame) -> Iterator[JudgeQuality]:
    people = sample["grades"].list.mean().to_numpy()
    # A person may be unsure, and two may disagree: their grade is then in between.
    by_people = np.stack([people, 1 - people, np.zeros(len(people))], axis=1)
    panel = results.comparisons["panel"]
    opinions = [(judge, sample["judge_verdicts"].list.get(number)) for number, judge in enumerate(panel)]
    if len(panel) > 1:
        readers = list(dict.fromkeys(reader for judge in panel for reader in judge["readers"]))
        opinions.append(({"name": PANEL, "readers": readers}, sample["verdict"]))
    for judge, verdicts in opinions:
        says = {True: (1.0, 0.0, 0.0), False: (0.0, 1.0, 0.0), None: (0.0, 0.0, 1.0)}
        by_judge = np.array([says[verdict] for verdict in verdicts.to_list()])
        items = GradedItems(by_judge, by_people, *_design(results, sample))
        right, wrong = by_people[:, 0], by_people[:, 1]
        yield JudgeQuality(
            judge["name"],
            tuple(judge["readers"]),
            accuracy=agreement_share(items),
            sensitivity=weighted_share(by_judge[:, 0] * right, right, items),
            specificity=weighted_share(by_judge[:, 1] * wrong, wrong, items),
            kappa=cohen_kappa(items),
        )


def _agreements(results: Results, sample: pl.DataFrame) -> Iterator[PeopleAgreement]:
    names = sorted(set(sample["people"].explode(empty_as_null=False))) if len(sample) else []
    for pair in itertools.combinations(names, 2):
        both = sample.filter(pl.all_horizontal(pl.col("people").list.contains(name) for name in pair))
        if not len(both):
            continue
        grades = [dict(zip(*row, strict=True)) for row in both.select("people", "grades").iter_rows()]
        # To be unsure is a category of its own: two who are unsure agree.
        first, second = (
            np.array([[float(own[name] == grade) for grade in GRADES.values()] for own in grades]) for name in pair
        )
        items = GradedItems(first, second, *_design(results, both))
        yield PeopleAgreement(*pair, agreement_share(items), cohen_kappa(items))


def _design(results: Results, sample: pl.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How many answers each stands for, and which are about questions that share a document."""
    groups = dict(results.questions.select("id", "document_group").iter_rows())
    clusters = np.array([groups[question] for question in sample["question"]], dtype=np.int64)
    return 1 / sample["probability"].to_numpy(), clusters


@dataclass(frozen=True, slots=True)
class PeopleGrades:
    """What people say of answers."""

    by_item: Mapping[str, tuple[float, float]]  # The mean grade, and how many answers it stands for
    stratum: Mapping[str, str]  # Of every answer that could have been drawn
    sampled_strata: frozenset[str]  # The strata of which people graded anything


def people_grades(results: Results) -> PeopleGrades | None:
    """Collect the grades of people; None where there are none."""
    sample = _sample(results)
    if not len(sample):
        return None
    rows = sample.select("item", pl.col("grades").list.mean(), "probability").iter_rows()
    return PeopleGrades(
        {item: (grade, 1 / probability) for item, grade, probability in rows},
        dict(_answers(results).drop_nulls("stratum").select("item", "stratum").iter_rows()),
        frozenset(sample["stratum"]),
    )


def corrected_metrics(results: Results, answers: AlignedAnswers) -> dict[str, dict[str, Estimate]]:
    """Correct the metrics that depend on judges, by cell and printed name; nothing without grades of people."""
    estimates: dict[str, dict[str, Estimate]] = {}
    grades = people_grades(results)
    if grades is None:
        return estimates
    for name, of_cell in zip(answers.cells, answers.graded, strict=True):
        for metric in results.metric_names("answers"):
            mean = correct(answers.metrics, metric, of_cell, answers.items.get(name, ()), grades)
            if isinstance(mean, str):
                estimate = Estimate(None, len(of_cell), confidence=CONFIDENCE, method=METHOD, reason=mean)
                estimates.setdefault(name, {})[metric] = estimate
            elif mean is not None:
                estimates.setdefault(name, {})[metric] = corrected_estimate(mean, answers.cluster)
    return estimates


def correct(
    metrics: StudyMetrics, metric: str, answers: GradedAnswers, items: Sequence[str | None], grades: PeopleGrades
) -> CorrectedMean | str | None:
    """Correct a mean for the errors of judges, or say why it cannot be; None for what does not depend on them."""
    by_panel = np.array([one is not None for one in answers.right_by_judges or ()])
    if not by_panel.any():
        return None
    # What each question contributes as it is, if people find every judged answer right, and if they find it wrong.
    sides = (answers, _as_if(answers, right=True), _as_if(answers, right=False))
    contributions = metrics.contributions(metric, sides)
    if isinstance(contributions, str) or contributions.by_question is None:
        return None
    values, right, wrong = contributions.by_question.T
    if np.array_equal(right, wrong):
        return None
    drawable = [item for item in items if item is not None]
    if new := sum(item not in grades.stratum for item in drawable):
        return f"{new:,} of its {len(drawable):,} judged answers were not there when answers were drawn for people"
    if missing := {grades.stratum[item] for item in drawable} - grades.sampled_strata:
        return f"people graded none of the answers that are {' or '.join(sorted(missing))} by the ballots"
    nothing = (np.nan, 1.0)
    grade, weight = np.array([nothing if item is None else grades.by_item.get(item, nothing) for item in items]).T
    if not (by_panel & ~np.isnan(grade)).any():
        return "people graded none of its answers"
    by_people = grade * right + (1 - grade) * wrong
    return corrected_mean(JudgedValues(values, by_people, weight, by_panel, _counts(contributions)))


def plain_mean(metrics: StudyMetrics, metric: str, answers: GradedAnswers) -> CorrectedMean | None:
    """A mean in which nothing depends on judges, to be compared with one in which something does."""
    contributions = metrics.contributions(metric, (answers,))
    if isinstance(contributions, str) or contributions.by_question is None:
        return None
    values, nobody = contributions.by_question[:, 0], np.zeros(len(answers), dtype=np.bool_)
    nothing = np.full(len(answers), np.nan)
    return corrected_mean(JudgedValues(values, nothing, nothing, nobody, _counts(contributions)), power=1.0)


def _counts(contributions: Contributions) -> NDArray[np.float64]:
    """To which questions a mean applies."""
    return contributions.own[:, 0, 1] if contributions.own.shape[2] > 1 else np.ones(contributions.questions)


def _as_if(answers: GradedAnswers, *, right: bool) -> GradedAnswers:
    """The answers if people said the same of all that judges were asked about."""
    status, judgments = Status.RIGHT if right else Status.WRONG, answers.right_by_judges or ()
    return replace(
        answers,
        status=[own if one is None else status for own, one in zip(answers.status, judgments, strict=True)],
        right_by_judges=[None if one is None else right for one in judgments],
    )
