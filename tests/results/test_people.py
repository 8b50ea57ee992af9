"""Which answers are put before people, with which probability; and the sheet of their grades."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import RagtallyError
from ragtally.results.people import (
    DOUBTFUL,
    RIGHT,
    STRATA,
    WRONG,
    PersonGrade,
    draw,
    grades_by_item,
    load_draw,
    load_grades,
    probabilities,
    record_path,
    stratum_of,
    write_draw,
    write_grades,
)


def frames(*sizes: int) -> dict[str, list[str]]:
    return {name: [f"{name}-{row}" for row in range(size)] for name, size in zip(STRATA, sizes, strict=True)}


@given(st.tuples(*[st.integers(0, 60)] * 3), st.integers(1, 150), st.integers(0, 5))
def test_as_many_are_drawn_as_there_are_and_half_of_them_doubtful(
    sizes: tuple[int, int, int], size: int, seed: int
) -> None:
    record = draw("study", frames(*sizes), size, seed)
    assert len(record.sample) == len(set(record.sample)) == min(size, sum(sizes))
    counts = {name: len(set(record.sample).intersection(frame)) for name, frame in record.frames.items()}
    assert counts[DOUBTFUL] >= min(sizes[0], -(-min(size, sum(sizes)) // 2))
    # The doubtful ones come first.
    assert [item.startswith(DOUBTFUL) for item in record.sample] == sorted(
        (item.startswith(DOUBTFUL) for item in record.sample), reverse=True
    )


def test_a_larger_draw_holds_a_smaller_one_and_another_seed_draws_others() -> None:
    small, large = (draw("study", frames(30, 40, 50), size, 7) for size in (20, 60))
    assert set(small.sample) < set(large.sample)
    assert set(draw("study", frames(30, 40, 50), 20, 8).sample) != set(small.sample)
    assert list(draw("study", frames(30, 40, 50), 20, 7).sample) == list(small.sample)


def test_each_answer_weighs_by_the_graded_share_of_its_stratum(tmp_path: Path) -> None:
    record = draw("study", frames(10, 40, 50), 40, 1)
    write_draw(record, tmp_path / "graded.csv")
    assert load_draw(tmp_path / "graded.csv") == record
    doubtful = [item for item in record.sample if item.startswith(DOUBTFUL)]
    of_frame = probabilities(record, [*doubtful[:5], "right-0 of another draw"])
    assert of_frame[doubtful[0]] == (DOUBTFUL, 0.5) and of_frame["right-1"] == (RIGHT, 0.0)
    assert len(of_frame) == 100 and probabilities(None, doubtful) == {}
    assert load_draw(tmp_path / "other.csv") is None


def test_ballots_that_differ_or_are_missing_are_doubtful() -> None:
    assert [stratum_of(ballots) for ballots in ([True, True], [False], [True, False], [True, None])] == [
        RIGHT, WRONG, DOUBTFUL, DOUBTFUL,
    ]  # fmt: skip


def test_the_sheet_is_read_as_it_was_written_whatever_the_texts(tmp_path: Path) -> None:
    sheet = tmp_path / "raw" / "graded.csv"
    grades = [
        PersonGrade("b", "Ada", "wrong", 'What, "then"?', "=1+1\nand more", "não sei; é"),
        PersonGrade("a", "Eva", "unsure"),
        PersonGrade("a", "Ada", "right"),
    ]
    assert load_grades(sheet) == []
    write_grades(grades, sheet)
    assert load_grades(sheet) == sorted(grades, key=lambda grade: (grade.item, grade.person))
    assert grades_by_item(grades) == {"a": {"Ada": 1.0, "Eva": 0.5}, "b": {"Ada": 0.0}}
    assert record_path(sheet).name == "graded.drawn.json"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "item,person,grade\na,Ada,good\nb,,right\n",
            ["csv:2", "'good'", "csv:3", "right, wrong, unsure"],
        ),
        ("item,person,grade\na,Ada,right\na,Ada,wrong\n", ["Ada grades the answer a 2 times", "remove"]),
        ("item,grade\na,right\n", ["no column person", "ragtally grade STUDY --read FILE"]),
    ],
)
def test_a_faulty_sheet_is_told_with_place_and_remedy(tmp_path: Path, text: str, words: list[str]) -> None:
    sheet = tmp_path / "graded.csv"
    sheet.write_text(text, encoding="utf-8")
    with pytest.raises(RagtallyError) as caught:
        load_grades(sheet)
    message = "\n".join(map(str, getattr(caught.value, "errors", [caught.value])))
    assert all(word in message for word in words), message
