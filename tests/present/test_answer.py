"""The sentences at the top say what the numbers say, and no more."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from ragtally.analysis import Analysis
from ragtally.analysis.analysis import CellAnalysis, SetAnalysis
from ragtally.analysis.costs import CellCost
from ragtally.analysis.error_breakdown import ErrorBreakdown, Waterfall
from ragtally.analysis.estimate import Estimate
from ragtally.analysis.selection import BestSet, HeldOut
from ragtally.present.answer import answer
from ragtally.present.cells import cells_of
from ragtally.present.numbers import percent
from ragtally.results import Results
from sample_results import RECALL, and_metric, with_metric

UNITS = {"accuracy": "share"}
FREE = CellCost(None, None, None, None, None, None, None)


def share(value: float) -> Estimate:
    return Estimate(value, 50, value - 0.05, value + 0.05, 0.95, "Wilson")


def bars(**losses: float) -> Waterfall:
    none = dict.fromkeys(("reader_loss", "retrieval_loss", "distractor_loss", "unanswered_loss", "recovered"), 0.0)
    shares = {name: share(value) for name, value in (none | losses).items()}
    return Waterfall(gold=share(0.9), retrieved=share(0.7), change=share(-0.2), **shares)


def made(
    results: Results, kept: int, *, cells: int = 3, where: Waterfall | None = None, held_out: bool = False
) -> tuple[Results, Analysis]:
    names = results.cells.filter(results.cells["kind"] == "grid")["cell"].to_list()[:cells]
    scored = {name: CellAnalysis("grid", {"accuracy": share(0.7)}, FREE, is_candidate=True) for name in names}
    half = {"accuracy": HeldOut(names[0], 0.75, 25, 0.65, 25, 0.1)} if held_out else {}
    best = {"accuracy": BestSet(names[0], tuple(names[:kept]), 0.02, 0.95)}
    breakdown = ErrorBreakdown(50, "gold", {"right with evidence": 50}, None, (), where)
    of_set = SetAnalysis(50, 0.4, scored, best, half, {names[0]: breakdown}, {})
    return results, Analysis("made", "accuracy", "all", names[0], 0.95, UNITS, {"all": of_set}, {}, (), (), {})


def said(found: tuple[Results, Analysis]) -> str:
    return " ".join(
        answer(*found, cells_of(found[0].cells, found[0].metrics, found[1].question_set, found[1]))
    ).replace("\N{NO-BREAK SPACE}", " ")


def test_a_cell_that_cannot_be_told_from_others_is_not_called_best(results: Results) -> None:
    text = said(made(results, kept=3, where=bars(retrieval_loss=0.2)))
    assert "the highest observed of 3 cells; it is not distinguishable from 2 other cells." in text
    assert "accuracy 70.0 % [65.0, 75.0] of 50" in text
    assert "best" not in text


def test_always_the_same_answer_stands_beside(results: Results) -> None:
    labels = results.questions["label"].to_list()
    label = max(sorted(set(labels)), key=labels.count)
    share = percent(labels.count(label) / len(labels)).replace("\N{NO-BREAK SPACE}", " ")
    assert f"Always saying “{label}” is right on {share} of them." in said(made(results, kept=3))


def test_of_those_that_cannot_be_told_apart_the_cheapest_is_named(results: Results) -> None:
    names = results.cells.filter(results.cells["kind"] == "grid")["cell"].to_list()[:3]
    words = pl.when(pl.col("cell") == names[1]).then(80.0).otherwise(120.0)
    study = replace(results, cells=results.cells.with_columns(context_mean_words=words))
    shortest = f"Of those that cannot be told apart, {names[1]} has the shortest context: 80 words."
    assert shortest in said(made(study, kept=3))
    assert "shortest" not in said(made(study, kept=1)), "there is nothing to choose from"
    _, analysis = made(study, kept=3)
    of_set = analysis.sets["all"]
    priced = {
        name: replace(cell, cost=replace(FREE, dollars_per_question=price))
        for (name, cell), price in zip(of_set.cells.items(), (0.003, 0.002, 0.001), strict=True)
    }
    text = said((study, replace(analysis, sets={"all": replace(of_set, cells=priced)})))
    assert f"{names[2]} is the cheapest: $0.001 per question" in text and "shortest" not in text


def test_a_cell_alone_ahead_is_said_to_be(results: Results) -> None:
    assert "every other cell can be told apart from it with 95% confidence" in said(made(results, kept=1))


def test_a_single_cell_is_compared_with_none(results: Results) -> None:
    text = said(made(results, kept=1, cells=1))
    assert "there is no other cell to compare it with" in text
    assert "can be told apart" not in text


def test_a_cell_picked_on_one_half_shows_the_other(results: Results) -> None:
    assert "picked from 3 cells on 25 of them and scoring 65.0 % on the 25 held out" in said(
        made(results, kept=2, held_out=True)
    )


def test_a_cell_picked_on_one_half_that_is_worse_is_called_so(results: Results) -> None:
    found, verdict = made(results, kept=1, held_out=True)
    of_set = verdict.sets["all"]
    other = list(of_set.cells)[1]
    best = replace(of_set.best["accuracy"], highest=other, cells=(other,))
    text = said((found, replace(verdict, sets={"all": replace(of_set, best={"accuracy": best})})))
    assert "could be told apart from the best cell" in text
    assert "not distinguishable" not in text


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ({"retrieval_loss": 0.2}, "Most is lost to retrieval"),
        ({"retrieval_loss": 0.2, "reader_loss": 0.18}, "The largest observed loss is that to retrieval"),
        ({"distractor_loss": 0.3}, "Most is lost to distraction or vote noise"),
        ({"reader_loss": 0.1}, "Most is lost to the reader"),
        ({"unanswered_loss": 0.4}, "Most is lost to missing answers"),
        ({}, "No loss was observed on 50 questions"),
    ],
)
def test_the_largest_loss_is_named(results: Results, losses: dict[str, float], words: str) -> None:
    assert words in said(made(results, kept=2, where=bars(**losses)))


def test_without_gold_contexts_nothing_is_blamed(results: Results) -> None:
    assert "add gold_context to the controls" in said(made(results, kept=2))


def test_where_nobody_answers_rankings_are_told(results: Results) -> None:
    found, verdict = made(and_metric(results, RECALL), kept=2)
    rankings = {"a": {"recall@5": share(0.4)}, "b": {"recall@5": share(0.6)}}
    silent = replace(verdict, metric=None, chosen_cell=None, sets={}, rankings=rankings)
    text = said((found, silent))
    assert "No reader answers" in text
    assert "The highest observed recall@5 is that of b: 0.600 [0.550, 0.650] over 50" in text
    assert "nothing is retrieved" in said((found, replace(silent, rankings={})))
    fewer = with_metric(found, "recall@5", higher_is_better=False)
    assert "The lowest observed recall@5 is that of a: 0.400" in said((fewer, silent))


def test_where_no_metric_says_what_is_best_it_says_so(results: Results) -> None:
    found, verdict = made(results, kept=2)
    text = said((found, replace(verdict, metric=None, chosen_cell=None)))
    assert "No metric of this study says which set-up is best" in text
    assert "Add accuracy or macro_f1" in text
    assert "No reader" not in text


def test_where_nothing_is_retrieved_no_cell_is_chosen(results: Results) -> None:
    found, verdict = made(results, kept=2)
    assert "no set-up can be chosen" in said((found, replace(verdict, chosen_cell=None)))
