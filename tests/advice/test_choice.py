"""The approaches of a study side by side, and when a trained reader has paid for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl
import pytest

from ragtally.advice.choice import BreakEven, Choice, Spending, choice_of, learns
from ragtally.analysis.analysis import Analysis, CellAnalysis, SetAnalysis
from ragtally.analysis.costs import cell_cost
from ragtally.analysis.estimate import Estimate
from ragtally.api import Choice as ComponentChoice
from ragtally.api import ReaderTraits
from ragtally.present.choice import choice_parts
from ragtally.registry import load_registry
from ragtally.results import Results
from sample_results import results_of

N = 40
# Cell, condition, reader, how many of the first questions it has right, dollars of all answers.
CELLS: tuple[tuple[str, str, str, int, float | None], ...] = (
    ("closed/chat", "closed_book", "chat", 12, 0.04),
    ("gold/chat", "gold_context", "chat", 39, 0.2),
    ("top 1/chat", "retrieved", "chat", 20, 0.2),
    ("top 2/chat", "retrieved", "chat", 22, 0.4),
    ("oracle/chat", "retrieved", "chat", 40, 0.4),
    ("gold/tuned", "gold_context", "tuned", 40, 0.0),
    ("top 2/tuned", "retrieved", "tuned", 24, 0.0),
    ("people", "gold_context", "people", 40, None),
    ("gold/old", "gold_context", "old", 40, 0.0),
)
READERS = {"chat": ReaderTraits(), "tuned": ReaderTraits(trains=True), "people": ReaderTraits()}
SPENDING = Spending(labelling=100, training=20, expert=80)


def test_a_floor_is_no_reason_to_look_at_readers_without_their_passages() -> None:
    rows = (("floor", "closed_book", "floor", 22), ("closed/tuned", "closed_book", "tuned", 23),
            ("gold/tuned", "gold_context", "tuned", 36), ("top 1/tuned", "retrieved", "tuned", 30))  # fmt: skip
    results = results_of({name: "y" * right + "n" * (N - right) for name, _, _, right in rows})
    table = pl.DataFrame([row[:3] for row in rows], schema=["cell", "condition", "reader"], orient="row")
    results = replace(results, cells=results.cells.join(table, on="cell"))
    own = {
        name: CellAnalysis(
            "grid",
            {"accuracy": Estimate(right / N, N, right / N - 0.1, right / N + 0.1)},
            cell_cost(N, right),
            is_candidate=True,
        )
        for name, _, _, right in rows
    }
    readers = {"floor": ReaderTraits(trains=True, condition="closed_book"), "tuned": ReaderTraits(trains=True)}
    choice = choice_of(results, analysis_of(results, own), readers, {}, SPENDING)
    assert choice is not None
    assert [each.cell for each in choice.options] == ["floor", "top 1/tuned"]
    assert choice.highest == "top 1/tuned"
    assert (break_even(choice).trained.cell, break_even(choice).other.cell) == ("top 1/tuned", "floor")


def advice(
    cells: Mapping[str, tuple[int, float | None]] | None = None,
    spending: Spending = SPENDING,
    index: float | None = None,
) -> tuple[Choice, str]:
    """The choice between the cells, some of them with other right answers and dollars, and what is printed of it.

    `index` are the dollars of the index behind `top 2/chat`.
    """
    rows = [(*row[:3], *(cells or {}).get(row[0], row[3:])) for row in CELLS]
    results = results_of({name: "y" * right + "n" * (N - right) for name, _, _, right, _ in rows})
    table = pl.DataFrame([row[:3] for row in rows], schema=["cell", "condition", "reader"], orient="row")
    comparisons = {**results.comparisons, "answered_elsewhere": ["people"]}
    results = replace(results, cells=results.cells.join(table, on="cell"), comparisons=comparisons)
    own = {
        name: CellAnalysis(
            "grid",
            {"accuracy": Estimate(right / N, N, right / N - 0.1, right / N + 0.1)},
            cell_cost(N, right, dollars=dollars, index_dollars=index if name == "top 2/chat" else None),
            is_candidate=not name.startswith("oracle"),
        )
        for name, _, _, right, dollars in rows
    }
    choice = choice_of(results, analysis_of(results, own), READERS, {"top 2/tuned": 80.0}, spending)
    assert choice is not None
    parts = choice_parts(choice, spending)
    return choice, " ".join(part for part in parts if isinstance(part, str))


def analysis_of(results: Results, cells: Mapping[str, CellAnalysis]) -> Analysis:
    of_set = SetAnalysis(N, cells, best={}, floors={}, held_out={}, error_breakdowns={}, vote_noise={})
    return Analysis(
        results.study, "accuracy", "all", None, 0.95, {"accuracy": "share"}, {"all": of_set}, {}, {}, (), (), {}, {}
    )  # fmt: skip


def break_even(choice: Choice) -> BreakEven:
    (each,) = choice.break_even
    return each


def test_each_approach_stands_with_its_best_cell() -> None:
    choice, _ = advice()
    assert [(each.condition, each.cell, each.cells) for each in choice.options] == [
        ("closed_book", "closed/chat", 1), ("gold_context", "gold/chat", 1), ("retrieved", "top 2/chat", 2),
        ("retrieved", "top 2/tuned", 1),
    ]  # fmt: skip
    assert choice.options[-1].seconds_per_question == 80 / N
    # Nobody who asks gives the right passage with the question, and retrievers that know it are no candidates.
    assert choice.highest == "top 2/tuned"
    assert choice.worse == {"closed/chat": True, "top 2/chat": None}


def test_a_trained_reader_has_paid_for_itself_after_what_was_spent_by_what_it_saves() -> None:
    choice, text = advice()
    each = break_even(choice)
    assert (each.trained.cell, each.other.cell, each.better) == ("top 2/tuned", "top 2/chat", None)
    assert each.questions == pytest.approx(200 / (0.4 / N))
    assert "cannot be told from top 2/chat with 40 questions" in text
    assert "the $200.00 spent before are back after 20,000 questions." in text


@pytest.mark.parametrize(
    ("cells", "spending", "sentence"),
    [
        ({"top 2/tuned": (36, 0.0)}, SPENDING, "tuned is better than top 2/chat"),
        ({"top 2/tuned": (4, 0.0)}, SPENDING, "That it is worse is the price of it."),
        ({"top 2/chat": (22, None)}, SPENDING, "unknown: the price of top 2/chat is."),
        ({}, Spending(training=20), "unknown: give --usd-labelling, --hours-expert with --usd-hour (0 for nothing)."),
        # 2 seconds an answer at $36 an hour are 2 cents, against 1.
        ({}, replace(SPENDING, machine_hour=36), "dearer by $10.00 per 1,000 answers, so it never pays"),
        ({"top 2/chat": (22, 0.0)}, SPENDING, "It saves nothing per answer, so it never pays for itself."),
    ],
)  # fmt: skip
def test_the_reasons_are_said_in_words(
    cells: Mapping[str, tuple[int, float | None]], spending: Spending, sentence: str
) -> None:
    assert sentence in advice(cells, spending)[1]


@pytest.mark.parametrize(
    ("index", "dollars", "questions", "sentence"),
    [
        (50, 0.4, 15_000, "so the $150.00 spent before, less the $50.00 of the other's index, are back after 15,000"),
        (300, 0.4, 0, "cost $100.00 less before the first one, so it pays from the beginning"),
        (300, 0.0, 0, "pays from the beginning"),
        (50, 0.0, None, "so it never pays for itself"),
    ],
)
def test_an_index_that_was_paid_for_counts_once(
    index: float, dollars: float, questions: float | None, sentence: str
) -> None:
    choice, text = advice({"top 2/chat": (22, dollars)}, index=index)
    found = break_even(choice).questions
    assert found == (None if questions is None else pytest.approx(questions)) and sentence in text
    (table, *_) = choice_parts(choice, SPENDING)
    assert not isinstance(table, str) and index in table.rows[2]


def test_an_index_may_cost_more_than_dearer_answers() -> None:
    _, text = advice({"top 2/tuned": (24, 0.4), "top 2/chat": (22, 0.2)}, index=300)
    assert "dearer by $5.00 per 1,000 answers, but cost $100.00 less" in text
    assert "it is cheaper up to 20,000 questions." in text


def test_of_a_machine_whose_hour_is_not_priced_nothing_is_counted_and_that_is_said() -> None:
    choice, _ = advice()
    (table, *_) = choice_parts(choice, SPENDING)
    assert not isinstance(table, str)
    assert any("--usd-machine-hour" in note for note in table.notes)
    assert any("no longer names them: old" in note for note in table.notes)
    (table, *_) = choice_parts(choice, replace(SPENDING, machine_hour=1))
    assert not isinstance(table, str)
    assert not any("--usd-machine-hour" in note for note in table.notes)


def test_a_reader_that_reads_nothing_is_no_trained_one() -> None:
    registry = load_registry()
    learn = {
        name: learns(registry.traits(registry.complete(ComponentChoice("reader", name))))
        for name in ("majority_class", "specialist", "best_sentence")
    }
    assert learn == {"majority_class": False, "specialist": True, "best_sentence": False}
