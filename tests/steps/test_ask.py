"""The calls of a task: one for each prompt, each with its key and its seed."""

from __future__ import annotations

from pathlib import Path

from ragtally.api import Message
from ragtally.steps import ASK, Task
from ragtally.steps.ask import calls_of, keys_of
from ragtally.tables import write_prompts

MODEL = {"name": "m"}


def ask(vote: int, **model: str) -> Task:
    settings = {"purpose": "label", "vote": vote, "model": {**MODEL, **model}}
    return Task(ASK, f"r1:{vote}{model}", {}, settings, {}, "", None)


def test_every_question_and_vote_has_a_seed_of_its_own_and_keys_hold_none(tmp_path: Path) -> None:
    prompts = [(Message("user", f"Is it {number}?"),) for number in (1, 2, 3, 1)]
    write_prompts(tmp_path, list(range(4)), prompts)
    votes = [calls_of(ask(vote), tmp_path, takes_seed=True) for vote in range(2)]
    assert len({call.seed for calls in votes for call in calls[:3]}) == 6
    assert votes[0][0] == votes[0][3], "equal prompts make equal calls"
    unseeded = calls_of(ask(0), tmp_path, takes_seed=False)
    assert [call.key for call in unseeded] == [call.key for call in votes[0]]
    assert {call.seed for call in unseeded} == {None}


def test_two_models_share_seeds_and_no_keys(tmp_path: Path) -> None:
    write_prompts(tmp_path, [0], [(Message("user", "Is it?"),)])
    (one,), (other,) = (calls_of(ask(0, name=name), tmp_path, takes_seed=True) for name in ("a", "b"))
    assert one.seed == other.seed and one.key != other.key


def test_keys_are_made_once_and_forgotten_with_their_task(tmp_path: Path) -> None:
    write_prompts(tmp_path, [0, 1], [(Message("user", words),) for words in ("Is it?", "Was it?")])
    task = ask(0)
    keys = keys_of(task, tmp_path)
    assert keys == [call.key for call in calls_of(task, tmp_path, takes_seed=True)]
    assert keys_of(ask(0), tmp_path) is keys, "an equal task has the same calls"
    del task
    assert keys_of(ask(0), tmp_path) is not keys
