"""Learning curves: a power law of how the error falls with the examples, and what more of them would bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally.analysis.estimate import CONFIDENCE

# Hestness et al. (2017) and Viering and Loog (2023) report exponents between 0.05 and 1 for nearly all learners.
_EXPONENTS = np.linspace(0.05, 1.5, 59)
_RESAMPLES = 500
_ONE_POINT = 0.01


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What was measured after learning from so many examples."""

    examples: int
    error: float  # The share of the held-out questions that are not right, over all draws
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """error(n) = limit + scale * n ** -exponent."""

    limit: float
    scale: float
    exponent: float

    def error(self, examples: float) -> float:
        """The error after so many examples."""
        return float(self.limit + self.scale * examples**-self.exponent)

    def examples(self, error: float) -> float:
        """How many examples an error takes; infinity where none do."""
        beyond = error - self.limit
        if beyond <= 0 or self.scale <= 0:
            return math.inf
        return float((self.scale / beyond) ** (1 / self.exponent))


@dataclass(frozen=True, slots=True)
class Forecast:
    """A number that the fitted curves give, with the interval over resampled draws and questions."""

    value: float  # Infinity where no number of examples is enough
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """What was measured, the power law through it, and what it says of more examples."""

    points: tuple[CurvePoint, ...]
    questions: int  # Held-out questions; the same ones for every point
    draws: int  # How often the examples of each point were drawn
    law: PowerLaw
    limit: Forecast  # The error that no number of examples goes below
    doubled: Forecast  # The error with twice the most examples that were measured
    one_point: Forecast  # How many examples more than these lower the error by one point


def learning_curve(
    sizes: Sequence[int], right: NDArray[np.bool_], seed: int, confidence: float = CONFIDENCE
) -> LearningCurve:
    """Fit a power law to what a reader had right after learning from so many examples.

    Args:
        sizes: How many examples, ascending, three or more.
        right: Whether each held-out question was right; shape [draws, sizes, questions].
        seed: For the bootstrap.
        confidence: The level of the intervals.

    Returns:
        The curve; intervals are percentiles over draws and questions resampled together.
    """
    draws, _, questions = right.shape
    if len(sizes) < 3:
        raise ValueError("a curve of three parameters takes three points or more")
    generator, numbers = np.random.default_rng(seed), np.asarray(sizes, dtype=np.float64)
    wrong = (~right).astype(np.float64)
    # How often each draw and each question is in each resample.
    of_draws = generator.multinomial(draws, np.full(draws, 1 / draws), _RESAMPLES) / draws
    of_questions = generator.multinomial(questions, np.full(questions, 1 / questions), _RESAMPLES) / questions
    errors = np.einsum("rd,dsr->rs", of_draws, wrong @ of_questions.T)
    observed = wrong.mean(axis=(0, 2))
    law, resampled = fit_power_laws(numbers, observed[None])[0], fit_power_laws(numbers, errors)
    tail = (1 - confidence) / 2

    def forecast(value: float, others: Sequence[float]) -> Forecast:
        # Infinity is a value here, and has no quantile between it and a number.
        low, high = np.quantile(others, (tail, 1 - tail), method="nearest").tolist()
        return Forecast(value, low, high)

    def more(one: PowerLaw) -> float:
        return one.examples(one.error(sizes[-1]) - _ONE_POINT) - sizes[-1]

    low, high = np.quantile(errors, (tail, 1 - tail), axis=0)
    points = zip(sizes, observed.tolist(), low.tolist(), high.tolist(), strict=True)
    return LearningCurve(
        tuple(CurvePoint(*point) for point in points),
        questions,
        draws,
        law,
        forecast(law.limit, [one.limit for one in resampled]),
        forecast(law.error(2 * sizes[-1]), [one.error(2 * sizes[-1]) for one in resampled]),
        forecast(more(law), [more(one) for one in resampled]),
    )


def fit_power_laws(sizes: NDArray[np.float64], errors: NDArray[np.float64]) -> list[PowerLaw]:
    """Fit a power law to each row of errors by least squares; neither limit nor scale is below zero."""
    best = np.full(len(errors), np.inf)
    parameters = np.zeros((len(errors), 3))
    # Given the exponent the other two are linear, so that a grid of exponents finds the best fit and no local one.
    for exponent in _EXPONENTS:
        falls = sizes**-exponent
        centred = falls - falls.mean()
        scale = np.maximum((errors @ centred) / (centred @ centred), 0.0)
        limit = errors.mean(axis=1) - scale * falls.mean()
        through_zero = np.maximum(errors @ falls / (falls @ falls), 0.0)
        scale, limit = np.where(limit < 0, through_zero, scale), np.maximum(limit, 0.0)
        misfit = ((errors - limit[:, None] - scale[:, None] * falls) ** 2).sum(axis=1)
        better = misfit < best - 1e-12
        best = np.where(better, misfit, best)
        parameters[better] = np.column_stack([limit, scale, np.full(len(errors), exponent)])[better]
    return [PowerLaw(*row) for row in parameters.tolist()]
