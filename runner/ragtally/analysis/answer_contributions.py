"""What each question contributes to the metrics of answers: accuracy, precision, recall, F1, their means, kappa.

The conventions are those of the plugin `ragtally_answer_metrics`: nothing is dropped, a question without a verdict
counts as not right, and averages over classes run over those that some question has as its gold label. In a
resample those are the classes of the questions drawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.contributions import Contributions, Formula, Values, divide, mean_contributions

# The code of a verdict that is none.
NO_ANSWER = -1

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Confusion:
    """Sums by class; each of shape [..., cells or 1, classes]."""

    right: Floats  # Questions whose gold label and verdict are the class
    predicted: Floats  # Questions whose verdict is the class
    gold: Floats  # Questions whose gold label is the class


def answer_codes(answers: Sequence[str | None], declared: Sequence[str]) -> NDArray[np.int64]:
    """Number answers by their place among the declared ones."""
    location: dict[str | None, int] = {answer: number for number, answer in enumerate(declared)}
    location[None] = NO_ANSWER
    strange = {answer for answer in answers if answer not in location}
    if strange:
        raise ValueError(f"{sorted(map(str, strange))} are not among the declared answers {tuple(declared)}")
    return np.array([location[answer] for answer in answers], dtype=np.int64)


def answer_contributions(
    metric: str, gold: ArrayLike, verdict: ArrayLike, answers: Sequence[str]
) -> Contributions | None:
    """Describe a metric of answers of several cells."""
    label, said = np.asarray(gold, dtype=np.int64), np.asarray(verdict, dtype=np.int64)
    _require_codes(label, said, len(answers))
    if metric == "accuracy":
        return mean_contributions(said == label[:, None])
    if metric == "coverage":
        return mean_contributions(said != NO_ANSWER)
    described = _describe(metric, answers)
    if described is None:
        return None
    formula, reason = described
    classes = np.arange(len(answers))
    of_gold = label[:, None] == classes
    predicted = said[..., None] == classes
    own = np.concatenate([predicted & of_gold[:, None], predicted], axis=-1).astype(np.float64)
    return Contributions(own, of_gold.astype(np.float64), _on_sums(formula), reason)


Counted = Callable[[_Confusion], Values]


def _describe(metric: str, answers: Sequence[str]) -> tuple[Counted, str] | None:
    """Look up a metric's formula, and why it has no value where it has none."""
    if metric in _OVERALL:
        return _OVERALL[metric]
    found = re.fullmatch(r"(precision|recall|f1)\[(.*)\]", metric)
    if found is None or found[2] not in answers:
        return None
    counted, number = _OF_CLASS[found[1]], list(answers).index(found[2])
    reason = _REASON_OF_CLASS[found[1]].format(found[2])

    def of_class(sums: _Confusion) -> Values:
        values = counted(sums)
        return Values(values.value[..., number], values.defined[..., number])

    return of_class, reason


def _on_sums(counted: Counted) -> Formula:
    def formula(own: Floats, shared: Floats) -> Values:
        classes = shared.shape[-1]
        return counted(_Confusion(own[..., :classes], own[..., classes:], shared[..., None, :]))

    return formula


def _total(column: Floats) -> Floats:
    """Add up classes one after the other: `sum` would choose its own order."""
    total = np.zeros(column.shape[:-1])
    for number in range(column.shape[-1]):
        total = total + column[..., number]
    return total


def _precision(sums: _Confusion) -> Values:
    return divide(sums.right, sums.predicted)


def _recall(sums: _Confusion) -> Values:
    return divide(sums.right, sums.gold)


def _f1(sums: _Confusion) -> Values:
    return divide(2 * sums.right, sums.gold + sums.predicted)


def _mean(counted: Counted) -> Counted:
    def mean(sums: _Confusion) -> Values:
        # A class that no question has as its gold label has no right verdicts, so its value is 0 already.
        return divide(_total(counted(sums).value), _total((sums.gold > 0).astype(np.float64)))

    return mean


def _accuracy_of_covered(sums: _Confusion) -> Values:
    return divide(_total(sums.right), _total(sums.predicted))


def _cohen_kappa(sums: _Confusion) -> Values:
    """Agreement beyond chance in whole numbers, (n right - chance) / (n n - chance); Cohen (1960), equation 1."""
    questions, chance = _total(sums.gold), _total(sums.gold * sums.predicted)
    return divide(questions * _total(sums.right) - chance, questions * questions - chance)


_OF_CLASS: dict[str, Counted] = {"precision": _precision, "recall": _recall, "f1": _f1}
_REASON_OF_CLASS = {
    "precision": "no verdict is {!r}",
    "recall": "no question has the gold label {!r}",
    "f1": "neither a gold label nor a verdict is {!r}",
}
_NOTHING = "no questions were asked"
_OVERALL: dict[str, tuple[Counted, str]] = {
    "balanced_accuracy": (_mean(_recall), _NOTHING),
    "macro_precision": (_mean(_precision), _NOTHING),
    "macro_recall": (_mean(_recall), _NOTHING),
    "macro_f1": (_mean(_f1), _NOTHING),
    "accuracy_of_covered": (_accuracy_of_covered, "no question has a verdict"),
    "cohen_kappa": (_cohen_kappa, "every gold label and every verdict is the same answer"),
}


def _require_codes(label: NDArray[np.int64], said: NDArray[np.int64], answers: int) -> None:
    if label.ndim != 1 or said.ndim != 2 or len(label) != len(said):
        raise ValueError(f"gold labels of shape {label.shape} do not fit verdicts of shape {said.shape}")
    for name, codes, lowest in (("gold label", label, 0), ("verdict", said, NO_ANSWER)):
        if codes.size and not (lowest <= int(codes.min()) and int(codes.max()) < answers):
            raise ValueError(
                f"a {name} has a code from {codes.min()} to {codes.max()}, but there are {answers} answers"
            )
