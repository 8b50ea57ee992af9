"""The head: a linear classifier over vectors, saved as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ragtally import DataError, Location

_WEIGHTS = "head.safetensors"
_ABOUT = "encoder.json"


@dataclass(frozen=True)
class Head:
    """A row of weights per answer."""

    answers: tuple[str, ...]
    weight: NDArray[np.float64]  # [answers, dimensions]
    bias: NDArray[np.float64]  # [answers]

    def log_chances(self, vectors: NDArray[Any]) -> NDArray[np.float64]:
        """The logarithm of each answer's chance, by text."""
        logits = vectors.astype(np.float64) @ self.weight.T + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        chances: NDArray[np.float64] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return chances

    def loss(self, vectors: NDArray[Any], labels: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
        """The mean cross-entropy, in which each label has a weight."""
        each = weights[labels]
        return float(-(self.log_chances(vectors)[np.arange(len(labels)), labels] * each).sum() / each.sum())


def class_weights(labels: NDArray[np.int64], answers: int, *, balanced: bool) -> NDArray[np.float64]:
    """What an example of each answer counts."""
    if not balanced:
        return np.ones(answers)
    return len(labels) / (answers * np.maximum(np.bincount(labels, minlength=answers), 1))


def fit_head(
    vectors: NDArray[Any],
    labels: NDArray[np.int64],
    answers: tuple[str, ...],
    regularisation: float,
    *,
    balanced: bool,
) -> Head:
    """Fit a logistic regression; every answer has an example."""
    weights = "balanced" if balanced else None
    with threadpool_limits(1):
        model = LogisticRegression(C=regularisation, class_weight=weights, max_iter=2000, tol=1e-6)
        model.fit(vectors.astype(np.float64), labels)
    weight, bias = model.coef_, model.intercept_
    if len(answers) == 2:
        # Of two classes it keeps the row of the second.
        weight, bias = np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return Head(answers, weight, bias)


def write_head(folder: Path, head: Head, about: Mapping[str, Any]) -> None:
    """Write a head, and what else there is to know of its model."""
    save_file({"weight": np.ascontiguousarray(head.weight), "bias": head.bias}, folder / _WEIGHTS)
    text = json.dumps({"answers": head.answers, **about}, ensure_ascii=False, indent=2)
    (folder / _ABOUT).write_text(text + "\n", encoding="utf-8")


def read_head(folder: Path) -> Head:
    """Read what `write_head` wrote."""
    try:
        arrays = load_file(folder / _WEIGHTS)
        answers = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))["answers"]
        return Head(tuple(map(str, answers)), arrays["weight"], arrays["bias"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"no trained encoder can be read from here: {error}",
            location=Location(str(folder)),
            hint="remove the folder and train again: ragtally run SPEC --stage train",
        ) from error
