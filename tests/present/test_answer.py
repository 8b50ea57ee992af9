"""The sentences at the top say what the numbers say, and no more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from ragtally.analysis import Analysis
from ragtally.analysis.analysis import CellAnalysis, SetAnalysis
from ragtally.analysis.comparisons import Comparison, Family
from ragtally.analysis.costs import CellCost
from ragtally.analysis.error_breakdown import ErrorBreakdown, Waterfall
from ragtally.analysis.estimate import Estimate
from ragtally.analysis.selection import BestSet, Floor, HeldOut
from ragtally.present.answer import answer
from ragtally.present.cells import cells_of
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
    results: Results,
    kept: int,
    *,
    cells: int = 3,
    where: Waterfall | None = None,
    held_out: bool = False,
    beaten_by: int = 3,
) -> tuple[Results, Analysis]:
    names = results.cells.filter(results.cells["kind"] == "grid")["cell"].to_list()[:cells]
    scored = {name: CellAnalysis("grid", {"accuracy": share(0.7)}, FREE, is_candidate=True) for name in names}
    half = {"accuracy": HeldOut(names[0], 0.75, 25, 0.65, 25, 0.1)} if held_out else {}
    best = {"accuracy": BestSet(names[0], tuple(names[:kept]), 0.02, 0.95)}
    floors = {"accuracy": Floor("no", share(0.4), tuple(names[3 - beaten_by :]))}
    breakdown = ErrorBreakdown(50, "gold", {"right with evidence": 50}, None, (), where)
    of_set = SetAnalysis(50, scored, best, floors, half, {names[0]: breakdown}, {})
    return results, Analysis("made", "accuracy", "all", names[0], 0.95, UNITS, {"all": of_set}, {}, {}, (), (), {})


def changed(study: tuple[Results, Analysis], **changes: Any) -> tuple[Results, Analysis]:
    """The study with other cells, by number, of its only set of questions."""
    results, analysis = study
    of_set = analysis.sets["all"]
    cells = {
        name: replace(cell, **{key: values[number] for key, values in changes.items()})
        for number, (name, cell) in enumerate(of_set.cells.items())
    }
    return results, replace(analysis, sets={"all": replace(of_set, cells=cells)})


def said(found: tuple[Results, Analysis]) -> str:
    return " ".join(
        answer(*found, cells_of(found[0].cells, found[0].metrics, found[1].question_set, found[1]))
    ).replace("\N{NO-BREAK SPACE}", " ")


def names_of(results: Results) -> list[str]:
    return [f"the set-up {name}" for name in results.cells.filter(results.cells["kind"] == "grid")["cell"]]


def test_a_set_up_that_cannot_be_told_from_others_is_not_called_best(results: Results) -> None:
    text = said(made(results, kept=3, where=bars(retrieval_loss=0.2)))
    first = names_of(results)[0]
    assert text.startswith(
        f"T{first[1:]}: accuracy 70.0 % (65.0 to 75.0; always answering “no”: 40.0 %) on 50 questions."
        " Of 3 set-ups it scores highest; 2 others cannot be told apart from it."
    )
    assert "best" not in text


def test_what_is_no_better_than_the_floor_is_said_first(results: Results) -> None:
    text = said(made(results, kept=3, beaten_by=0))
    assert text.startswith("No set-up is shown to be better than always answering “no”, with accuracy 40.0 %. The")
    others = said(made(results, kept=3, beaten_by=2))
    assert others.startswith("The set-up chosen is not shown to be better than always answering “no”")
    assert "2 others of the grid are." in others


def test_of_those_that_cannot_be_told_apart_the_cheapest_is_named(results: Results) -> None:
    names = results.cells.filter(results.cells["kind"] == "grid")["cell"].to_list()[:3]
    words = pl.when(pl.col("cell") == names[1]).then(80.0).otherwise(120.0)
    study = replace(results, cells=results.cells.with_columns(context_mean_words=words))
    assert f"Of these 3, the set-up {names[1]} has the shortest context: 80 words." in said(made(study, kept=3))
    assert "shortest" not in said(made(study, kept=1)), "there is nothing to choose from"
    priced = changed(
        made(study, kept=3), cost=[replace(FREE, dollars_per_question=price) for price in (0.003, 0.002, 0.001)]
    )
    text = said(priced)
    assert f"the set-up {names[2]} is the cheapest: $0.001 per question." in text and "shortest" not in text
    timed = changed(
        made(results, kept=3), cost=[replace(FREE, seconds_per_question=seconds) for seconds in (1.5, 2.5, 3.5)]
    )
    assert "Of these 3, this one is the fastest: 1.5 s per question." in said(timed)


def test_answers_that_could_not_be_read_are_counted_with_an_example(results: Results) -> None:
    row = results.cells.filter(results.cells["kind"] == "grid").row(0, named=True)
    unread = {"outcome": "unread", "answers": 5, "reading": "refusal", "example": "As a model,\nI <b>cannot</b> say."}
    readings = [{"reader": row["reader"], "context": row["context"], **unread}]
    study = replace(results, comparisons={**results.comparisons, "readings": readings})
    text = said(changed(made(study, kept=3), statuses=[{"right": 35, "wrong": 10, "unparsed": 5}] * 3))
    assert "It has no readable answer to 5 of 50 questions (10.0 %), as with the reply" in text
    assert "“As a model, I <b>cannot</b> say.”" in text
    assert f"ragtally show {results.study} --unparsed" in text
    complete = changed(made(study, kept=3), statuses=[{"right": 35, "wrong": 15}] * 3)
    assert "readable" not in said(complete)


def test_a_set_up_alone_ahead_is_said_to_be(results: Results) -> None:
    assert "The 2 others can all be told apart from it, with 95% confidence." in said(made(results, kept=1))


def test_a_single_set_up_is_compared_with_none(results: Results) -> None:
    text = said(made(results, kept=1, cells=1))
    assert "There is no other set-up to compare it with." in text
    assert "can all be told apart" not in text


def test_a_set_up_picked_on_one_half_shows_the_other(results: Results) -> None:
    assert "on 50 questions, picked on 25 of them; on the 25 held out it has 65.0 %." in said(
        made(results, kept=2, held_out=True)
    )


def test_a_set_up_picked_on_one_half_that_is_worse_is_called_so(results: Results) -> None:
    found, verdict = made(results, kept=1, held_out=True)
    of_set = verdict.sets["all"]
    other = list(of_set.cells)[1]
    best = replace(of_set.best["accuracy"], highest=other, cells=(other,))
    text = said((found, replace(verdict, sets={"all": replace(of_set, best={"accuracy": best})})))
    assert "It can be told apart from the best set-up" in text
    assert "others cannot" not in text


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ({"retrieval_loss": 0.2}, "Most is lost to retrieval"),
        ({"retrieval_loss": 0.2, "reader_loss": 0.18}, "The largest observed loss is to retrieval"),
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
    a, b, *_ = found.cells["cell"]
    found = replace(found, cells=found.cells.with_columns(kind=pl.lit("retrieval")))
    rankings = {a: {"recall@5": share(0.4)}, b: {"recall@5": share(0.6)}}
    best = {"recall@5": BestSet(b, (a, b), None, 0.95)}
    silent = replace(verdict, metric=None, chosen_cell=None, sets={}, rankings=rankings, best_rankings=best)
    text = said((found, silent))
    assert "No reader answers in this study; it compares 2 rankings." in text
    assert f"The set-up {b} has the highest recall@5 observed: 0.600 (0.550 to 0.650) on 50 questions;" in text
    assert text.endswith("1 other cannot be told apart from it.")
    assert "nothing is retrieved" in said((found, replace(silent, rankings={})))
    fewer = with_metric(found, "recall@5", higher_is_better=False)
    alone = {"recall@5": BestSet(a, (a,), None, 0.95)}
    text = said((fewer, replace(silent, best_rankings=alone)))
    assert f"The set-up {a} has the lowest recall@5 observed: 0.400" in text
    assert text.endswith("all others can be told apart from it.")
    assert "none has a score" in said((found, replace(silent, best_rankings={})))


def test_where_questions_have_no_labels_nothing_is_called_right(results: Results) -> None:
    found, verdict = made(results, kept=2)
    text = said((found, replace(verdict, metric=None, chosen_cell=None, sets={})))
    assert "no answer can be called right or wrong" in text and "agree_with_gold: false" in text


def test_where_no_metric_says_what_is_best_it_says_so(results: Results) -> None:
    found, verdict = made(results, kept=2)
    text = said((found, replace(verdict, metric=None, chosen_cell=None)))
    assert "No metric of this study says which set-up is best" in text
    assert "Add accuracy or macro_f1" in text
    assert "No reader" not in text


def test_where_nothing_is_retrieved_the_best_reader_is_named_beside_the_floor(results: Results) -> None:
    found, verdict = made(results, kept=2)
    text = said((found, replace(verdict, chosen_cell=None)))
    assert text.startswith("Nothing is retrieved for a reader in this study, so no set-up is chosen.")
    assert f"that of the {names_of(results)[0]}: 70.0 % (65.0 to 75.0; always answering “no”: 40.0 %)" in text
    assert "No reader is shown" not in text
    found, verdict = made(results, kept=2, beaten_by=0)
    text = said((found, replace(verdict, chosen_cell=None)))
    assert "No reader is shown to be better than always giving that answer." in text


def test_the_best_reader_is_named_without_a_floor_too_and_by_the_metrics_direction(results: Results) -> None:
    found, verdict = made(results, kept=2)
    silent = replace(verdict, chosen_cell=None)
    of_set = replace(silent.sets["all"], floors={})
    names = list(of_set.cells)
    values = {name: {"accuracy": share(value)} for name, value in zip(names, (0.6, 0.8, 0.4), strict=True)}
    cells = {name: replace(cell, metrics=values[name]) for name, cell in of_set.cells.items()}
    silent = replace(silent, sets={"all": replace(of_set, cells=cells)})
    text = said((found, silent))
    assert f"The highest observed accuracy is that of the the set-up {names[1]}: 80.0 % (75.0 to 85.0) on 50" in text
    assert "always" not in text
    text = said((with_metric(found, "accuracy", higher_is_better=False), silent))
    assert f"The lowest observed accuracy is that of the the set-up {names[2]}: 40.0 %" in text


def test_several_votes_are_held_against_one_with_their_prices(results: Results) -> None:
    found, verdict = changed(
        made(results, kept=2), cost=[replace(FREE, dollars_per_question=price) for price in (0.0003, 0.002, 0.001)]
    )
    many, one = list(verdict.sets["all"].cells)[:2]
    difference = Estimate(0.02, 50, -0.01, 0.05, 0.95, "Newcombe")
    comparison = Comparison(many, one, difference, None, 0.2, False, None, None)
    family = Family("accuracy", {"votes": "one vote of another reader"}, "all", 50, 0.05, (comparison,))
    text = said((found, replace(verdict, chosen_cell=None, votes=(family,))))
    difference = "accuracy +2.0 points (-1.0 to +5.0), which may be chance"
    assert f"The set-up {many}, against the set-up {one}: {difference}" in text
    assert "at $0.0003 against $0.002 per question" in text
