"""`ragtally compare`, on answers made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from ragtally.api import RagtallyError
from ragtally.cli.compare import command
from sample_results import RECALL, and_metric, results_of, written

# The first cell alone has 9 right, the second alone 2, both 5, neither 4.
FIRST, SECOND = "yyyyyyyyynnyyyyynnnn", "nnnnnnnn-yyyyyyynnnn"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    written(results_of({"bm25/8b/1 vote": FIRST, "bm25/2b/1 vote": SECOND}, study="old"), tmp_path)
    return tmp_path


def compare(root: Path, *words: str, **environment: str) -> Result:
    ended = CliRunner().invoke(
        command, [*words, *(() if "--results" in words else ("--results", str(root)))], env=environment
    )
    if isinstance(ended.exception, RagtallyError):
        raise ended.exception
    return ended


def test_two_cells_of_one_study(root: Path) -> None:
    shown = compare(root, "old:8b", "old:2b").output
    assert "accuracy on base, paired: 20 questions" in shown
    assert "exact McNemar, p = 0.0654" in shown  # 2 (1 + 11 + 55) / 2048
    assert "A better on 9 questions, as good on 9, worse on 2" in " ".join(shown.split())
    assert shown.count(" yes ") >= 11
    assert "A and B give the same answer, right or wrong, to 45.0 %" in " ".join(shown.split()).replace("\xa0", " ")
    assert "no verdict" in shown
    assert "35.0 %" in shown
    assert compare(root, "8b", "2b", "--study", "old").output == shown


def test_only_so_many_changed_questions_are_listed_unless_all_are_wanted(root: Path) -> None:
    few = compare(root, "old:8b", "old:2b", "--first", "3").output
    assert "Does q2 help?" in few
    assert "Does q3 help?" not in few
    assert "... and 8 more: --all lists them" in few
    every = compare(root, "old:8b", "old:2b", "--first", "3", "--all").output
    assert all(f"Does q{number} help?" in every for number in range(11))


def test_json_has_every_changed_question(root: Path) -> None:
    (found,) = json.loads(compare(root, "old:8b", "old:2b", "--first", "1", "--json").output)
    assert found["comparison"]["tally"] == {"wins": 9, "ties": 9, "losses": 2}
    assert len(found["changes"]) == 11
    assert found["pairing"] == "paired"


def test_two_revisions_in_two_folders_compare_the_cells_of_the_same_name(root: Path, tmp_path: Path) -> None:
    later = tmp_path / "later"
    written(results_of({"bm25/8b/1 vote": SECOND, "bm25/2b/1 vote": SECOND}, study="old"), later)
    folders = ("--results", str(root), "--results", str(later))
    shown = compare(root, "old", "old", *folders).output
    assert "9/9/2" in shown
    assert "0/20/0" in shown
    one = compare(root, "old:8b", "old:8b", *folders).output
    assert "A better on 9" in one


def test_what_has_no_counterpart_is_counted_and_the_folders_tell_equal_names_apart(
    root: Path, tmp_path: Path
) -> None:
    later = tmp_path / "later"
    written(results_of({"bm25/8b/1 vote": SECOND, "dense/8b/1 vote": FIRST}, study="old"), later)
    shown = compare(root, "old", "old", "--results", str(root), "--results", str(later)).output
    assert f"A: {root}/old" in shown.replace("\n", "") and f"B: {later}/old" in shown.replace("\n", "")
    assert "left out, since the other side has no cell of that name: 1 of A, 1 of B" in shown
    alone = compare(root, "old:8b", "old:2b").output
    assert "left out" not in alone and "A: /" not in alone


def test_rankings_are_compared_where_nobody_answers(tmp_path: Path) -> None:
    made = results_of({"a": FIRST}, study="search")
    rows = [
        (name, f"q{location}", float(letter == "y"))
        for name, letters in (("bm25", FIRST), ("dense", SECOND))
        for location, letter in enumerate(letters)
    ]
    ranked = replace(
        made,
        rankings=pl.DataFrame(rows, schema=["ranking", "question", "recall@5"], orient="row"),
        cells=pl.DataFrame({"cell": ["bm25", "dense"], "question_set": "all", "ranking": ["bm25", "dense"]}),
        answers=made.answers.clear(),
    )
    written(and_metric(ranked, RECALL), tmp_path)
    shown = " ".join(compare(tmp_path, "search:bm25", "search:dense").output.split())
    assert "recall@5 on all, paired: 20 questions" in shown
    assert "A better on 9 questions, as good on 9, worse on 2; they differ in:" in shown
    assert "q0 Does q0 help? 1.000 0.000 A" in shown
    assert compare(tmp_path, "search:bm25", "search:dense", "--on", "base").exit_code == 2


def test_different_questions_are_compared_unpaired_and_it_says_so(root: Path) -> None:
    written(results_of({"a": "y" * 30}, ids=[f"x{n}" for n in range(30)], study="artificial"), root)
    shown = " ".join(compare(root, "old:8b", "artificial:a").output.split())
    assert "unpaired: 20 questions against 30 others" in shown
    assert "two independent sets (Newcombe's interval)" in shown
    assert "excludes 0" in shown
    assert "changed sides" not in shown


def test_text_from_the_data_stays_text(tmp_path: Path) -> None:
    text = "[bold red]Does[/bold red] \x1b[31m{} help?\nNow"
    written(results_of({"a": "y", "b": "n"}, text=text), tmp_path)
    shown = compare(tmp_path, "made:a", "made:b").output
    flat = "".join(shown.split())
    assert "[boldred]Does[/boldred]" in flat
    assert "\x1b" not in shown
    assert "\\x1b[31mq0" in flat
    assert "\\n" in flat


def test_it_fits_80_columns(root: Path, tmp_path: Path) -> None:
    later = tmp_path / "later"
    written(results_of({"bm25/8b/1 vote": SECOND, "bm25/2b/1 vote": SECOND}, study="old"), later)
    for words in (("old:8b", "old:2b"), ("old", "old", "--results", str(root), "--results", str(later))):
        shown = compare(root, *words, COLUMNS="80").output
        assert 60 < max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("old:8b", "old:8b"), "with themselves"),
        (("old", "old"), "with themselves"),
        (("old:8b", "old:70b"), "no cell of old that answers matches '70b'"),
        (("old:8b", "odl:2b"), "did you mean 'old'?"),
        (("old:8b", "old:2b", "--metric", "recall@5"), "old has no metric 'recall@5'"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_hint(root: Path, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(RagtallyError) as caught:
        compare(root, *words)
    assert message in str(caught.value)
    assert caught.value.hint


def test_sides_without_a_cell_of_the_same_name_are_refused(root: Path) -> None:
    written(results_of({"a": FIRST, "b": SECOND}, study="other"), root)
    with pytest.raises(RagtallyError, match="no cell of the one side"):
        compare(root, "old", "other")
