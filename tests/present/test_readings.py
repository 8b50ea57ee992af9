"""How answers were read, and the warnings where too few could be."""

from dataclasses import replace

import polars as pl
import pytest

from ragtally.present.readings import reading_warnings, readings_section, unread_answers, unread_section
from sample_results import results_of


def with_readings(*rows, answered_elsewhere=()):
    keys = ("reader", "context", "outcome", "reading", "answers")
    readings = [dict(zip(keys, row, strict=True)) for row in rows]
    comparisons = {"readings": readings, "answered_elsewhere": list(answered_elsewhere)}
    return replace(results_of({"a": "yn"}), comparisons=comparisons)


def test_a_row_for_each_reader_and_a_reason_for_what_was_not_read():
    study = with_readings(
        ("big", "gold_context", "read", "JSON", 9),
        ("big", "closed_book", "read", "JSON", 4),
        ("big", "closed_book", "read", "bare label", 5),
        ("big", "closed_book", "unread", "refusal", 1),
        ("big", "closed_book", "missing", "timed out", 1),
    )
    table, why = readings_section(study).tables
    assert [column.heading for column in table.columns] == [
        "reader", "answers", "JSON", "bare label", "not read", "no answer",
    ]  # fmt: skip
    assert [entry.text.replace("\xa0", " ") for entry in table.entries[0]] == [
        "big", "20", "13 (65.0 %)", "5 (25.0 %)", "1 (5.0 %)", "1 (5.0 %)",
    ]  # fmt: skip
    assert [[entry.text.replace("\xa0", " ") for entry in row] for row in why.entries] == [
        ["big", "refusal", "1 (5.0 %)"]
    ]
    assert not reading_warnings(study)


def test_few_readable_answers_are_a_warning_with_the_most_frequent_reasons():
    study = with_readings(
        ("tiny", "gold_context", "read", "bare label", 4),
        ("tiny", "gold_context", "unread", "contradiction", 1),
        ("tiny", "gold_context", "unread", "refusal", 7),
        ("tiny", "closed_book", "unread", "empty", 3),
    )
    (few,) = reading_warnings(study)
    assert "tiny on 2 contexts: only 4 of 15 answers could be read" in few
    assert "(refusal: 7; empty: 3; contradiction: 1)" in few
    (none,) = reading_warnings(with_readings(("tiny", "closed_book", "unread", "empty", 3)))
    assert "tiny on closed_book: none of 3 answers could be read" in none


def test_recorded_answers_that_are_missing_are_a_warning():
    rows = (("rec", "gold_context", "read", "JSON", 9), ("rec", "gold_context", "missing", "no recorded answer", 1))
    assert reading_warnings(with_readings(*rows)) == []
    (warning,) = reading_warnings(with_readings(*rows, answered_elsewhere=["rec"]))
    assert "rec: 1 of 10 answers are not in its file" in warning


@pytest.mark.parametrize("comparisons", [{}, {"readings": []}])
def test_results_of_earlier_versions_have_no_table(comparisons):
    study = replace(results_of({"a": "yn"}), comparisons=comparisons)
    assert readings_section(study).empty
    assert reading_warnings(study) == []


def test_replies_that_could_not_be_read_are_listed_once_on_one_line_each():
    lists = pl.List(pl.String)
    rows = [
        ("a", "q1", ["yes", None], ["JSON", "refusal"], [None, None], ["{}", "I\n<b>cannot</b>   say."]),
        ("b", "q1", ["yes", None], ["JSON", "refusal"], [None, None], ["{}", "I\n<b>cannot</b>   say."]),
        ("b", "q2", [None, None], [None, "empty"], ["timed out", None], [None, "x" * 300]),
    ]
    names = ("ballots", "readings", "errors", "texts")
    schema = {"cell": pl.String, "question": pl.String} | dict.fromkeys(names, lists)
    cells = pl.DataFrame({"cell": ["a", "b"], "reader": ["big", "big"], "context": ["gold", "gold"]})
    study = replace(results_of({"a": "yn"}), cells=cells, answers=pl.DataFrame(rows, schema=schema, orient="row"))
    assert unread_answers(study).rows() == [
        ("big", "gold", "q1", 2, "refusal", "I\n<b>cannot</b>   say."),
        ("big", "gold", "q2", 2, "empty", "x" * 300),
    ]
    (table,) = unread_section(study).tables
    assert table.caption == "2 replies that could not be read"
    assert [row[-1] for row in table.rows] == ["I <b>cannot</b> say.", f"{'x' * 200} ..."]
