"""Logistic regressions: fitted by scikit-learn, kept as plain arrays and applied without it.

Importing scikit-learn takes longer than reading a thousand questions, and only training needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class Logistic:
    """A fitted logistic regression."""

    classes: NDArray[np.int64]  # The labels that it tells apart, ascending; shape [classes]
    weight: NDArray[np.float64]  # The weights; shape [1, inputs] for two classes, else [classes, inputs]
    intercept: NDArray[np.float64]  # The intercepts; shape [1] for two classes, else [classes]

    def chances(self, inputs: NDArray[np.float64] | csr_array) -> NDArray[np.float64]:
        """Give the chance of each class: the logistic function of the score for two, the softmax for more."""
        score = np.asarray(inputs @ self.weight.T) + self.intercept
        if score.shape[1] == 1:
            score = np.concatenate([np.zeros_like(score), score], axis=1)
        powers = np.exp(score - score.max(axis=1, keepdims=True))
        chances: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return chances


def fit(inputs: NDArray[np.float64] | csr_array, labels: NDArray[np.int64], **settings: Any) -> Logistic:
    """Fit a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=1000, **settings).fit(inputs, labels)
    return Logistic(
        model.classes_.astype(np.int64), model.coef_.astype(np.float64), model.intercept_.astype(np.float64)
    )
