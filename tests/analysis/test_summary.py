"""A study in about ten numbers: those of its analysis, and null where it has none."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from ragtally.analysis import Analysis, analyze, summarize
from ragtally.results import Results
from ragtally.results.columns import SUMMARY


def test_it_is_about_the_chosen_set_up(results: Results, analysis: Analysis) -> None:
    numbers = summarize(results, analysis)
    of_set = analysis.sets[analysis.question_set]
    assert numbers["set_up"] == analysis.chosen_cell
    assert analysis.chosen_cell is not None
    score = of_set.cells[analysis.chosen_cell].metrics["accuracy"]
    assert (numbers["accuracy"], numbers["accuracy_low"], numbers["accuracy_high"]) == (
        score.value, score.low, score.high,
    )  # fmt: skip
    assert numbers["as_good"] == len(of_set.best["accuracy"].cells)
    assert numbers["base"] == results.questions["in_base"].sum()
    assert numbers["questions"] == len(results.questions)
    (labels,) = results.questions["label"].value_counts(sort=True).head(1).rows()
    assert numbers["floor"] == pytest.approx(labels[1] / len(results.questions))


def test_its_losses_lead_from_one_to_the_accuracy(results: Results, analysis: Analysis) -> None:
    numbers = summarize(results, analysis)
    breakdown = analysis.sets[analysis.question_set].error_breakdowns[str(analysis.chosen_cell)]
    assert breakdown.waterfall is not None
    losses = [value for name, value in numbers.items() if name.endswith("_loss") and value is not None]
    assert len(losses) == 4
    recovered = breakdown.waterfall.recovered.value or 0.0
    assert 1 - sum(losses) + recovered == pytest.approx(numbers["accuracy"])


def test_without_retrieval_it_is_about_the_best_reader(results: Results) -> None:
    is_control = pl.col("condition").is_in(["closed_book", "gold_context"])
    cells = results.cells.filter(is_control)
    answers = results.answers.filter(pl.col("cell").is_in(cells["cell"].to_list()))
    of_readers = replace(results, cells=cells, answers=answers)
    analysis = analyze(of_readers)
    numbers = summarize(of_readers, analysis)
    on_set = cells.filter(pl.col("question_set") == analysis.question_set)
    assert numbers["accuracy"] == on_set["accuracy"].max()
    assert numbers["set_up"] in on_set.filter(pl.col("accuracy") == numbers["accuracy"])["cell"].to_list()
    assert numbers["as_good"] is numbers["retrieval_loss"] is None


def test_without_readers_it_is_about_the_best_ranking(results: Results) -> None:
    of_rankings = replace(
        results, cells=results.cells.filter(pl.col("kind") == "retrieval"), answers=results.answers.clear()
    )
    numbers = summarize(of_rankings, analyze(of_rankings))
    assert numbers["recall@3"] == results.cells.filter(pl.col("kind") == "retrieval")["recall@3"].max()
    assert numbers["floor"] is numbers["reader_loss"] is numbers["dollars_per_question"] is None
    assert numbers["as_good"] >= 1


def test_every_number_is_declared(results: Results, analysis: Analysis) -> None:
    assert all(SUMMARY.column(name).meaning for name in summarize(results, analysis))
