"""The binomial distribution, for whole columns at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc


def binomial_cdf(count: Any, trials: Any, share: Any) -> NDArray[np.float64]:
    """Compute the probability of at most so many successes."""
    # Source: the regularised incomplete beta function, I(1 - share; trials - count, count + 1); Abramowitz and Stegun
    # 26.5.24.
    count, trials, share = np.broadcast_arrays(
        np.asarray(count, dtype=np.float64), np.asarray(trials, dtype=np.float64), np.asarray(share, dtype=np.float64)
    )
    inside = (count >= 0) & (count < trials)
    held = np.where(inside, count, 0.0)
    of = np.where(inside, trials, 1.0)
    result: NDArray[np.float64] = np.where(inside, betainc(of - held, held + 1, 1 - share), count >= trials)
    return result
