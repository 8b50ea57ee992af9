"""The sections say what the verdict says, and why they are empty."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import polars as pl
import pytest

from ragtally.analysis import Analysis
from ragtally.analysis.estimate import Estimate
from ragtally.present.cells import cells_of
from ragtally.present.comparisons import comparisons_section, optimism_section
from ragtally.present.costs import front_section, votes_section
from ragtally.present.curves import chunk_size_section, retrieval_section
from ragtally.present.explorer import explorer_data, sampled
from ragtally.present.funnel import funnel
from ragtally.present.grid import grid_section
from ragtally.present.methods import citation, methods
from ragtally.present.numbers import count, dollars, measured_metric, seconds
from ragtally.present.parts import Section
from ragtally.present.readers import noise_section, readers_section
from ragtally.present.waterfall import BARS, pickable, waterfall_section
from ragtally.results import Results


def sections(results: Results, verdict: Analysis) -> list[Section]:
    cells = cells_of(results, verdict)
    return [
        funnel(results), waterfall_section(verdict), chunk_size_section(verdict, cells),
        retrieval_section(verdict, cells), readers_section(results, verdict, cells), front_section(verdict, cells),
        votes_section(verdict), grid_section(results, verdict), comparisons_section(verdict),
        optimism_section(verdict), noise_section(verdict),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("measured", "metric", "text"),
    [
        (Estimate(0.8431, 102, 0.76, 0.9011), "accuracy", "84.3 % [76.0, 90.1] of 102"),
        (Estimate(0.5, 2_000, reason="this metric has no interval here"), "accuracy", "50.0 % of 2,000"),
        (Estimate(0.8431, 102, 0.76, 0.9011), "macro_f1", "0.843 [0.760, 0.901] over 102"),
        (Estimate(None, 0, reason="no label"), "accuracy", "not scored: no label"),
    ],
)
def test_a_number_has_its_interval_and_its_denominator(measured: Estimate, metric: str, text: str) -> None:
    assert measured_metric(metric, measured).replace("\N{NO-BREAK SPACE}", " ") == text


def test_an_unknown_price_is_unknown_and_never_zero() -> None:
    assert (dollars(None), dollars(0.0), dollars(0.00123), dollars(1234.5)) == (
        "unknown",
        "$0",
        "$0.00123",
        "$1,234.50",
    )
    assert seconds(None) == "unknown"
    assert (count(1, "question"), count(2, "question")) == ("1 question", "2 questions")


def test_a_difference_rounded_to_nothing_has_no_minus() -> None:
    assert measured_metric("accuracy", Estimate(-0.00001, 10, -0.1, 0.1), signed=True).startswith("+0.0")


def test_every_share_prints_its_denominator(results: Results, verdict: Analysis) -> None:
    for section in sections(results, verdict):
        for table in section.tables:
            for row in table.rows:
                assert len(row) == len(table.headings)
                for heading, entry in zip(table.headings, row, strict=True):
                    if "\N{NO-BREAK SPACE}%" in entry.text and heading not in (
                        "smallest difference",
                        "expected optimism",
                    ):
                        assert re.search(r"of.[0-9]", entry.text), (table.name, entry.text)


def test_the_bars_hang_from_one_another_and_meet(verdict: Analysis) -> None:
    for cell in pickable(verdict):
        drawn = cell["drawn"]
        assert [bar["step"] for bar in drawn] == list(BARS.values())
        for before, after in pairwise(drawn[:-1]):
            assert before["end"] == after["start"]
        assert drawn[-2]["end"] == pytest.approx(drawn[-1]["end"], abs=1e-4)


def test_the_chosen_cell_is_picked_first(verdict: Analysis) -> None:
    assert pickable(verdict)[0]["cell"] == verdict.chosen
    assert len(pickable(verdict)) == sum(len(of_set.error_breakdowns) for of_set in verdict.sets.values())


def test_the_funnel_counts_what_each_stage_keeps_of_each_class(results: Results) -> None:
    by_class = {"yes": 10, "no": 5, "maybe": 0}
    asked = results.dataset["questions"] | {"sampled": 20, "sampled_by_class": {"yes": 12, "no": 8, "maybe": 0}}
    stages = {
        "sample": {"questions": 20, "by_class": asked["sampled_by_class"]},
        "base": {"questions": 15, "by_class": by_class},
    }
    changed = replace(
        results,
        dataset=dict(results.dataset) | {"questions": asked},
        base={"funnel": {"stages": stages}, "address": "r1:0"},
    )
    (table,) = funnel(changed).tables
    kept = [entry.text.replace("\N{NO-BREAK SPACE}", " ") for entry in table.rows[-1]]
    assert kept == ["the base", "15 (75.0 % of 20)", "10 (83.3 % of 12)", "5 (62.5 % of 8)", "0"]


def test_curves_hold_everything_else_fixed(results: Results, verdict: Analysis) -> None:
    by_retriever, by_reader = chunk_size_section(verdict, cells_of(results, verdict)).charts
    rows = by_retriever.specification["data"]["values"]
    of_chosen = cells_of(results, verdict).rows[str(verdict.chosen)]["reader"]
    same = results.cells.filter((pl.col("kind") == "grid") & (pl.col("reader") == of_chosen))
    assert len(rows) == len(same)
    assert by_reader.name == "size-by-reader"


def test_a_study_without_anything_says_why_each_section_is_empty(results: Results, verdict: Analysis) -> None:
    bare = replace(verdict, metric=None, chosen=None, sets={}, rankings={}, families=(), votes=(), fronts={})
    for section in sections(results, bare):
        assert section.name == "funnel" or section.empty, section.name
        assert section.name == "funnel" or not section.charts


def test_what_cannot_be_told_apart_is_said_in_words(verdict: Analysis) -> None:
    (table,) = comparisons_section(verdict).tables
    told = [row[3].text for row in table.rows]
    (family,) = verdict.families
    assert told == ["distinguishable" if one.distinguishable else "not distinguishable" for one in family.comparisons]
    assert set(told) == {"distinguishable", "not distinguishable"}


def test_the_explorer_holds_every_answer_to_a_shown_question_once(results: Results, verdict: Analysis) -> None:
    shown = sampled(results)
    data = explorer_data(results, verdict, shown)
    assert len(shown) == 12
    texts = data["texts"]
    assert len(texts) == len(set(texts))
    for cell, said in zip(data["cells"], data["said"], strict=True):
        answers = results.answers.filter((pl.col("cell") == cell) & pl.col("question").is_in(shown))
        assert [texts[one] for one in said["verdict"]] == answers["verdict"].to_list()
        assert [[texts[vote] for vote in row] for row in said["votes"]] == answers["texts"].to_list()
        assert [data["questions"]["id"][row] for row in said["question"]] == answers["question"].to_list()


def test_the_explorers_buckets_are_those_of_the_verdict(results: Results, verdict: Analysis) -> None:
    data = explorer_data(results, verdict, results.questions["id"].to_list())
    for cell, where in verdict.sets[verdict.question_set].error_breakdowns.items():
        of_cell = data["said"][data["cells"].index(cell)]["bucket"]
        found = [data["texts"][number] for number in of_cell]
        assert {name: found.count(name) for name in where.buckets} == dict(where.buckets)


def test_pubmedqa_is_cited_and_others_are_not_guessed(results: Results, verdict: Analysis) -> None:
    known = replace(results, dataset=dict(results.dataset) | {"dataset": "pubmedqa(subset=labeled)"})
    assert "10.18653/v1/D19-1259" in citation(known)
    assert "knows no citation" in citation(results)
    paragraph = methods(results, verdict, cells_of(results, verdict))
    assert "12 cells over chunker (3), retriever (2), reader (2)" in paragraph
    assert "60 questions" in paragraph


def test_the_paragraph_says_how_the_base_was_made(results: Results, verdict: Analysis) -> None:
    selection = {
        "voters": {"small": "chat(...)", "large": "chat(...)"}, "votes": 3, "rule": "unanimous",
        "agree_with_gold": True, "exclude_closed_book_right": ["small"],
    }  # fmt: skip
    base = {"funnel": {"labels": "gold", "stages": {"base": {"questions": 40}}}, "selection": selection}
    paragraph = methods(replace(results, base=base), verdict, cells_of(results, verdict))
    assert (
        "A base of 40 of these questions was kept: those on which the votes of small, large (3 each, given the gold"
        " context) came to a verdict by the rule unanimous, and it was the gold label; without those that small"
        " answered right with no context."
    ) in paragraph
    silver = selection | {"agree_with_gold": False, "exclude_closed_book_right": []}
    paragraph = methods(replace(results, base=base | {"selection": silver}), verdict, cells_of(results, verdict))
    assert "gold label" not in paragraph
