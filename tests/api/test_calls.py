"""Each call draws its own luck."""

from __future__ import annotations

import numpy as np
import pytest

from ragtally.api import Message, sampling_seed

QUESTIONS, VOTES, SHARE = 60, 300, 0.3


def prompt(number: int) -> tuple[Message, ...]:
    return (Message("system", "Answer with yes or no."), Message("user", f"Does drug {number} help?"))


def rambles(seed: int) -> bool:
    """A sampler that honours seeds: with some of them it goes astray."""
    return bool(np.random.default_rng(seed).random() < SHARE)


@pytest.mark.parametrize("purpose", ["label", "measure"])
def test_the_questions_of_a_vote_are_independent_draws(purpose: str) -> None:
    draws = np.array(
        [
            [rambles(sampling_seed(prompt(question), purpose, vote)) for question in range(QUESTIONS)]
            for vote in range(VOTES)
        ]
    )
    # Independent draws give a vote's count the binomial's variance; one seed for all would give 60 times as much.
    binomial = QUESTIONS * SHARE * (1 - SHARE)
    assert 0.75 < draws.sum(axis=1).var() / binomial < 1.3
    assert 0.75 < draws.sum(axis=0).var() / (VOTES * SHARE * (1 - SHARE)) < 1.5


def test_purpose_vote_and_messages_count_and_nothing_else() -> None:
    one = sampling_seed(prompt(1), "label", 0)
    assert one == sampling_seed(prompt(1), "label", 0)
    others = {
        sampling_seed(prompt(2), "label", 0),
        sampling_seed(prompt(1), "measure", 0),
        sampling_seed(prompt(1), "label", 1),
        sampling_seed(prompt(1)[1:], "label", 0),
    }
    assert len(others | {one}) == 5
    assert all(0 <= seed < 2**31 for seed in others)
