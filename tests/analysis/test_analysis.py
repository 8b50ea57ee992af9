"""What a study's results come to agrees with its result files, adds up, and is the same every time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.stats import binomtest

from ragtally.analysis import Analysis, analyze
from ragtally.analysis.aligned_answers import align_answers
from ragtally.analysis.analysis import set_analysis
from ragtally.analysis.comparisons import Tally, declared_families
from ragtally.analysis.error_breakdown import Bucket, Waterfall
from ragtally.analysis.estimate import Estimate
from ragtally.api import StoreError
from ragtally.present.comparisons import comparisons_section
from ragtally.results import Results, load_results
from sample_results import with_metric


def estimates(value: Any) -> Iterator[Estimate]:
    """Every estimate in an analysis."""
    if isinstance(value, Estimate):
        yield value
    elif is_dataclass(value):
        for part in fields(value):
            yield from estimates(getattr(value, part.name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from estimates(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from estimates(item)


def test_every_number_has_an_interval_around_it_or_a_reason(analysis: Analysis) -> None:
    every = list(estimates(analysis))
    assert len(every) > 200
    for one in every:
        if one.value is None or one.low is None or one.high is None:
            assert one.reason
        else:
            assert one.low <= one.value <= one.high or one.method == "bootstrap BCa"


def test_values_are_those_of_the_cells(results: Results, analysis: Analysis) -> None:
    rows = {(row["cell"], row["question_set"]): row for row in results.cells.iter_rows(named=True)}
    for question_set, of_set in analysis.sets.items():
        assert set(of_set.cells) == {name for name, of in rows if of == question_set and rows[name, of]["reader"]}
        for name, cell in of_set.cells.items():
            for metric, one in cell.metrics.items():
                assert one.value == pytest.approx(rows[name, question_set][metric], abs=1e-9)
    for name, metrics in analysis.rankings.items():
        for metric, one in metrics.items():
            row = rows[name, "all"]
            assert one.value == pytest.approx(row[metric], abs=1e-9)
            assert one.denominator == row[f"{metric}_denominator"]


def bars_of(waterfall: Waterfall) -> dict[str, Estimate]:
    every = {bar.name: getattr(waterfall, bar.name) for bar in fields(waterfall)}
    return {name: bar for name, bar in every.items() if bar is not None}


def test_buckets_sum_to_the_questions_and_the_bars_to_the_accuracy(results: Results, analysis: Analysis) -> None:
    grid = results.cells.filter(pl.col("kind") == "grid")
    breakdowns = {
        (name, question_set): breakdown
        for question_set, of_set in analysis.sets.items()
        for name, breakdown in of_set.error_breakdowns.items()
    }
    assert len(breakdowns) == len(grid)
    for row in grid.iter_rows(named=True):
        breakdown = breakdowns[row["cell"], row["question_set"]]
        assert set(breakdown.buckets) == set(map(str, Bucket)) - {
            Bucket.LOST_BY_PARSER,
            Bucket.LOST_BY_INDEX,
            Bucket.NOT_GRADED,
            Bucket.UNANSWERABLE,
        }
        assert sum(breakdown.buckets.values()) == breakdown.questions
        assert breakdown.waterfall is not None
        assert breakdown.waterfall.index_loss is None
        bars = {name: bar.value or 0.0 for name, bar in bars_of(breakdown.waterfall).items()}
        losses = bars["retrieval_loss"] + bars["distractor_loss"] + bars["unanswered_loss"]
        assert bars["gold"] - losses + bars["recovered"] == pytest.approx(bars["retrieved"])
        assert 1 - bars["reader_loss"] == pytest.approx(bars["gold"])
        assert bars["retrieved"] == pytest.approx(row["accuracy"])


def test_declared_families_pair_cells_that_differ_on_the_named_axes_alone(
    results: Results, analysis: Analysis
) -> None:
    rows = {row["cell"]: row for row in results.cells.iter_rows(named=True)}
    axes = [
        name for name in results.cells.columns if name.partition(".")[0] in ("chunker", "top_k", "reader", "votes")
    ]
    by_metric = Counter((family.metric, family.question_set) for family in analysis.families)
    assert by_metric == {
        ("accuracy", "all"): 2, ("accuracy", "base"): 2, ("macro_f1", "all"): 1, ("macro_f1", "base"): 1,
        ("recall@3", "all"): 1,
    }  # fmt: skip
    first = analysis.families[0]
    assert first.comparisons
    for pair in first.comparisons:
        one, other = rows[pair.cell], rows[pair.baseline]
        assert all(one[axis] == other[axis] for axis in axes)
        assert other["retriever"] == "shared_words" != one["retriever"]


def test_mcnemar_and_holm_are_those_counted_by_hand(results: Results, analysis: Analysis) -> None:
    family = next(f for f in analysis.families if f.metric == "accuracy" and f.question_set == "all")
    status = {
        name: dict(zip(table["question"], table["status"], strict=True))
        for (name,), table in results.answers.group_by("cell")
    }
    p_values = []
    for pair in family.comparisons:
        one, other = status[pair.cell], status[pair.baseline]
        wins = sum(one[q] == "right" != other[q] for q in one)
        losses = sum(one[q] != "right" == other[q] for q in one)
        assert pair.tally == Tally(wins, len(one) - wins - losses, losses)
        expected = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
        assert pair.significance is not None
        assert pair.significance.test == "exact McNemar"
        assert pair.significance.p_value == pytest.approx(expected)
        p_values.append(expected)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    largest = 0.0
    for location, row in enumerate(order):
        largest = min(1.0, max(largest, (len(order) - location) * p_values[row]))
        assert family.comparisons[row].adjusted_p_value == pytest.approx(largest)
        assert family.comparisons[row].distinguishable == (largest <= 0.05)


def test_the_chosen_cell_comes_from_the_dev_half_and_the_best_are_kept(analysis: Analysis) -> None:
    of_set, metric = analysis.sets[analysis.question_set], str(analysis.metric)
    half = of_set.held_out[metric]
    assert half.cell == analysis.chosen_cell
    assert half.dev_questions + half.held_out_questions == of_set.questions
    assert (
        half.dev is not None
        and half.held_out is not None
        and half.optimism == pytest.approx(half.dev - half.held_out)
    )
    best = of_set.best[metric]
    assert best.highest in best.cells
    assert best.optimism is not None and best.optimism >= -1e-9


def test_less_is_better_where_the_metric_says_so(results: Results, analysis: Analysis) -> None:
    reversed_results = with_metric(results, "recall@3", higher_is_better=False)
    (family,) = (family for family in analysis.families if family.metric == "recall@3")
    (other,) = (family for family in declared_families(reversed_results, {}) if family.metric == "recall@3")
    assert any(one.tally and one.tally.wins != one.tally.losses for one in family.comparisons)
    for one, reversed_one in zip(family.comparisons, other.comparisons, strict=True):
        assert one.difference.value == pytest.approx(reversed_one.difference.value)
        assert one.tally is not None
        assert reversed_one.tally == Tally(one.tally.losses, one.tally.ties, one.tally.wins)


def test_a_comparison_that_comes_to_nothing_says_why(results: Results, analysis: Analysis) -> None:
    outdated = with_metric(results, "macro_f1", version=99)
    without_values = replace(outdated, rankings=outdated.rankings.drop("recall@3"))
    answers = {name: align_answers(without_values, name) for name in ("all", "base")}
    families = declared_families(without_values, {name: each for name, each in answers.items() if each is not None})
    reasons = {family.metric: str(family.reason) for family in families if not family.comparisons}
    assert "version 99" in reasons["macro_f1"]
    assert "gives only its value" in reasons["recall@3"]
    section = comparisons_section(replace(analysis, families=tuple(families)))
    assert all(any(reason in table.notes for table in section.tables) for reason in reasons.values())


def test_a_ranking_has_the_metrics_that_no_single_question_has(results: Results) -> None:
    whole = replace(results, rankings=results.rankings.drop("recall@3"))
    rankings = analyze(replace(whole, comparisons={**whole.comparisons, "families": []})).rankings
    rows = {row["cell"]: row for row in whole.cells.iter_rows(named=True)}
    for name, metrics in rankings.items():
        assert metrics["recall@3"].value == pytest.approx(rows[name]["recall@3"])
        assert metrics["recall@3"].low is None and "gives only its value" in str(metrics["recall@3"].reason)


def test_answers_made_elsewhere_cost_what_they_say_or_an_unknown_sum(results: Results) -> None:
    answers = align_answers(results, "all")
    assert answers is not None
    costs = {name: cell.cost.dollars for name, cell in set_analysis(results, answers).cells.items()}
    free = {name for name, dollars in costs.items() if dollars == 0}
    readers = {answers.cells[name]["reader"] for name in free}
    assert free
    elsewhere = replace(results, comparisons={**results.comparisons, "answered_elsewhere": sorted(readers)})
    unknown = {name: cell.cost.dollars for name, cell in set_analysis(elsewhere, answers).cells.items()}
    assert {name for name, dollars in unknown.items() if dollars is None} >= free


def test_the_first_metric_that_can_be_judged_decides(results: Results) -> None:
    results = replace(results, comparisons={**results.comparisons, "families": []})
    known = ("accuracy", "accuracy_denominator")
    unknown = results.cells.rename({name: f"own_{name}" for name in known})
    assert analyze(replace(results, cells=unknown)).metric == "macro_f1"
    alone = unknown.drop("macro_f1", "macro_f1_denominator")
    undecided = analyze(replace(results, cells=alone))
    assert undecided.metric is undecided.chosen_cell is None


def test_the_same_results_give_the_same_bytes(results: Results, analysis: Analysis) -> None:
    assert json.dumps(analyze(results).as_json()) == json.dumps(analysis.as_json())
    assert "NaN" not in json.dumps(analysis.as_json())


def test_results_that_are_not_there_say_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no such result") as caught:
        load_results("nothing", tmp_path)
    assert "ragtally run SPEC" in str(caught.value.hint)


def test_results_are_found_by_path_and_by_name(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert load_results(folder.name, tmp_path).study == "made-up"
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder.name).mkdir()  # of the same name, but holding no results
    assert load_results(folder.name, folder.parent).study == "made-up"


def test_answers_that_were_recorded_with_more_before_the_reader_are_on_no_front(results: Results) -> None:
    shown = str(results.cells.filter(pl.col("kind") == "grid")["cell"][0])
    is_that_cell = pl.when(pl.col("cell") == shown)
    cells = results.cells.with_columns(
        kind=is_that_cell.then(pl.lit("fixed")).otherwise("kind"),
        condition=is_that_cell.then(pl.lit("conclusion")).otherwise("condition"),
    )
    fronts = analyze(replace(results, cells=cells)).fronts
    assert fronts
    assert all(shown not in {*front.front, *front.dominated_by, *front.unknown} for front in fronts.values())


def test_a_control_retriever_is_shown_and_never_chosen(results: Results, analysis: Analysis) -> None:
    controls = [name for name in results.cells["cell"] if analysis.chosen_cell and "shared_words" in name]
    without = analyze(replace(results, comparisons={**results.comparisons, "control_cells": controls}))
    decisive = without.sets[without.question_set]
    assert without.chosen_cell is not None
    assert without.chosen_cell not in controls
    for best in decisive.best.values():
        assert not set(best.cells) & set(controls)
    for front in without.fronts.values():
        assert not {*front.front, *front.dominated_by, *front.unknown} & set(controls)
    scores = {name: cell.metrics["accuracy"] for name, cell in decisive.cells.items()}
    assert all(scores[name].value is not None for name in controls if name in scores)
    everything = [name for name, cell in decisive.cells.items() if cell.kind == "grid"]
    nothing = analyze(replace(results, comparisons={**results.comparisons, "control_cells": everything}))
    assert nothing.chosen_cell is None


def unscored(results: Results, *cells: str) -> Results:
    """The results with some cells that have no score of their answers."""
    names = results.metric_names("answers")
    these = pl.col("cell").is_in(cells)
    columns = {name: pl.when(these).then(None).otherwise(pl.col(name)) for name in names}
    why = pl.lit(json.dumps(dict.fromkeys(names, "it selected the base")))
    return replace(
        results,
        cells=results.cells.with_columns(
            **columns, not_scored=pl.when(these).then(why).otherwise(pl.col("not_scored"))
        ),
    )


def test_a_declared_pair_that_cannot_be_compared_stays_with_its_reason(results: Results, analysis: Analysis) -> None:
    family = next(one for one in analysis.families if one.metric == "accuracy")
    pair = family.comparisons[0]
    again = analyze(unscored(results, pair.cell))
    after = next(one for one in again.families if one.metric == "accuracy" and one.baseline == family.baseline)
    assert {(one.cell, one.baseline) for one in after.comparisons} == {
        (one.cell, one.baseline) for one in family.comparisons
    }
    row = next(one for one in after.comparisons if (one.cell, one.baseline) == (pair.cell, pair.baseline))
    assert (row.difference.value, row.significance, row.distinguishable) == (None, None, None)
    assert row.difference.reason == f"{pair.cell} is not scored: it selected the base"
    notes = [note for table in comparisons_section(again).tables for note in table.notes]
    assert f"not compared: {row.difference.reason}" in notes


def test_vote_noise_is_not_taken_from_votes_that_selected_the_base(results: Results, analysis: Analysis) -> None:
    noise = analysis.sets["all"].vote_noise
    assert noise
    gold = results.cells.filter(pl.col("condition") == "gold_context")["cell"].to_list()
    assert not analyze(unscored(results, *gold)).sets["all"].vote_noise
