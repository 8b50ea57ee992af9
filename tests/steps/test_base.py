"""Ballots become verdicts, and verdicts a base whose every loss is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ground import Ground, scripted_readers
from ragtally.api import Component, DataError, PluginError
from ragtally.steps import Task
from ragtally.store import read_json
from ragtally.tables import load_base, load_base_rows, load_verdicts
from toy_study import batch

LABELS = {"q0": "yes", "q1": "yes", "q2": "yes", "q3": "no", "q4": "no", "q5": "maybe"}
FIRST = {"q0": "yes", "q1": "no", "q2": "yes", "q3": None, "q4": "no", "q5": None}
SECOND = {"q0": "yes", "q1": "no", "q2": "no", "q3": "no", "q4": "no", "q5": None}
BLIND = {"q0": "no", "q1": "yes", "q2": "yes", "q3": "yes", "q4": "no", "q5": "maybe"}


@pytest.fixture
def make(make_ground: Callable[..., Ground]) -> Callable[..., Ground]:
    def make(labels: dict[str, Any] = LABELS, **more: Any) -> Ground:
        asked = {name: (label, "test") for name, label in labels.items()}
        readers = scripted_readers(first=FIRST, second=SECOND, blind=BLIND)
        return make_ground([batch({"a": "Text."}, asked, [])], components=readers | more)

    return make


def base_task(
    ground: Ground, voters: Sequence[str], rule: str, agree: bool = True, blind: Sequence[str] = ()
) -> Task:
    verdicts = ground.verdicts(voters, rule)
    closed = [ground.verdicts([name]) for name in blind]
    return ground.base(verdicts, closed, agree_with_gold=agree)


def stages(ground: Ground, task: Task) -> dict[str, tuple[int, ...]]:
    result = read_json(ground.do(task) / "funnel.json")["stages"]
    return {name: (stage["questions"], *stage["by_class"].values()) for name, stage in result.items()}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("unanimous", ["yes", "no", None, None, "no", None]),
        ("majority", ["yes", "no", None, None, "no", None]),
        ("plurality", ["yes", "no", None, "no", "no", None]),
    ],
)
def test_the_rule_decides_about_all_ballots_asked_for(
    make: Callable[..., Ground], rule: str, expected: list[str | None]
) -> None:
    ground = make()
    result = load_verdicts(ground.do(ground.verdicts(["first", "second"], rule)))
    assert result["verdict"].to_list() == expected
    assert result["parsed"].to_list() == [2, 2, 2, 1, 2, 0]
    assert result["question"].to_list() == list(range(6))


def test_a_rule_that_invents_an_answer_is_named(make: Callable[..., Ground]) -> None:
    class Inventive:
        def verdict(self, ballots: Sequence[str | None]) -> str:
            return "maybe"

    ground = make(rule=[Component("inventive", Inventive, "Invents.")])
    with pytest.raises(PluginError, match="Inventive decides for 'maybe'"):
        ground.do(ground.verdicts(["first"], "inventive"))


def test_the_funnel_counts_every_loss_by_class(make: Callable[..., Ground]) -> None:
    ground = make()
    task = base_task(ground, ["first", "second"], "plurality", blind=["blind"])
    assert stages(ground, task) == {
        "asked": (6, 3, 2, 1),
        "voted": (5, 3, 2, 0),
        "verdict": (4, 2, 2, 0),
        "agreed": (3, 1, 2, 0),
        "kept": (2, 1, 1, 0),
    }
    kept = load_base(ground.do(task))
    assert kept.to_dict(as_series=False) == {
        "question": [0, 3],
        "id": ["q0", "q3"],
        "label": ["yes", "no"],
        "label_kind": ["gold", "gold"],
        "verdict": ["yes", "no"],
    }
    assert load_base_rows(ground.do(task)).tolist() == [0, 3]


def test_without_agreement_verdicts_are_enough_and_gold_labels_stay(make: Callable[..., Ground]) -> None:
    ground = make()
    kept = load_base(ground.do(base_task(ground, ["second"], "majority", agree=False)))
    assert kept["id"].to_list() == ["q0", "q1", "q2", "q3", "q4"]
    assert kept["label"].to_list() == ["yes", "yes", "yes", "no", "no"]
    assert kept["verdict"].to_list() == ["yes", "no", "no", "no", "no"]


def test_agreement_with_labels_that_there_are_not_is_an_error(make: Callable[..., Ground]) -> None:
    ground = make(LABELS | {"q3": None, "q5": None})
    with pytest.raises(DataError, match="2 of 6 questions have none") as error:
        ground.do(base_task(ground, ["first"], "majority"))
    assert error.value.hint and "agree_with_gold: false" in error.value.hint


def test_verdicts_of_unlabelled_questions_are_silver(make: Callable[..., Ground]) -> None:
    ground = make(dict.fromkeys(LABELS))
    task = base_task(ground, ["second"], "majority", agree=False, blind=["blind"])
    kept = load_base(ground.do(task))
    assert dict(zip(kept["id"], kept["label"], strict=True)) == {"q0": "yes", "q1": "no", "q2": "no", "q3": "no"}
    assert set(kept["label_kind"]) == {"silver"}
    assert read_json(ground.do(task) / "funnel.json")["labels"] == "silver"


def test_where_some_have_labels_each_row_says_what_its_label_is(make: Callable[..., Ground]) -> None:
    ground = make(LABELS | {"q3": None})
    kept = load_base(ground.do(base_task(ground, ["second"], "majority", agree=False)))
    assert dict(zip(kept["id"], kept["label_kind"], strict=True)) == {
        "q0": "gold", "q1": "gold", "q2": "gold", "q3": "silver", "q4": "gold",
    }  # fmt: skip


def test_to_learn_from_gold_labels_are_agreed_with_where_there_are_any(make: Callable[..., Ground]) -> None:
    ground = make(LABELS | {"q3": None})
    kept = load_base(ground.do(ground.base(ground.verdicts(["second"]), unlabelled="keep")))
    assert dict(zip(kept["id"], kept["label_kind"], strict=True)) == {"q0": "gold", "q3": "silver", "q4": "gold"}


def test_nothing_left_is_an_error(make: Callable[..., Ground]) -> None:
    ground = make({"q1": "yes", "q5": "maybe"})
    task = base_task(ground, ["first"], "unanimous")
    with pytest.raises(DataError, match="no question is left in the base") as error:
        ground.do(task)
    assert error.value.hint and "base.rule" in error.value.hint
    assert not ground.bench.store.complete("base", task.address)
