"""Two cells compared, of one study or of two: paired where they were asked the same questions, unpaired otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from ragtally.analysis.answer_contributions import answer_codes, answer_contributions
from ragtally.analysis.bootstrap import bootstrap
from ragtally.analysis.cell_refs import Side, answers_of, lined_up
from ragtally.analysis.comparison import PairedComparison, adjust_family, compare_pairs
from ragtally.analysis.contributions import Contributions, mean_contributions
from ragtally.analysis.intervals import cell_intervals
from ragtally.analysis.proportions import newcombe, wilson
from ragtally.analysis.scores import CONFIDENCE, LEVEL, generator, higher_is_better, measured, resamples
from ragtally.analysis.set_verdict import Measured
from ragtally.analysis.two_cells import PAIRED, PARTLY, UNPAIRED, Changed, TwoCells
from ragtally.analysis.two_rankings import changed_values, is_of_retrieval, values_of
from ragtally.api import RagtallyError


def compare_two(pairs: Sequence[tuple[Side, Side]], metric: str, question_set: str) -> list[TwoCells]:
    """Compare pairs of cells; all of them are one family, whose p-values are corrected together by Holm's method."""
    # Questions are the same where id and words are. The same questions, or some common ones, are compared in pairs
    # (`ragtally.analysis.comparison.compare_pairs`); without a common one, accuracies are compared as independent
    # proportions by Newcombe's interval: there is no p-value, so several such pairs are told apart by intervals whose
    # level is divided by their number (Bonferroni).
    asked = [
        (first, second, _said(first, metric, question_set), _said(second, metric, question_set))
        for first, second in pairs
    ]
    joined = [lined_up(one, other) for _, _, one, other in asked]
    tests = sum(len(both) > 0 for both in joined)
    made = [
        _paired(first, second, both, metric, question_set, tests) if len(both) else None
        for (first, second, _, _), both in zip(asked, joined, strict=True)
    ]
    adjusted = iter(adjust_family([found.made for found in made if found is not None]))
    results = []
    for (first, second, one, other), both, paired in zip(asked, joined, made, strict=True):
        if paired is None:
            unpaired = len(made) - tests
            results.append(_unpaired(first, second, one, other, metric, question_set, unpaired))
        else:
            corrected = replace(paired, made=next(adjusted))
            results.append(_described(first, second, one, other, both, corrected, metric, question_set))
    return results


def _said(side: Side, metric: str, question_set: str) -> pl.DataFrame:
    return values_of(side, metric) if is_of_retrieval(metric) else answers_of(side, question_set)


@dataclass(frozen=True)
class _Paired:
    """A comparison in pairs, with each side's own value."""

    made: PairedComparison
    values: tuple[Measured, Measured]


def _paired(first: Side, second: Side, both: pl.DataFrame, metric: str, question_set: str, tests: int) -> _Paired:
    ranks = is_of_retrieval(metric)
    columns = ("value", "value_second") if ranks else ("right", "right_second")
    counted = np.stack([both[column].to_numpy() for column in columns], axis=1)
    whole = ranks or metric == "accuracy"
    contributions = mean_contributions(counted) if whole else _contributions(first, second, both, metric)
    cluster = both["document_group"].cast(pl.Int64).to_numpy()
    purpose = ("two", first.cell, second.cell, metric, question_set)
    (made,) = compare_pairs(
        contributions,
        [(0, 1)],
        counted,
        generator(first.results, *purpose),
        higher_is_better=higher_is_better(first.results, metric),
        cluster=cluster,
        resamples=resamples(len(both), 2),
        confidence=CONFIDENCE,
        level=LEVEL,
        tests_in_family=tests,
    )
    if metric == "accuracy":
        return _Paired(made, (_value(both, "right"), _value(both, "right_second")))
    drawn = bootstrap(contributions, generator(first.results, *purpose, "values"), resamples(len(both), 2), cluster)
    one, other = map(measured, contributions.scores(), cell_intervals(contributions, drawn, CONFIDENCE))
    return _Paired(made, (one, other))


def _contributions(first: Side, second: Side, both: pl.DataFrame, metric: str) -> Contributions:
    names = first.results.answer_names
    if set(names) != set(second.results.answer_names) or (both["label"] != both["label_second"]).any():
        raise RagtallyError(
            f"{metric} cannot be compared: the two studies differ in the answers or in the labels of questions",
            hint="compare them by accuracy",
        )
    verdicts = [answer_codes(both[column].to_list(), names) for column in ("verdict", "verdict_second")]
    labels = answer_codes(both["label"].to_list(), names)
    found = answer_contributions(metric, labels, np.stack(verdicts, axis=1), names)
    if found is None:
        raise RagtallyError(
            f"{metric!r} cannot be compared question by question",
            hint="try accuracy, macro_f1, balanced_accuracy, cohen_kappa, f1[CLASS], or a metric of retrieval that"
            " the study scored, as recall@5",
        )
    return found


def _described(
    first: Side,
    second: Side,
    one: pl.DataFrame,
    other: pl.DataFrame,
    both: pl.DataFrame,
    paired: _Paired,
    metric: str,
    question_set: str,
) -> TwoCells:
    made, interval = paired.made, paired.made.interval
    whole = len(both) == len(one) == len(other)
    ranks = is_of_retrieval(metric)
    shown = TwoCells(
        first=first.name,
        second=second.name,
        metric=metric,
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
        changed=changed_values(both, higher_is_better(first.results, metric)) if ranks else _changed(both),
        notes=(),
    )
    notes = [] if whole else [_partly(shown)]
    relabelled = 0 if ranks else int((both["label"] != both["label_second"]).sum())
    if relabelled:
        notes.append(f"{relabelled} common questions have another label in the second study; each side keeps its own")
    return replace(shown, notes=(*notes, *_same_ids(one, other)))


def _unpaired(
    first: Side, second: Side, one: pl.DataFrame, other: pl.DataFrame, metric: str, question_set: str, pairs: int
) -> TwoCells:
    if metric != "accuracy":
        raise RagtallyError(
            f"{first.name} and {second.name} were asked no common question, so {metric} cannot be compared",
            hint="different sets of questions are compared by accuracy alone: --metric accuracy",
        )
    counts = [(int(said["right"].sum()), len(said)) for said in (one, other)]
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
        question_set=question_set,
        pairing=UNPAIRED,
        common=0,
        first_only=len(one),
        second_only=len(other),
        first_value=_value(one, "right"),
        second_value=_value(other, "right"),
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


def _value(said: pl.DataFrame, column: str) -> Measured:
    right, interval = int(said[column].sum()), wilson(int(said[column].sum()), len(said), CONFIDENCE)
    value = right / len(said) if len(said) else None
    return Measured(value, len(said), interval.low, interval.high, interval.method, interval.reason)


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
