"""One table, on a terminal of any width and on the page: no number is lost or broken, text stays text."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ragtally.present.numbers import COUNT, DOLLARS, PORTION, Portion, form_of
from ragtally.present.table import Column, Table, terminal

CELL = "words(256)/bm25/top 1/words/3 votes"


def shown(table: Table, width: int) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, highlight=False, markup=False, emoji=False)
    for part in terminal([table], width):
        console.print(part)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def test_values_are_written_by_the_form_of_their_column() -> None:
    columns = (Column("cell"), Column("kept", PORTION), Column("price", DOLLARS, "unknown"), Column("n", COUNT))
    table = Table("t", "Caption", columns, ((CELL, Portion(3, 4), None, 1_234),), ("a note",))
    assert shown(table, 80).splitlines() == [
        "Caption",
        "cell                                       kept    price      n",
        "────────────────────────────────────────────────────────────────",
        f"{CELL}  3 (75.0 %)  unknown  1,234",
        "a note",
    ]
    (row,) = table.entries
    assert [entry.text.replace("\N{NO-BREAK SPACE}", " ") for entry in row] == [
        CELL, "3 (75.0 %)", "unknown", "1,234",
    ]  # fmt: skip
    assert [heading.of for heading in table.headings] == ["", "of 4", "", ""]
    assert [entry.order for entry in row] == [CELL, 3.0, None, 1234.0]


def test_what_all_shares_of_a_column_are_counted_of_is_said_once_on_the_page() -> None:
    columns = (Column("cell"), Column("right", PORTION))
    rows = (("a", Portion(3, 4)), ("b", Portion(1, 4)))
    headings = {
        "Caption": "of 4",
        "Caption, 4 questions": "",
        "Caption, 40 questions": "of 4",
        "Caption, 4,000 questions": "of 4",
    }
    for caption, of in headings.items():
        assert Table("t", caption, columns, rows).headings[1].of == of
    both = Table("t", "Caption", columns, (*rows, ("a", Portion(5, 9))), groups=("base, 4", "base, 4", "all, 9"))
    assert [row[1].text.replace("\N{NO-BREAK SPACE}", " ") for row in both.entries] == [
        "3 (75.0 %)", "1 (25.0 %)", "5 (55.6 %)",
    ]  # fmt: skip
    assert both.headings[1].of == ""
    mixed = Table("t", "Caption", columns, (*rows, ("c", Portion(5, 9))))
    assert mixed.entries[0][1].text.replace("\N{NO-BREAK SPACE}", " ") == "3 (75.0 % of 4)"


def test_a_column_without_content_is_left_out_on_the_page_and_on_the_terminal() -> None:
    columns = (Column("cell"), Column("price", DOLLARS, "unknown", optional=True), Column("n", COUNT))
    for prices in ((0.0, 0.0), (None, None), (None, 0.0)):
        table = Table("t", "Caption", columns, tuple(("a", price, 1) for price in prices))
        assert [heading.text for heading in table.headings] == ["cell", "n"]
        assert len(table.entries[0]) == 2
        assert "price" not in shown(table, 80)
    paid = Table("t", "Caption", columns, (("a", None, 1), ("b", 0.5, 1)))
    assert [entry.text for entry in paid.entries[0]] == ["a", "unknown", "1"]
    assert "price" in shown(paid, 80)


def test_the_page_and_the_terminal_may_place_a_column_differently() -> None:
    columns = (Column("cell", terminal_only=True), Column("axis", page_only=True), Column("cell", page_only=True))
    table = Table("t", "Caption", columns, (("name", "pick", "name"),))
    assert [heading.text for heading in table.headings] == ["axis", "cell"]
    assert [entry.text for entry in table.entries[0]] == ["pick", "name"]
    assert "pick" not in shown(table, 80)


def test_the_names_of_cells_break_after_their_slashes() -> None:
    table = Table("t", "Caption", (Column("cell"), Column("n", COUNT)), ((CELL, 1),))
    assert shown(table, 30).splitlines()[3:] == ["words(256)/bm25/top 1/words/ 1", "3 votes"]


@pytest.mark.parametrize(
    ("name", "width", "lines"),
    [
        ("words/weaviate(l2-squared,ef_construction=512)/build 1", 34,
         ["words/", "weaviate(l2-squared,", "ef_construction=512)/build 1"]),
        ("weaviate(max_connections=64)", 20, ["weaviate(", "max_connections=", "64)"]),
        ("sha256abcdefghijklmnopqrst", 16, ["sha256abcdefgh", "ijklmnopqrst"]),
    ],
)  # fmt: skip
def test_a_name_that_is_too_long_breaks_between_its_parameters(name: str, width: int, lines: list[str]) -> None:
    table = Table("t", "Caption", (Column("cell"), Column("n", COUNT)), ((name, 7),))
    rows = shown(table, width).splitlines()[3:]
    assert [row.removesuffix(" 7").rstrip() for row in rows] == lines


def test_a_number_stays_with_its_word() -> None:
    name = "words/bm25/build 12/top 10/finder/3 votes"
    for width in range(14, 44):
        text = shown(Table("t", "Caption", (Column("cell"), Column("n", COUNT)), ((name, 1),)), width)
        body = text.partition("─")[2]
        assert all(pick in body for pick in ("build 12", "top 10", "3 votes")), width


def test_columns_that_do_not_fit_go_below_with_the_names_again() -> None:
    columns = (Column("cell"), *(Column(f"metric{number}", form_of("number")) for number in range(8)))
    table = Table("t", "Caption", columns, ((CELL, *(number / 10 for number in range(8))),))
    text = shown(table, 60)
    assert max(map(len, text.splitlines())) <= 60
    assert re.findall(r"0\.\d00", text) == [f"0.{number}00" for number in range(8)]
    assert text.count("votes") == 2


def test_each_group_has_a_table_and_what_is_of_the_page_is_left_out() -> None:
    columns = (Column("cell"), Column("secret", page_only=True))
    table = Table("t", "Cells", columns, (("a", "x"), ("b", "y")), groups=("base", "all"))
    text = shown(table, 80)
    assert "Cells (base)" in text and "Cells (all)" in text
    assert "secret" not in text and "x" not in text
    assert table.choices == ("base", "all")


def test_text_from_the_data_stays_text() -> None:
    table = Table("t", "Cells", (Column("cell"),), (("[bold]a\x1b[31m\u202e",),))
    assert r"[bold]a\x1b[31m\u202e" in shown(table, 80)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_without_rows_or_numbers_is_drawn(rows: int) -> None:
    assert "cell" in shown(Table("t", "Cells", (Column("cell"), Column("note")), (("a", "b"),) * rows), 80)


@given(
    st.integers(40, 120),
    st.lists(st.tuples(st.text("ab/ 漢", max_size=60), st.integers(0, 10**9), st.integers(0, 99)), max_size=4),
)
def test_any_names_fit_and_lose_no_sign(width: int, rows: list[tuple[str, int, int]]) -> None:
    columns = (Column("name"), Column("number", COUNT), Column("other number", COUNT))
    text = shown(Table("t", "Caption", columns, tuple(rows)), width)
    letters = "".join(sign for sign in "".join(name for name, _, _ in rows) if sign in "ab漢")
    body = text.partition("─")[2]
    assert sorted(sign for sign in body if sign in "ab漢") == sorted(letters)
    for _, number, other in rows:
        assert f"{number:,}" in text and f"{other:,}" in text


def test_the_first_rows_of_a_table_say_how_many_there_are() -> None:
    rows = tuple((f"cell {number}", number) for number in range(6))
    table = Table(
        "t", "Caption", (Column("cell"), Column("n", COUNT)), rows, ("a note",),
        groups=("base", "all", "base", "all", "base", "all"), strong=frozenset({2}),
    )  # fmt: skip
    head = table.head(2)
    assert (head.caption, head.rows) == ("Caption (base), the first 2 of 3", (rows[0], rows[2]))
    assert head.strong == {1} and not head.notes
    assert table.head(3).caption == "Caption (base)"
