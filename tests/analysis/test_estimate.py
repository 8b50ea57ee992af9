"""Estimates: limits or a reason, never both, never NaN."""

from __future__ import annotations

import pytest
from scipy.stats import norm

from ragtally.analysis.estimate import Estimate, normal_quantile


@pytest.mark.parametrize(("value", "inside"), [(0.2, True), (0.4, True), (0.3, True), (0.1, False), (0.5, False)])
def test_limits_are_inside(value: float, inside: bool) -> None:
    assert Estimate(0.3, 10, 0.2, 0.4, 0.95, "made up").contains(value) is inside


def test_no_interval_contains_nothing() -> None:
    assert Estimate(0.3, 10, reason="this metric has no interval").contains(0) is None


@pytest.mark.parametrize(
    ("value", "low", "high", "reason"),
    [
        (0.3, 0.2, None, "why"),
        (0.3, None, None, None),
        (0.3, 0.2, 0.4, "why"),
        (0.3, 0.4, 0.2, None),
        (0.3, float("nan"), 0.4, None),
        (None, 0.2, 0.4, None),
    ],
)
def test_what_is_no_estimate_is_refused(
    value: float | None, low: float | None, high: float | None, reason: str | None
) -> None:
    with pytest.raises(ValueError, match=r"interval|limits"):
        Estimate(value, 10, low, high, 0.95, "made up", reason)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5, 95.0, float("nan")])
def test_a_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        normal_quantile(confidence)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Estimate(0.3, 10, 0.2, 0.4, confidence, "made up")


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_the_quantile_is_scipys(confidence: float) -> None:
    assert normal_quantile(confidence) == pytest.approx(norm.ppf(0.5 + confidence / 2), abs=1e-12)
