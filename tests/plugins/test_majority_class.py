"""The reader majority_class: the most frequent answer of its training split, whatever is asked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ragtally_majority_class
from ragtally.api import DataError, Examples, Reading, TrainableReader, Vote

(COMPONENT,) = ragtally_majority_class.register_readers()
VOTE = Vote("measure", 0, 1)
ANSWERS = ("yes", "no", "maybe")


def reading(count: int, answers: tuple[str, ...] = ANSWERS) -> Reading:
    return Reading([f"q{row}" for row in range(count)], ["Does it?"] * count, [[]] * count, answers)


def train_on(*labels: str, answers: tuple[str, ...] = ANSWERS) -> TrainableReader:
    reader: TrainableReader = COMPONENT.build()
    reader.train(Examples(reading(len(labels), answers), labels), VOTE)
    return reader


def test_it_is_one_cell_without_context() -> None:
    traits = COMPONENT.traits
    assert (traits.draws, traits.condition, traits.trains) == ("fixed", "closed_book", True)
    assert COMPONENT.params["train"]["x-ragtally-engine"]
    assert isinstance(COMPONENT.build(), TrainableReader)


@given(st.lists(st.sampled_from(ANSWERS), min_size=1))
def test_the_most_frequent_answer_wins_and_ties_go_to_the_first_declared(labels: list[str]) -> None:
    counts = Counter(labels)
    expected = next(answer for answer in ANSWERS if counts[answer] == max(counts.values()))
    answers = train_on(*labels).read(reading(3), VOTE)
    assert answers.choice == [expected] * 3
    assert answers.text == answers.error == [None] * 3


def test_ties_follow_the_order_of_the_spec() -> None:
    assert train_on("yes", "no", answers=("no", "yes")).read(reading(1, ("no", "yes")), VOTE).choice == ["no"]


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}"])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "majority_class.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(DataError) as error:
        COMPONENT.build().load(tmp_path)
    assert error.value.location.file == str(file)
    assert error.value.hint


def test_it_must_be_trained_with_something_and_on_the_same_answers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no example"):
        train_on()
    with pytest.raises(DataError, match="before it was trained"):
        COMPONENT.build().read(reading(1), VOTE)
    with pytest.raises(DataError, match="before it was trained"):
        COMPONENT.build().save(tmp_path)
    with pytest.raises(DataError, match="'maybe', is none of the answers yes, no"):
        train_on("maybe").read(reading(1, ("yes", "no")), VOTE)
