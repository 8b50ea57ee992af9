"""Results in numbers: group values, effects, intervals and p-values that agree with one another."""

from __future__ import annotations

from enum import Enum
from math import erfc, exp, log, sqrt
from typing import NamedTuple

from ragtally_synthetic.draws import Draws
from ragtally_synthetic.outcomes import Outcome

_NORMAL_975 = 1.96


class Finding(Enum):
    """What a comparison came to; the value is the range of the standardised effect, good effects positive."""

    BENEFIT = (2.15, 4.6)
    HARM = (-4.2, -2.15)
    NULL = (-1.1, 1.1)
    UNCERTAIN = (1.7, 1.85)


class Numbers(NamedTuple):
    """The numbers of one result, as they are printed."""

    treatment_value: str  # Value of the treated group, with its unit
    control: str  # Value of the control group, with its unit
    effect: str  # The effect's name and value, such as "hazard ratio 0.71"
    interval: str  # The 95 % confidence interval
    p_value: str  # The p-value with its sign, such as "p = 0.03"
    rises: bool  # Whether the value of the treated group is the higher one


def draw_numbers(finding: Finding, outcome: Outcome, draws: Draws) -> Numbers:
    """Draw numbers that show a finding."""
    # The effect z, in standard errors, is drawn first; p = erfc(|z| / sqrt 2) (two-sided normal test) and the
    # interval is the effect plus and minus 1.96 standard errors, on the logarithmic scale for a ratio.
    z = draws.between(*finding.value)
    p_value = _p_value(erfc(abs(z) / sqrt(2.0)), draws)
    direction_z = -z if outcome.lower_is_better else z
    if outcome.unit is None:
        return _ratio(direction_z, p_value, outcome, draws)
    error = outcome.spread * draws.between(0.6, 1.4)
    decimals = 2 if error < 1 else 1
    control = draws.between(outcome.low, outcome.high)
    effect = direction_z * error
    low, high = effect - _NORMAL_975 * error, effect + _NORMAL_975 * error
    return Numbers(
        f"{control + effect:.{decimals}f}{outcome.unit}",
        f"{control:.{decimals}f}{outcome.unit}",
        f"{draws.pick(_DIFFERENCES)} {effect:.{decimals}f}{outcome.unit}",
        _interval(f"{low:.{decimals}f}", f"{high:.{decimals}f}", draws),
        p_value,
        effect > 0,
    )


def _ratio(z: float, p_value: str, outcome: Outcome, draws: Draws) -> Numbers:
    error = draws.between(0.08, 0.3)
    ratio = exp(z * error)
    control = draws.between(outcome.low, outcome.high) / max(1.0, ratio)
    low, high = exp(log(ratio) - _NORMAL_975 * error), exp(log(ratio) + _NORMAL_975 * error)
    return Numbers(
        f"{control * ratio:.1f}%",
        f"{control:.1f}%",
        f"{draws.pick(_RATIOS)} {ratio:.2f}",
        _interval(f"{low:.2f}", f"{high:.2f}", draws),
        p_value,
        ratio > 1,
    )


def _interval(low: str, high: str, draws: Draws) -> str:
    if low[0] != "-" and draws.chance(0.4):
        return f"95% CI, {low}-{high}"
    return f"{draws.pick(_INTERVALS)} {low} to {high}"


def _p_value(value: float, draws: Draws) -> str:
    letter = "p" if draws.chance(0.6) else "P"
    # Rounded to 1.00 and printed without its first digit it would read as no chance at all.
    value = min(value, 0.99)
    if value < 0.001:
        return f"{letter} < 0.001" if draws.chance(0.5) else f"{letter}<.001"
    digits = f"{value:.3f}" if value < 0.01 or draws.chance(0.4) else f"{value:.2f}"
    return f"{letter} = {digits}" if draws.chance(0.6) else f"{letter}={digits[1:]}"


_DIFFERENCES = ("difference", "mean difference", "between-group difference", "adjusted difference")
_RATIOS = ("relative risk", "odds ratio", "hazard ratio", "risk ratio", "adjusted odds ratio")
_INTERVALS = ("95% CI", "95% CI:", "95% confidence interval", "95% confidence interval,")
