"""The sections say what the verdict says, and why they are empty."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import polars as pl
import pytest

from ragtally.analysis import Analysis
from ragtally.analysis.estimate import Estimate
from ragtally.present import page
from ragtally.present.base import base_section
from ragtally.present.breakdown import BARS, pickable
from ragtally.present.cells import cells_of, sets_of
from ragtally.present.comparisons import comparisons_section
from ragtally.present.explorer import explorer_data, sample_questions
from ragtally.present.grid import chunk_size_section, grid_section
from ragtally.present.provenance import Provenance, citation, dataset_citation, methods
from ragtally.present.readers import readers_section, voters_section
from ragtally.present.table import Section
from ragtally.registry import load_registry
from ragtally.results import Results


def sections(results: Results, analysis: Analysis) -> list[Section]:
    cells = cells_of(results.cells, results.metrics, analysis.question_set, analysis)
    before, after = page.sections(results, analysis, cells)
    return [*before, *after]


def test_every_share_prints_its_denominator(results: Results, analysis: Analysis) -> None:
    for section in sections(results, analysis):
        for table in section.tables:
            headings = table.headings
            for number, row in enumerate(table.entries):
                assert len(row) == len(headings)
                group = table.groups[number] if table.groups else ""
                for heading, entry in zip(headings, row, strict=True):
                    if "\N{NO-BREAK SPACE}%" in entry.text and heading.text not in ("smallest", "expected optimism"):
                        places = (entry.text, heading.of, f"{table.page_caption} {group}")
                        assert any(re.search(r"of.[0-9]|[0-9] questions", place) for place in places), table.name


def test_the_bars_hang_from_one_another_and_meet(analysis: Analysis) -> None:
    for cell in pickable(analysis):
        drawn = cell["drawn"]
        steps = [bar["step"] for bar in drawn]
        assert steps == [label for label in BARS.values() if label in steps]
        assert all(bar["start"] != bar["end"] for bar in drawn if bar["step"] in ("no answer", "recovered by chance"))
        low, high = cell["axis"]["domain"]
        assert low <= min(bar["end"] for bar in drawn) and high >= max(bar["high"] or 0 for bar in drawn)
        assert ("from" in cell["axis"]["title"]) == (low > 0)
        for before, after in pairwise(drawn[:-1]):
            assert before["end"] == after["start"]
        assert drawn[-2]["end"] == pytest.approx(drawn[-1]["end"], abs=1e-4)


def test_the_chosen_cell_is_picked_first(analysis: Analysis) -> None:
    assert pickable(analysis)[0]["cell"] == analysis.chosen_cell
    assert len(pickable(analysis)) == sum(
        len(set_analysis.error_breakdowns) for set_analysis in analysis.sets.values()
    )


def test_the_funnel_counts_what_each_stage_keeps_of_each_class(results: Results) -> None:
    by_class = {"yes": 10, "no": 5, "maybe": 0}
    asked = results.dataset["questions"] | {
        "sampled": 20,
        "sampled_by_class": {"yes": 12, "no": 8, "maybe": 0},
    }
    stages = {
        "sample": {"questions": 20, "by_class": asked["sampled_by_class"]},
        "base": {"questions": 15, "by_class": by_class},
    }
    changed = replace(
        results,
        dataset=dict(results.dataset) | {"questions": asked},
        base={"funnel": {"stages": stages, "labels": "gold"}, "address": "r1:0"},
    )
    (table,) = base_section(changed).tables
    kept = [entry.text.replace("\N{NO-BREAK SPACE}", " ") for entry in table.entries[-1]]
    assert kept == ["the base", "15 (75.0 %)", "10 (83.3 %)", "5 (62.5 %)", "0"]
    assert [heading.of for heading in table.headings] == ["", "of 20", "of 12", "of 8", ""]


def test_curves_hold_everything_else_fixed(results: Results, analysis: Analysis) -> None:
    by_retriever, by_reader = chunk_size_section(
        cells_of(results.cells, results.metrics, analysis.question_set, analysis), analysis
    ).charts
    rows = by_retriever.points
    of_chosen = cells_of(results.cells, results.metrics, analysis.question_set, analysis).rows[
        str(analysis.chosen_cell)
    ]["reader"]
    same = results.cells.filter((pl.col("kind") == "grid") & (pl.col("reader") == of_chosen))
    assert len(rows) == len(same)
    assert by_reader.name == "size-by-reader"


def test_a_study_without_anything_says_why_each_section_is_empty(results: Results, analysis: Analysis) -> None:
    bare = replace(analysis, metric=None, chosen_cell=None, sets={}, rankings={}, families=(), votes=(), fronts={})
    nothing = replace(results, cells=results.cells.clear())
    for section in sections(nothing, bare):
        assert section.name == "funnel" or section.empty, section.name
        assert section.name == "funnel" or not section.charts


def test_what_cannot_be_told_apart_is_said_in_words(analysis: Analysis) -> None:
    (table,) = comparisons_section(analysis).tables
    (family,) = analysis.families
    verdicts = {(row[0], row[1]): row[2] for row in table.rows}
    assert verdicts == {
        (one.cell, one.baseline): "distinguishable" if one.distinguishable else "not distinguishable"
        for one in family.comparisons
    }
    assert set(verdicts.values()) == {"distinguishable", "not distinguishable"}
    assert {table.rows[number][2] for number in table.strong} == {"distinguishable"}


def test_the_explorer_holds_every_answer_to_a_shown_question_once(results: Results, analysis: Analysis) -> None:
    shown = sample_questions(results)
    data = explorer_data(results, analysis, shown)
    assert len(shown) == 12
    texts = data["texts"]
    assert len(texts) == len(set(texts))
    for cell, said in zip(data["cells"], data["said"], strict=True):
        answers = results.answers.filter((pl.col("cell") == cell) & pl.col("question").is_in(shown))
        assert [texts[one] for one in said["verdict"]] == answers["verdict"].to_list()
        assert [[texts[vote] for vote in row] for row in said["votes"]] == answers["texts"].to_list()
        assert [data["questions"]["id"][row] for row in said["question"]] == answers["question"].to_list()


def test_the_explorer_puts_each_prompt_together_again_from_its_passages(results: Results, analysis: Analysis) -> None:
    data = explorer_data(results, analysis, sample_questions(results))
    readers = dict(results.cells.select("cell", "reader").iter_rows())
    contexts = dict(results.cells.select("cell", "context").iter_rows())
    texts, passages = data["texts"], data["passages"]["text"]
    asked = {(row["reader"], row["context"], row["question"]): row for row in results.prompts.iter_rows(named=True)}
    found = 0
    for cell, number in zip(data["cells"], data["prompt_of"], strict=True):
        if number < 0:
            assert (readers[cell], contexts[cell]) not in {key[:2] for key in asked}
            continue
        for row, messages in data["prompts"][number].items():
            prompt = asked[readers[cell], contexts[cell], data["questions"]["id"][row]]
            assert [texts[role] for role, *_ in messages] == prompt["roles"]
            for (_, *parts), content in zip(messages, prompt["contents"], strict=True):
                whole = (texts[passages[part[0]] if isinstance(part, list) else part] for part in parts)
                assert "".join(whole) == content
            assert sum(isinstance(part, list) for _, *parts in messages for part in parts) == 3
            found += 1
    assert found


def test_the_explorers_buckets_are_those_of_the_verdict(results: Results, analysis: Analysis) -> None:
    data = explorer_data(results, analysis, results.questions["id"].to_list())
    for cell, where in analysis.sets[analysis.question_set].error_breakdowns.items():
        of_cell = data["said"][data["cells"].index(cell)]["bucket"]
        found = [data["texts"][number] for number in of_cell]
        assert {name: found.count(name) for name in where.buckets} == dict(where.buckets)


def test_a_dataset_is_cited_as_its_plugin_says_and_others_are_not_guessed(results: Results) -> None:
    known = replace(results, dataset=dict(results.dataset) | {"dataset": "pubmedqa(subset=labeled)"})
    assert "10.18653/v1/D19-1259" in dataset_citation(known, load_registry())
    unknown = replace(results, dataset=dict(results.dataset) | {"dataset": "beir(folder=x)"})
    assert dataset_citation(unknown, load_registry()) == ""
    assert "knows no citation for the dataset beir(folder=x)" in citation(unknown, Provenance())


def test_the_methods_count_what_was_compared(results: Results, analysis: Analysis) -> None:
    paragraph = methods(results, analysis, cells_of(results.cells, results.metrics, analysis.question_set, analysis))
    assert "12 cells over chunker (3), retriever (2), reader (2)" in paragraph
    assert "60 questions" in paragraph


def test_the_paragraph_says_how_the_base_was_made(results: Results, analysis: Analysis) -> None:
    selection = {
        "voters": {"small": "chat(...)", "large": "chat(...)"}, "votes": 3, "rule": "unanimous",
        "agree_with_gold": True, "exclude_closed_book_right": ["small"],
    }  # fmt: skip
    base = {"funnel": {"labels": "gold", "stages": {"base": {"questions": 40}}}, "selection": selection}
    paragraph = methods(
        replace(results, base=base),
        analysis,
        cells_of(results.cells, results.metrics, analysis.question_set, analysis),
    )
    assert (
        "A base of 40 of these questions was kept: those on which the votes of small, large (3 each, given the gold"
        " context) came to a verdict by the rule unanimous, and it was the gold label; without those that small"
        " answered right with no context."
    ) in paragraph
    silver = selection | {"agree_with_gold": False, "exclude_closed_book_right": []}
    paragraph = methods(
        replace(results, base=base | {"selection": silver}),
        analysis,
        cells_of(results.cells, results.metrics, analysis.question_set, analysis),
    )
    assert "gold label" not in paragraph


def test_a_share_of_a_voters_has_wilsons_interval_unless_questions_share_documents(results: Results) -> None:
    row = {"voter": "small", "decision": "vote 1", "questions": 60, "accuracy": 0.75, "accuracy_denominator": 60}
    voters = pl.DataFrame([row | {"input_tokens": None}])
    alone = results.questions.with_columns(document_group=pl.int_range(pl.len(), dtype=pl.Int32))
    shared = results.questions.with_columns(document_group=pl.lit(0, pl.Int32))
    for questions, low, high in ((alone, 0.6277, 0.8422), (shared, None, None)):
        (table,) = voters_section(replace(results, voters=voters, questions=questions)).tables
        accuracy = table.rows[0][2]
        assert isinstance(accuracy, Estimate)
        # Wilson's interval of 45 of 60, by statsmodels.
        assert (accuracy.low, accuracy.high) == pytest.approx((low, high), abs=1e-4)
        assert (accuracy.reason is None) == (low is not None)


def test_a_rule_with_parameters_stands_beside_the_votes_in_every_table_of_cells(results: Results) -> None:
    quorum = results.cells.with_columns(pl.lit("quorum").alias("rule"), pl.lit(2).alias("rule.k"))
    for cells, is_shown in ((results.cells, False), (quorum, True)):
        sets = sets_of(cells, results.metrics)
        (grid, *_) = grid_section(sets).tables
        assert ("rule" in [column.heading for column in grid.columns]) == is_shown
        (readers,) = readers_section(sets).tables
        texts = {entry.text for row in readers.entries for entry in row}
        assert any("quorum (k 2)" in text for text in texts) == is_shown


def test_questions_without_an_answer_stand_beside_the_scores_where_there_are_any(
    results: Results, analysis: Analysis
) -> None:
    def headings(of: Analysis) -> list[str]:
        sets = sets_of(results.cells, results.metrics, of)
        tables = [*grid_section(sets, of).tables[:1], *readers_section(sets, of).tables[:1]]
        return ["no answer" for table in tables if "no answer" in [column.heading for column in table.columns]]

    assert headings(analysis) == []
    name = analysis.question_set
    of_set = analysis.sets[name]
    cells = {
        cell: replace(of, statuses={"right": 50, "unparsed": 6, "no verdict": 4}) for cell, of in of_set.cells.items()
    }
    incomplete = replace(analysis, sets={name: replace(of_set, cells=cells)})
    assert headings(incomplete) == ["no answer"] * 2
    (table, *_) = grid_section(sets_of(results.cells, results.metrics, incomplete), incomplete).tables
    column = [heading.text for heading in table.headings].index("no answer")
    assert table.entries[0][column].text.replace("\N{NO-BREAK SPACE}", " ") == "10 (16.7 %)"
