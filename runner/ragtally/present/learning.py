"""What more examples would bring, as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ragtally.analysis.learning_curve import Forecast
from ragtally.engine.learning import ReaderCurve
from ragtally.present.numbers import COUNT, dollars, percent
from ragtally.present.table import Column, Table

_NOTES = (
    "Shares of the questions of the training split that were put aside, the same for every size; no test question is"
    " among them. Intervals are 95 %, over questions and draws.",
)


def learning_parts(curves: Sequence[ReaderCurve], usd_per_example: float | None) -> list[Table | str]:
    """The measured points, and what the curves through them say."""
    rows = tuple(
        (
            each.reader,
            point.examples,
            f"{percent(1 - point.error)} ({percent(1 - point.high)} to {percent(1 - point.low)})",
            each.curve.questions,
            each.curve.draws,
        )
        for each in curves
        if each.curve is not None
        for point in each.curve.points
    )
    parts: list[Table | str] = []
    if rows:
        columns = (
            Column("reader"), Column("examples", COUNT), Column("right"), Column("questions", COUNT),
            Column("draws", COUNT),
        )  # fmt: skip
        parts.append(Table("learning-curves", "How many are right by the number of examples", columns, rows, _NOTES))
    for each in curves:
        parts.append(
            "\n".join((*_sentences(each, usd_per_example), *(f"{each.reader}: {note}." for note in each.notes)))
        )
    return parts


def _sentences(reader: ReaderCurve, usd_per_example: float | None) -> list[str]:
    curve = reader.curve
    if curve is None:
        return []
    most, law = curve.points[-1].examples, curve.law
    sentences = [
        f"{reader.reader}: with twice the examples, {2 * most:,}, it would be right on {_accuracy(curve.doubled)};"
        f" with any number of them on {_accuracy(curve.limit)}"
        f" (error = {law.limit:.3f} + {law.scale:.3g} x examples^-{law.exponent:.2f}).",
        _one_point(curve.one_point, most),
    ]
    if usd_per_example is not None and not math.isinf(curve.one_point.value):
        costs = [_usd(number * usd_per_example) for number in (curve.one_point.low, curve.one_point.high)]
        value = _usd(curve.one_point.value * usd_per_example)
        sentences.append(f"At {dollars(usd_per_example)} an example that is {value} ({costs[0]} to {costs[1]}).")
    return sentences


def _accuracy(error: Forecast) -> str:
    return f"{percent(1 - error.value)} ({percent(1 - error.high)} to {percent(1 - error.low)})"


def _one_point(number: Forecast, most: int) -> str:
    if math.isinf(number.value):
        least = "" if math.isinf(number.low) else f" (or {_count(number.low)}, at the end of the interval)"
        return f"No number of examples beyond {most:,} brings one point more{least}."
    interval = f"{_count(number.low)} to {_count(number.high)}"
    return f"One point more takes {_count(number.value)} ({interval}) examples beyond {most:,}."


def _count(number: float) -> str:
    return "any number" if math.isinf(number) else f"{math.ceil(number):,}"


def _usd(value: float) -> str:
    return "any sum" if math.isinf(value) else dollars(value)
