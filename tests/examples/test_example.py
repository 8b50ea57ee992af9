"""An example has one identity, in a row and out of it."""

from __future__ import annotations

import polars as pl
import pytest

from ragtally.examples.example import EXAMPLES, Example, Outcome, Source, Turn, example_of, row_of, with_names
from ragtally.examples.wording import Kind

EXAMPLE = Example(
    Kind.INSTRUCTION,
    (Turn("user", "Shorten this."), Turn("assistant", "Short.")),
    input="A long text.",
    source=Source("a.md", 3, 40, "Heading"),
)


def test_a_row_gives_the_example_back() -> None:
    rows = [row_of(EXAMPLE, generator=1, origin="generate")]
    table = pl.DataFrame(rows, schema=EXAMPLES)
    assert example_of(table.row(0, named=True)) == EXAMPLE
    assert table["example"].to_list() == [EXAMPLE.id]


@pytest.mark.parametrize(
    "other",
    [
        Example(Kind.QUESTION_ANSWER, EXAMPLE.turns, EXAMPLE.input, source=EXAMPLE.source),
        Example(EXAMPLE.kind, EXAMPLE.turns, "Another text.", source=EXAMPLE.source),
        Example(EXAMPLE.kind, EXAMPLE.turns[::-1], EXAMPLE.input, source=EXAMPLE.source),
        Example(EXAMPLE.kind, EXAMPLE.turns, EXAMPLE.input, source=Source("b.md", 3, 40)),
    ],
)
def test_another_text_or_place_is_another_example(other: Example) -> None:
    assert other.id != EXAMPLE.id


def test_the_words_for_the_place_do_not_count() -> None:
    assert Example(EXAMPLE.kind, EXAMPLE.turns, EXAMPLE.input, source=Source("a.md", 3, 40)).id == EXAMPLE.id


def test_a_model_is_asked_the_users_turns_and_the_input() -> None:
    assert EXAMPLE.prompt_text == "Shorten this.\nA long text."


def test_numbers_become_names() -> None:
    table = pl.DataFrame({"generator": [1, None, 0]}, schema={"generator": EXAMPLES["generator"]})
    assert with_names(table, "generator", ["big", "small"])["generator"].to_list() == ["small", None, "big"]
    assert with_names(table, "generator", [])["generator"].to_list() == [None] * 3


def test_what_may_be_trained_on() -> None:
    assert [outcome for outcome in Outcome if outcome.is_usable] == [Outcome.ACCEPTED, Outcome.NOT_VALIDATED]
