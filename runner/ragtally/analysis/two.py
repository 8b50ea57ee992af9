"""Two cells compared, of one study or of two: paired where they were asked the same questions, unpaired otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from ragtally.analysis.aligned_answers import graded_answers
from ragtally.analysis.bootstrap import bootstrap
from ragtally.analysis.cell_refs import Side, answers_of, lined_up
from ragtally.analysis.comparison import PairedComparison, adjust_family, compare_pairs
from ragtally.analysis.contributions import Contributions, StudyMetrics, mean_contributions
from ragtally.analysis.intervals import cell_intervals
from ragtally.analysis.proportions import newcombe, wilson
from ragtally.analysis.scores import CONFIDENCE, LEVEL, generator, measured, resamples
from ragtally.analysis.set_verdict import Measured
from ragtally.analysis.two_cells import PAIRED, PARTLY, UNPAIRED, Changed, TwoCells
from ragtally.analysis.two_rankings import changed_values, values_of
from ragtally.api import RagtallyError
from ragtally.results import MetricInfo


def compare_two(pairs: Sequence[tuple[Side, Side]], metric: str, question_set: str) -> list[TwoCells]:
    """Compare pairs of cells; all of them are one family, whose p-values are corrected together by Holm's method."""
    # Questions are the same where id and words are. The same questions, or some common ones, are compared in pairs
    # (`ragtally.analysis.comparison.compare_pairs`); without a common one, accuracies are compared as independent
    # proportions by Newcombe's interval: there is no p-value, so several such pairs are told apart by intervals whose
    # level is divided by their number (Bonferroni).
    metrics = StudyMetrics(pairs[0][0].results)
    info = metrics.info(metric)
    ranks = info.measures == "retrieval"
    asked = [
        (first, second, _said(first, metric, question_set, ranks), _said(second, metric, question_set, ranks))
        for first, second in pairs
    ]
    joined = [lined_up(one, other) for _, _, one, other in asked]
    tests = sum(len(both) > 0 for both in joined)
    made = [
        _paired(first, second, both, metrics, metric, question_set, tests) if len(both) else None
        for (first, second, _, _), both in zip(asked, joined, strict=True)
    ]
    adjusted = iter(adjust_family([found.made for found in made if found is not None]))
    results = []
    for (first, second, one, other), both, paired in zip(asked, joined, made, strict=True):
        if paired is None:
            unpaired = len(made) - tests
            results.append(_unpaired(first, second, one, other, metrics, metric, question_set, unpaired))
        else:
            corrected = replace(paired, made=next(adjusted))
            results.append(_described(first, second, one, other, both, corrected, info, metric, question_set))
    return results


def _said(side: Side, metric: str, question_set: str, ranks: bool) -> pl.DataFrame:
    return values_of(side, metric) if ranks else answers_of(side, question_set)


@dataclass(frozen=True)
class _Paired:
    """A comparison in pairs, with each side's own value."""

    made: PairedComparison
    values: tuple[Measured, Measured]


def _paired(
    first: Side,
    second: Side,
    both: pl.DataFrame,
    metrics: StudyMetrics,
    metric: str,
    question_set: str,
    tests: int,
) -> _Paired:
    info = metrics.info(metric)
    ranks = info.measures == "retrieval"
    if ranks:
        contributions = mean_contributions(both.select("value", "value_second").to_numpy())
    else:
        contributions = _contributions(first, second, both, metrics, metric)
    by_question = contributions.by_question
    cluster = both["document_group"].cast(pl.Int64).to_numpy()
    purpose = ("two", first.cell, second.cell, metric, question_set)
    (made,) = compare_pairs(
        contributions,
        [(0, 1)],
        both.select("right", "right_second").to_numpy() if by_question is None else by_question,
        generator(first.results, *purpose),
        higher_is_better=info.higher_is_better is not False,
        cluster=cluster,
        resamples=resamples(len(both), 2),
        confidence=CONFIDENCE,
        level=LEVEL,
        tests_in_family=tests,
    )
    drawn = bootstrap(contributions, generator(first.results, *purpose, "values"), resamples(len(both), 2), cluster)
    one, other = map(measured, contributions.scores(), cell_intervals(contributions, drawn, CONFIDENCE))
    return _Paired(made, (one, other))


def _contributions(
    first: Side, second: Side, both: pl.DataFrame, metrics: StudyMetrics, metric: str
) -> Contributions:
    columns = [name.removesuffix("_second") for name in both.columns if name.endswith("_second")]
    one, other = both.select(columns), both.select(pl.col(f"{name}_second").alias(name) for name in columns)
    names = (first.results.answer_names, second.results.answer_names)
    graded = [graded_answers(rows, answers) for rows, answers in zip((one, other), names, strict=True)]
    contributions = metrics.contributions(metric, graded)
    if isinstance(contributions, str):
        raise RagtallyError(
            f"{metric!r} cannot be compared question by question: {contributions}",
            hint="try accuracy, macro_f1, or a metric of retrieval that the study scored, as recall@5",
        )
    # A mean takes each side's values by its own labels; sums by class are of the same classes.
    if not contributions.mean and (set(names[0]) != set(names[1]) or graded[0].gold != graded[1].gold):
        raise RagtallyError(
            f"{metric} cannot be compared: the two studies differ in the answers or in the labels of questions",
            hint="compare them by accuracy",
        )
    return contributions


