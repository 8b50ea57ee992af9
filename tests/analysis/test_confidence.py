"""Confidence intervals: limits or a reason, never both, never NaN."""

from __future__ import annotations

import pytest
from scipy.stats import norm

from ragtally.analysis.confidence import ConfidenceInterval, normal_quantile, without_interval


@pytest.mark.parametrize(("value", "inside"), [(0.2, True), (0.4, True), (0.3, True), (0.1, False), (0.5, False)])
def test_limits_are_inside(value: float, inside: bool) -> None:
    assert ConfidenceInterval(0.2, 0.4, 0.95, "made up").contains(value) is inside


def test_no_interval_contains_nothing_and_says_why() -> None:
    missing = without_interval(0.95, "made up", "there are no questions")
    assert missing.contains(0) is None
    assert missing.reason == "there are no questions"


@pytest.mark.parametrize(
    ("low", "high", "reason"),
    [(0.2, None, "why"), (None, None, None), (0.2, 0.4, "why"), (0.4, 0.2, None), (float("nan"), 0.4, None)],
)
def test_what_is_no_interval_is_refused(low: float | None, high: float | None, reason: str | None) -> None:
    with pytest.raises(ValueError, match="interval"):
        ConfidenceInterval(low, high, 0.95, "made up", reason)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5, 95.0, float("nan")])
def test_a_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        normal_quantile(confidence)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_the_quantile_is_scipys(confidence: float) -> None:
    assert normal_quantile(confidence) == pytest.approx(norm.ppf(0.5 + confidence / 2), abs=1e-12)
