"""No group is divided, the shares come as near as they can, and what could not be met is said."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally.examples.splits import assign_splits, tied_groups

SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}


def test_ties_join_directly_and_through_others() -> None:
    groups = tied_groups([["a"], ["b"], ["b", "c"], ["c"], [], ["a", "d"]])
    assert groups.tolist() == [0, 1, 1, 1, 2, 0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("xy")), min_size=1, max_size=60))
def test_a_group_is_in_one_split_and_every_example_in_one(rows: list[tuple[int, str]]) -> None:
    groups = tied_groups([[group] for group, _ in rows])
    classes = [name for _, name in rows]
    splits = assign_splits(groups, classes, SHARES, np.random.default_rng(1))
    assert len(splits.split) == len(rows)
    for group in set(splits.group):
        assert len({split for split, own in zip(splits.split, splits.group, strict=True) if own == group}) == 1
    assert splits == assign_splits(groups, classes, SHARES, np.random.default_rng(1))


def test_many_small_groups_meet_sizes_and_classes() -> None:
    draw = np.random.default_rng(3)
    groups = np.repeat(np.arange(300), draw.integers(1, 5, 300))
    classes = draw.choice(["yes", "no", "maybe"], len(groups), p=[0.6, 0.3, 0.1]).tolist()
    splits = assign_splits(groups, classes, SHARES, np.random.default_rng(1))
    assert splits.notes == ()
    for name, share in SHARES.items():
        own = [one for one, split in zip(classes, splits.split, strict=True) if split == name]
        assert abs(len(own) / len(groups) - share) < 0.01
        assert abs(own.count("yes") / len(own) - classes.count("yes") / len(classes)) < 0.1


def test_what_cannot_be_met_is_said() -> None:
    splits = assign_splits(np.zeros(50, dtype=np.int64), ["x"] * 50, SHARES, np.random.default_rng(1))
    assert set(splits.split) == {"train"}
    assert splits.notes[0] == (
        "train has 50 of 50 examples instead of 40: what shares a document or is nearly the same stays together, "
        "and the largest group has 50"
    )
    assert [note.split()[0] for note in splits.notes] == ["train", "dev", "test"]


def test_no_examples() -> None:
    assert assign_splits(np.zeros(0, dtype=np.int64), [], SHARES, np.random.default_rng(1)).split == ()
