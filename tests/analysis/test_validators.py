"""A validator's precision against the expert, with an interval that covers the truth."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ragtally.analysis.proportions import wilson
from ragtally.analysis.validators import stratified, validator_precisions
from ragtally.curation.doubt import review_order, with_doubts


def test_one_stratum_is_wilson() -> None:
    estimate, other = stratified([(100, 40, 30)]), wilson(30, 40)
    assert (estimate.value, estimate.denominator) == (0.75, 40)
    assert estimate.low == pytest.approx(other.low)
    assert estimate.high == pytest.approx(other.high)


def test_strata_count_by_their_size() -> None:
    estimate = stratified([(90, 10, 10), (10, 10, 5)])
    assert estimate.value == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("strata", "reason"),
    [([], "nobody decided"), ([(5, 0, 0)], "nobody decided"), ([(90, 0, 0), (10, 10, 5)], "of 90 of the 100")],
)
def test_without_a_look_there_is_no_share(strata: list[tuple[int, int, int]], reason: str) -> None:
    estimate = stratified(strata)
    assert estimate.value is None
    assert reason in (estimate.reason or "")


def simulate(random: np.random.Generator, count: int, looked_at: int) -> tuple[pl.DataFrame, pl.DataFrame, float]:
    """Two validators that err at known rates, and an expert who looks at the first ones of the page's order."""
    good = random.random(count) < 0.7
    votes = {name: np.where(random.random(count) < rate, ~good, good) for name, rate in (("a", 0.1), ("b", 0.25))}
    ids = [f"{number:016x}" for number in random.permutation(count)]
    ballots = pl.concat(
        pl.DataFrame({"example": ids, "validator": name, "criterion": "correct", "vote": 0, "passed": passed})
        for name, passed in votes.items()
    )
    # One acceptance is enough, so that what is accepted is partly in doubt.
    accepted = votes["a"] | votes["b"]
    status = np.where(accepted, "accepted_by_validators", "rejected")
    table = with_doubts(pl.DataFrame({"example": ids, "status": status, "good": good}), ballots)
    order = review_order(ids, table["doubt"].to_list(), table["share"].to_list(), accepted.tolist())
    seen = np.zeros(count, dtype=bool)
    seen[order[:looked_at]] = True
    expert = pl.when(pl.Series(seen)).then(pl.when("good").then(pl.lit("accepted")).otherwise(pl.lit("rejected")))
    table = table.with_columns(expert=expert, one_by_one=pl.Series(seen))
    # P(good | accepted), by Bayes: the simulation's truth, not this draw's.
    return table, ballots, 0.7 * (1 - 0.1 * 0.25) / (0.7 * (1 - 0.1 * 0.25) + 0.3 * (1 - 0.9 * 0.75))


@pytest.mark.slow
@pytest.mark.parametrize("looked_at", [80, 300])
def test_the_interval_covers_the_truth_at_its_level(looked_at: int) -> None:
    random = np.random.default_rng(11)
    hits, naive = 0, []
    for _ in range(300):
        table, ballots, truth = simulate(random, 300, looked_at)
        together, *_ = validator_precisions(table, ballots)
        hits += bool(together.precision.contains(truth))
        naive.append(together.right / together.decisions)
    assert hits / 300 >= 0.92
    # Whoever counts what was looked at alone is far off, since doubtful ones come first.
    assert abs(float(np.mean(naive)) - truth) > 0.1 or looked_at == 300


def test_each_validator_and_what_does_not_count() -> None:
    expert = ["accepted", "edited", "rejected", "unsure", None, "accepted"]
    table = pl.DataFrame(
        {
            "example": list("abcdef"),
            "status": ["accepted_by_validators"] * 6,
            "doubt": ["agree"] * 6,
            "expert": expert,
            "one_by_one": [True] * 5 + [False],
        }
    )
    ballots = pl.DataFrame(
        {"example": list("abcdef") * 2, "validator": ["v"] * 6 + ["w"] * 6, "criterion": "c", "vote": 0}
    ).with_columns(passed=pl.Series([True] * 7 + [False] * 5))
    together, first, second = validator_precisions(table, ballots)
    assert (together.accepts, together.decisions, together.right, together.edits, together.unsure) == (6, 3, 1, 1, 1)
    assert together.precision.value == pytest.approx(1 / 3)
    assert first.validator == "v"
    assert (second.accepts, second.decisions, second.precision.value) == (1, 1, 1.0)
    assert validator_precisions(table, ballots.clear()) == ()
