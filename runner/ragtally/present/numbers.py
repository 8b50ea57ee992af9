"""How numbers are written: with their interval and the number of questions that they rest on."""

from __future__ import annotations

from ragtally.analysis.estimate import Estimate

UNKNOWN = "unknown"
_SPACE = "\N{NO-BREAK SPACE}"
_SHARES = ("accuracy", "coverage", "accuracy_of_covered", "unparsed_share", "call_failed_share")
# At which level the smallest difference of a family's comparisons would be shown.
AT_THE_LEVEL = "at the level divided by their number, as Holm's first step has it"


def is_share(metric: str) -> bool:
    """Say whether a metric is a share of questions, which is written in percent."""
    return metric.partition("[")[0] in _SHARES


def percent(value: float | None) -> str:
    """Write a share in percent."""
    return "not scored" if value is None else f"{_zero(100 * value, 1):.1f}{_SPACE}%"


def plain(value: float | None) -> str:
    """Write a metric's value."""
    return "not scored" if value is None else f"{_zero(value, 3):.3f}"


def measured_share(measured: Estimate, *, signed: bool = False) -> str:
    """Write a share with its interval and its denominator."""
    if measured.value is None:
        return f"not scored: {measured.reason}"
    sign = "+" if signed else ""
    shown = f"{_zero(100 * measured.value, 1):{sign}.1f}{_SPACE}%"
    if measured.low is not None and measured.high is not None:
        shown += f" [{_zero(100 * measured.low, 1):{sign}.1f}, {_zero(100 * measured.high, 1):{sign}.1f}]"
    return f"{shown} of{_SPACE}{measured.denominator:,}"


def measured_number(measured: Estimate, *, signed: bool = False) -> str:
    """Write a number that is no share of questions, otherwise as `measured_share`."""
    if measured.value is None:
        return f"not scored: {measured.reason}"
    sign = "+" if signed else ""
    shown = f"{_zero(measured.value, 3):{sign}.3f}"
    if measured.low is not None and measured.high is not None:
        shown += f" [{_zero(measured.low, 3):{sign}.3f}, {_zero(measured.high, 3):{sign}.3f}]"
    return f"{shown} over {measured.denominator:,}"


def measured_metric(metric: str, measured: Estimate, *, signed: bool = False) -> str:
    """Write a metric's value with its interval, in percent where it is a share of questions."""
    return measured_share(measured, signed=signed) if is_share(metric) else measured_number(measured, signed=signed)


def dollars(value: float | None) -> str:
    """Write US dollars to three significant digits; an unknown price stays unknown."""
    if value is None:
        return UNKNOWN
    return "$0" if value == 0 else f"${value:,.2f}" if value >= 1 else f"${value:.3g}"


def seconds(value: float | None) -> str:
    """Write seconds; what was not timed is unknown."""
    return UNKNOWN if value is None else f"{value:.3g}{_SPACE}s"


def count(number: int, one: str, many: str | None = None) -> str:
    """Write a number of things, as `1 question` and `2 questions`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _zero(value: float, digits: int) -> float:
    # So that -0.00001 is not written as -0.0.
    return round(value, digits) + 0.0
