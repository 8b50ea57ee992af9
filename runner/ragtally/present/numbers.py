"""How numbers are written, once for the terminal and the page: with their interval, unit and denominator."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ragtally.analysis.comparisons import Tally
from ragtally.analysis.estimate import Estimate

UNKNOWN = "unknown"
NOT_SCORED = "not scored"
_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Portion:
    """A count and what it is counted of."""

    count: int
    total: int


@dataclass(frozen=True, slots=True)
class Form:
    """How the values of one column are written."""

    write: Callable[[Any], str]
    # A terminal has 80 columns: there the denominator stands once, in the table's caption.
    brief: Callable[[Any], str]
    numeric: bool = True


def _percentage(value: float, with_sign: bool) -> str:
    # Adding 0.0 keeps -0.0 out.
    return f"{round(100 * value, 1) + 0.0:{'+' if with_sign else ''}.1f}"


def _whole(value: float, with_sign: bool) -> str:
    return f"{value:{'+' if with_sign else ''},.0f}"


def _decimals(value: float, with_sign: bool) -> str:
    return f"{round(value, 3) + 0.0:{'+' if with_sign else ''}.3f}"


def percent(value: float | None) -> str:
    """A share in percent, as `84.3 %`."""
    return NOT_SCORED if value is None else f"{_percentage(value, with_sign=False)}{_SPACE}%"


def portion(value: Portion) -> str:
    """A count with its share, as `278 (84.5 % of 329)`."""
    if not value.total:
        return f"{value.count:,}"
    return f"{value.count:,} ({percent(value.count / value.total)} of {value.total:,})"


def dollars(value: float | None) -> str:
    """US dollars to three significant digits; an unknown price stays unknown, and is never 0."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "$0"
    if abs(value) >= 1:
        return f"${value:,.2f}"
    # Calls of small models cost millionths of a dollar; nobody reads $4.57e-06.
    text = f"{value:.{2 - math.floor(math.log10(abs(value)))}f}"
    return f"${text.rstrip('0').rstrip('.')}"


def seconds(value: float | None) -> str:
    """Seconds to three significant digits; what was not timed is unknown."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}{_SPACE}s" if value >= 1_000 else f"{value:.3g}{_SPACE}s"


def p_value(value: float | None) -> str:
    """A p-value to four decimals."""
    return "none" if value is None else "<0.0001" if value < 0.0001 else f"{value:.4f}"


def count(number: int, one: str) -> str:
    """A number of things, as `1 question` and `2 questions`."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def some(names: list[str] | tuple[str, ...], most: int) -> str:
    """The first of many names, and how many more there are."""
    text = "; ".join(names[:most])
    return text if len(names) <= most else f"{text}; and {len(names) - most:,} more"


def form_of(unit: str, *, with_sign: bool = False) -> Form:
    """How values of a metric's unit are written: estimates with their interval, or bare numbers."""
    number = {"share": _percentage, "count": _whole}.get(unit, _decimals)
    sign, over = (f"{_SPACE}%", f"of{_SPACE}") if unit == "share" else ("", "over ")

    def brief(value: Estimate | float | None) -> str:
        point = value.value if isinstance(value, Estimate) else value
        if point is None:
            return "-"
        text = f"{number(point, with_sign)}{sign}"
        if not isinstance(value, Estimate) or value.low is None or value.high is None:
            return text
        return f"{text} [{number(value.low, with_sign)}, {number(value.high, with_sign)}]"

    def write(value: Estimate | float | None) -> str:
        if not isinstance(value, Estimate):
            return NOT_SCORED if value is None else brief(value)
        if value.value is None:
            return f"{NOT_SCORED}: {value.reason}"
        return f"{brief(value)} {over}{value.denominator:,}"

    return Form(write, brief)


def in_words(value: Estimate, unit: str, *, is_difference: bool = False, more: str = "") -> str:
    """An estimate within a sentence, as `93.9 % (90.8 to 96.0)`, with more words in the brackets."""
    form = form_of(unit, with_sign=is_difference)
    if value.value is None:
        return form.write(value)
    limits = (
        ""
        if value.low is None
        else " to ".join(form.brief(limit).removesuffix(f"{_SPACE}%") for limit in (value.low, value.high))
    )
    inside = "; ".join(filter(None, (limits, more)))
    text = form.brief(value.value)
    return (as_points(text) if is_difference else text) + (f" ({inside})" if inside else "")


def as_points(text: str) -> str:
    """A difference of shares within a sentence: 2 % more could be a fiftieth more."""
    return text.replace(f"{_SPACE}%", f"{_SPACE}points")


def unit_notes(units: Iterable[str]) -> tuple[str, ...]:
    """How to read a table whose columns have these units."""
    return ("scores without a % sign are plain numbers, not percentages",) if "number" in units else ()


def _tally(tally: Tally) -> str:
    return f"{tally.wins:,}/{tally.ties:,}/{tally.losses:,}"


def _always(write: Callable[[Any], str], *, numeric: bool = True) -> Form:
    return Form(write, write, numeric)


def _brief_portion(value: Portion) -> str:
    return f"{value.count:,} ({percent(value.count / value.total)})" if value.total else f"{value.count:,}"


TEXT = _always(str, numeric=False)
# A number with something about it, as `<= 1,200`.
VALUE = _always(str)
COUNT = _always("{:,}".format)
ABOUT = _always("~{:,}".format)
SHARE = form_of("share")
PORTION = Form(portion, _brief_portion)
TALLY = _always(_tally)
P_VALUE = _always(p_value)
DOLLARS = _always(dollars)
SECONDS = _always(seconds)
