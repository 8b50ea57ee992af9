"""Which questions are asked depends on their ids and the seed alone, and what was left out is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragtally.api import DataError, DatasetBatch
from ragtally.store import read_json
from ragtally.tables import load_answer_options, load_evidence, load_questions, load_texts
from toy_study import ANSWERS, batch, toy_dataset

LABELS = ["yes"] * 12 + ["no"] * 6 + ["maybe"] * 3 + [None] * 2


def unbalanced(order: list[int] | None = None) -> DatasetBatch:
    asked = {f"q{row}": (LABELS[row], "train" if row % 3 == 0 else "test") for row in order or range(len(LABELS))}
    return batch({"a": "Some text."}, asked, [(name, "a", 0, 4) for name in asked])


def ids(ground: Any, **wanted: Any) -> list[str]:
    return load_questions(ground.do(ground.sample(**wanted)))["id"].to_list()


@pytest.fixture
def ground(make_ground: Callable[..., Any]) -> Any:
    return make_ground([unbalanced()])


def test_without_settings_all_are_asked_in_order(ground: Any) -> None:
    assert ids(ground) == [f"q{row}" for row in range(len(LABELS))]


@pytest.mark.parametrize("balance", [False, True])
def test_a_larger_sample_holds_the_smaller(ground: Any, balance: bool) -> None:
    earlier: set[str] = set()
    for size in (3, 6, 9, 40):
        now = set(ids(ground, size=size, balance=balance, seed=1))
        assert earlier <= now
        earlier = now


def test_another_seed_picks_others(ground: Any) -> None:
    assert len({tuple(ids(ground, size=5, seed=seed)) for seed in range(4)}) == 4


def test_the_order_of_the_dataset_does_not_matter(make_ground: Callable[..., Any]) -> None:
    order = np.random.default_rng(3).permutation(len(LABELS)).tolist()
    forth, mixed = make_ground([unbalanced()], "forth"), make_ground([unbalanced(order)], "mixed")
    for wanted in ({"size": 7}, {"size": 7, "balance": True}):
        assert set(ids(forth, seed=5, **wanted)) == set(ids(mixed, seed=5, **wanted))
    rows = load_questions(mixed.do(mixed.sample(size=7, seed=5)))["row"].to_list()
    assert rows == sorted(rows)


def test_other_questions_in_the_dataset_do_not_move_a_sample_of_a_split(make_ground: Callable[..., Any]) -> None:
    whole = make_ground([unbalanced()], "whole")
    part = make_ground([unbalanced([row for row in range(len(LABELS)) if row % 3])], "part")
    assert ids(whole, split="test", size=5) == ids(part, split="test", size=5)


@pytest.mark.parametrize(("size", "each"), [(None, 3), (40, 3), (7, 2), (3, 1)])
def test_balance_takes_equally_many_of_each_class(ground: Any, size: int | None, each: int) -> None:
    folder = ground.do(ground.sample(size=size, balance=True))
    labels = load_questions(folder)["label"].to_list()
    assert sorted(map(str, labels)) == sorted([*["yes"] * each, *["no"] * each, *["maybe"] * each])


def test_answers_drop_and_are_counted(ground: Any) -> None:
    folder = ground.do(ground.sample(answers=("yes", "no"), split="test"))
    in_test = [label for row, label in enumerate(LABELS) if row % 3]
    assert read_json(folder / "funnel.json") == {
        "answers": ["yes", "no"],
        "in_dataset": 23,
        "in_split": len(in_test),
        "dropped_by_answers": in_test.count("maybe"),
        "sampled": len(in_test) - in_test.count("maybe"),
        "sampled_by_class": {"yes": in_test.count("yes"), "no": in_test.count("no")},
        "sampled_without_label": in_test.count(None),
    }
    assert load_answer_options(folder) == ("yes", "no")
    assert all(int(name[1:]) % 3 for name in load_questions(folder)["id"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 12), seed=st.integers(0, 5), split=st.sampled_from(["train", "test", None]))
def test_evidence_slices_back_to_the_same_text(ground_of_12: Any, size: int, seed: int, split: str | None) -> None:
    folder = ground_of_12.do(ground_of_12.sample(size=size, seed=seed, split=split))
    questions, evidence = load_questions(folder), load_evidence(folder)
    texts = load_texts(ground_of_12.do(ground_of_12.dataset))
    said = [
        texts[document][start:end]
        for document, start, end in zip(evidence.document, evidence.start, evidence.end, strict=True)
    ]
    assert evidence.question.tolist() == list(range(len(questions)))
    assert said == [f"The answer is {label}." for label in questions["label"]]


@pytest.fixture
def ground_of_12(make_ground: Callable[..., Any]) -> Any:
    return make_ground(toy_dataset(12).given)


NOTHING_LEFT = {
    "no such answer": {"answers": ("never", "ever"), "split": "test"},
    "fewer than classes": {"size": 2, "balance": True},
}


@pytest.mark.parametrize("wanted", NOTHING_LEFT.values(), ids=NOTHING_LEFT)
def test_nothing_left_is_an_error_that_says_what_there_was(
    make_ground: Callable[..., Any], wanted: dict[str, Any]
) -> None:
    labelled = {f"q{row}": (ANSWERS[row % 3], "test") for row in range(6)}
    ground = make_ground([batch({"a": "Some text."}, labelled, [])])
    with pytest.raises(DataError, match="no question is left") as error:
        ground.do(ground.sample(**wanted))
    assert error.value.hint and "of 6 in the split" in error.value.hint


def test_a_dataset_without_classes_is_asked_whole_and_cannot_be_balanced(make_ground: Callable[..., Any]) -> None:
    bare = {f"q{row}": (None, "test") for row in range(4)}
    ground = make_ground([batch({"a": "Some text."}, bare, [])], answers=(), labelled=False)
    folder = ground.do(ground.sample(answers=(), size=3))
    assert len(load_questions(folder)) == 3
    funnel = read_json(folder / "funnel.json")
    assert (funnel["answers"], funnel["sampled_by_class"], funnel["dropped_by_answers"]) == ([], {}, 0)
    with pytest.raises(DataError, match="the dataset has no classes"):
        ground.do(ground.sample(answers=(), balance=True))


def test_the_seed_counts_only_where_something_is_drawn(ground: Any) -> None:
    assert ground.sample(seed=1).address == ground.sample(seed=2).address
    assert ground.sample(seed=1, size=3).address != ground.sample(seed=2, size=3).address
    assert ground.sample(seed=1, balance=True).address != ground.sample(seed=2, balance=True).address
