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

from made_results import with_metric
from ragtally.analysis import Analysis, analyze
from ragtally.analysis.aligned_answers import asked_on
from ragtally.analysis.decomposition import Bucket
from ragtally.analysis.families import declared_families
from ragtally.analysis.scores import set_verdict
from ragtally.analysis.set_verdict import Measured
from ragtally.api import StoreError
from ragtally.results import Results, load_results


def numbers(value: Any) -> Iterator[Measured]:
    """Every measured number of a verdict."""
    if isinstance(value, Measured):
        yield value
    elif is_dataclass(value):
        for part in fields(value):
            yield from numbers(getattr(value, part.name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from numbers(item)


def test_every_number_has_an_interval_around_it_or_a_reason(verdict: Analysis) -> None:
    found = list(numbers(verdict))
    assert len(found) > 200
    for one in found:
        if one.value is None or one.low is None or one.high is None:
            assert one.reason
        else:
            assert one.low <= one.value <= one.high or one.method == "bootstrap BCa"


def test_values_are_those_of_the_cells(results: Results, verdict: Analysis) -> None:
    rows = {(row["cell"], row["question_set"]): row for row in results.cells.iter_rows(named=True)}
    for of_set in verdict.sets:
        assert {cell.cell for cell in of_set.cells} == {
            name
            for name, question_set in rows
            if question_set == of_set.question_set and rows[name, question_set]["reader"]
        }
        for cell in of_set.cells:
            for metric, one in cell.metrics.items():
                assert one.value == pytest.approx(rows[cell.cell, of_set.question_set][metric], abs=1e-9)
    for name, metrics in verdict.rankings.items():
        for metric, one in metrics.items():
            row = rows[name, "all"]
            assert one.value == pytest.approx(row[metric], abs=1e-9)
            assert one.denominator == row[f"{metric}_denominator"]


def test_buckets_sum_to_the_questions_and_the_bars_to_the_accuracy(results: Results, verdict: Analysis) -> None:
    grid = results.cells.filter(pl.col("kind") == "grid")
    assert len(verdict.where) == len(grid)
    for where in verdict.where:
        assert set(where.buckets) == set(map(str, Bucket))
        assert sum(where.buckets.values()) == where.questions
        assert where.bars is not None
        bars = {part.name: getattr(where.bars, part.name).value for part in fields(where.bars)}
        kept = (
            bars["gold"] - bars["retrieval_loss"] - bars["distractor_loss"] - bars["unanswered_loss"] + bars["luck"]
        )
        assert kept == pytest.approx(bars["retrieved"])
        assert 1 - bars["reader_loss"] == pytest.approx(bars["gold"])
        row = grid.filter((pl.col("cell") == where.cell) & (pl.col("question_set") == where.question_set))
        assert bars["retrieved"] == pytest.approx(row["accuracy"][0])


def test_declared_families_pair_cells_that_differ_on_the_named_axes_alone(
    results: Results, verdict: Analysis
) -> None:
    rows = {row["cell"]: row for row in results.cells.iter_rows(named=True)}
    axes = [
        name for name in results.cells.columns if name.partition(".")[0] in ("chunker", "top_k", "reader", "votes")
    ]
    by_metric = Counter((family.metric, family.question_set) for family in verdict.families)
    assert by_metric == {
        ("accuracy", "all"): 2, ("accuracy", "base"): 2, ("macro_f1", "all"): 1, ("macro_f1", "base"): 1,
        ("recall@3", "all"): 1,
    }  # fmt: skip
    first = verdict.families[0]
    assert first.comparisons
    for pair in first.comparisons:
        one, other = rows[pair.cell], rows[pair.baseline]
        assert all(one[axis] == other[axis] for axis in axes)
        assert other["retriever"] == "shared_words" != one["retriever"]


def test_mcnemar_and_holm_are_those_counted_by_hand(results: Results, verdict: Analysis) -> None:
    family = next(f for f in verdict.families if f.metric == "accuracy" and f.question_set == "all")
    status = {
        name: dict(zip(table["question"], table["status"], strict=True))
        for (name,), table in results.answers.group_by("cell")
    }
    p_values = []
    for pair in family.comparisons:
        one, other = status[pair.cell], status[pair.baseline]
        wins = sum(one[q] == "right" != other[q] for q in one)
        losses = sum(one[q] != "right" == other[q] for q in one)
        assert (pair.wins, pair.losses, pair.ties) == (wins, losses, len(one) - wins - losses)
        expected = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
        assert pair.test == "exact McNemar"
        assert pair.p_value == pytest.approx(expected)
        p_values.append(expected)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    reached = 0.0
    for location, row in enumerate(order):
        reached = min(1.0, max(reached, (len(order) - location) * p_values[row]))
        assert family.comparisons[row].adjusted_p_value == pytest.approx(reached)
        assert family.comparisons[row].distinguishable == (reached <= 0.05)


def test_the_chosen_cell_comes_from_the_dev_half_and_the_best_are_kept(verdict: Analysis) -> None:
    of_set = next(each for each in verdict.sets if each.question_set == verdict.question_set)
    half = next(each for each in of_set.held_out if each.metric == verdict.metric)
    assert half.cell == verdict.chosen
    assert half.dev_questions + half.held_out_questions == of_set.questions
    assert (
        half.dev is not None
        and half.held_out is not None
        and half.optimism == pytest.approx(half.dev - half.held_out)
    )
    best = next(each for each in of_set.best if each.metric == verdict.metric)
    assert best.highest in best.kept
    assert best.optimism is not None and best.optimism >= -1e-9


def test_less_is_better_where_the_metric_says_so(results: Results, verdict: Analysis) -> None:
    turned = with_metric(results, "recall@3", higher_is_better=False)
    (family,) = (family for family in verdict.families if family.metric == "recall@3")
    (other,) = (family for family in declared_families(turned, {}) if family.metric == "recall@3")
    assert any(one.wins != one.losses for one in family.comparisons)
    for one, reversed_one in zip(family.comparisons, other.comparisons, strict=True):
        assert one.difference.value == pytest.approx(reversed_one.difference.value)
        assert (one.wins, one.ties, one.losses) == (reversed_one.losses, reversed_one.ties, reversed_one.wins)


def test_answers_made_elsewhere_cost_what_they_say_or_an_unknown_sum(results: Results) -> None:
    asked = asked_on(results, "all")
    assert asked is not None
    costs = {cell.cell: cell.cost.dollars for cell in set_verdict(results, asked).cells}
    free = {name for name, dollars in costs.items() if dollars == 0}
    readers = {asked.cells[name]["reader"] for name in free}
    assert free
    elsewhere = replace(results, comparisons={**results.comparisons, "answered_elsewhere": sorted(readers)})
    unknown = {cell.cell: cell.cost.dollars for cell in set_verdict(elsewhere, asked).cells}
    assert {name for name, dollars in unknown.items() if dollars is None} >= free


def test_the_first_metric_that_can_be_judged_decides(results: Results) -> None:
    results = replace(results, comparisons={**results.comparisons, "families": []})
    known = ("accuracy", "accuracy_denominator")
    unknown = results.cells.rename({name: f"own_{name}" for name in known})
    assert analyze(replace(results, cells=unknown)).metric == "macro_f1"
    alone = unknown.drop("macro_f1", "macro_f1_denominator")
    found = analyze(replace(results, cells=alone))
    assert found.metric is found.chosen is None


def test_the_same_results_give_the_same_bytes(results: Results, verdict: Analysis) -> None:
    assert json.dumps(analyze(results).as_json()) == json.dumps(verdict.as_json())
    assert "NaN" not in json.dumps(verdict.as_json())


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
    told = pl.when(pl.col("cell") == shown)
    recorded = results.cells.with_columns(
        kind=told.then(pl.lit("fixed")).otherwise("kind"),
        condition=told.then(pl.lit("conclusion")).otherwise("condition"),
    )
    fronts = analyze(replace(results, cells=recorded)).fronts
    assert fronts
    assert all(shown not in {*front.front, *front.dominated, *front.unknown} for front in fronts)