def _described(
    first: Side,
    second: Side,
    one: pl.DataFrame,
    other: pl.DataFrame,
    both: pl.DataFrame,
    paired: _Paired,
    info: MetricInfo,
    metric: str,
    question_set: str,
) -> TwoCells:
    made, interval = paired.made, paired.made.interval
    whole = len(both) == len(one) == len(other)
    ranks, up = info.measures == "retrieval", info.higher_is_better is not False
    shown = TwoCells(
        first=first.name,
        second=second.name,
        metric=metric,
        measures=info.measures,
        unit=info.unit,
        question_set=question_set,
        pairing=PAIRED if whole else PARTLY,
        common=len(both),
        first_only=len(one) - len(both),
        second_only=len(other) - len(both),
        first_value=paired.values[0],
        second_value=paired.values[1],
        difference=Measured(
            made.difference.value,
            len(both),
            interval.low,
            interval.high,
            interval.method,
            made.difference.reason or interval.reason,
        ),
        test=made.significance.test,
        p_value=made.significance.p_value,
        adjusted_p_value=made.adjusted_p_value,
        distinguishable=made.distinguishable(LEVEL),
        wins=made.tally.wins,
        ties=made.tally.ties,
        losses=made.tally.losses,
        smallest_difference=made.smallest_difference.value,
        changed=changed_values(both, up) if ranks else _changed(both),
        notes=(),
    )
    notes = [] if whole else [_partly(shown)]
    relabelled = 0 if ranks else int((both["label"] != both["label_second"]).sum())
    if relabelled:
        notes.append(f"{relabelled} common questions have another label in the second study; each side keeps its own")
    return replace(shown, notes=(*notes, *_same_ids(one, other)))


def _unpaired(
    first: Side,
    second: Side,
    one: pl.DataFrame,
    other: pl.DataFrame,
    metrics: StudyMetrics,
    metric: str,
    question_set: str,
    pairs: int,
) -> TwoCells:
    info = metrics.info(metric)
    counts = []
    for side, rows in ((first, one), (second, other)):
        share: Contributions | str = ""
        if info.measures == "answers":
            share = metrics.contributions(metric, [graded_answers(rows, side.results.answer_names)])
        if isinstance(share, str) or not share.binary:
            raise RagtallyError(
                f"{first.name} and {second.name} were asked no common question, so {metric} cannot be compared",
                hint="different sets of questions are compared by shares of questions alone: --metric accuracy",
            )
        counts.append((int(share.own.sum()), len(rows)))
    interval = newcombe(*counts[0], *counts[1], CONFIDENCE)
    value = None if interval.low is None else counts[0][0] / counts[0][1] - counts[1][0] / counts[1][1]
    inside = newcombe(*counts[0], *counts[1], 1 - LEVEL / pairs).contains(0.0)
    notes = ["no common question: compared as two independent sets (Newcombe's interval), which sees less than pairs"]
    if any(said["document_group"].n_unique() < len(said) for said in (one, other)):
        notes.append("several questions share a document, which this interval does not know: it may be too narrow")
    return TwoCells(
        first=first.name,
        second=second.name,
        metric=metric,
        measures=info.measures,
        unit=info.unit,
        question_set=question_set,
        pairing=UNPAIRED,
        common=0,
        first_only=len(one),
        second_only=len(other),
        first_value=_value(*counts[0]),
        second_value=_value(*counts[1]),
        difference=Measured(
            value, len(one) + len(other), interval.low, interval.high, interval.method, interval.reason
        ),
        test=None,
        p_value=None,
        adjusted_p_value=None,
        distinguishable=None if inside is None else not inside,
        wins=None,
        ties=None,
        losses=None,
        smallest_difference=None,
        changed=(),
        notes=(*notes, *_same_ids(one, other)),
    )


def _value(count: int, questions: int) -> Measured:
    interval = wilson(count, questions, CONFIDENCE)
    value = count / questions if questions else None
    return Measured(value, questions, interval.low, interval.high, interval.method, interval.reason)


def _changed(both: pl.DataFrame) -> tuple[Changed, ...]:
    turned = both.filter(pl.col("right") != pl.col("right_second")).sort(
        "right", descending=True, maintain_order=True
    )
    return tuple(
        Changed(
            question=row["question"],
            text=row["text"],
            label=row["label"],
            first=row["verdict"] or row["status"],
            second=row["verdict_second"] or row["status_second"],
            won=row["right"],
        )
        for row in turned.iter_rows(named=True)
    )


def _partly(found: TwoCells) -> str:
    return (
        f"compared on the {found.common} common questions; left out: {found.first_only} that only the first was asked"
        f" and {found.second_only} that only the second was"
    )


def _same_ids(one: pl.DataFrame, other: pl.DataFrame) -> list[str]:
    met = one.join(other, on="question", suffix="_second")
    differing = int((met["text"] != met["text_second"]).sum())
    return [f"{differing} ids stand for other words in the two studies: different questions"] if differing else []
