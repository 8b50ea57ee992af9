"""How a classifier's settings and thresholds are chosen: by cross-validation on the examples, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ragtally import DataError
from ragtally_specialist.classifiers import Classifier, Rotation, Setting, fit
from ragtally_specialist.parts import Columns, Part, PartContent, learn_columns, read_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What may be added to a class' log probability, nearest to nothing first, so that of equals the smallest wins.
_OFFSETS = tuple(sorted((step / 4 for step in range(-6, 11)), key=abs))
_PASSES = 2
_DECIMALS = 9
_RESAMPLES = 1000


@dataclass(frozen=True)
class Protocol:
    """How a model is chosen."""

    settings: tuple[Setting, ...]  # To choose among, in the order of the spec
    choose_by: str  # `accuracy`, `macro_f1`, or `both` for their mean
    folds: int
    repeats: int
    outer_folds: int  # 0 not to estimate how good a model chosen in this way is

    @property
    def chooses(self) -> bool:
        """Whether there is anything to choose."""
        return len(self.settings) > 1 or any(setting.thresholds for setting in self.settings)


@dataclass(frozen=True)
class LabelledContent:
    """Examples taken apart, with their labels as numbers."""

    contents: Mapping[str, PartContent]  # By the part's name
    labels: NDArray[np.int64]
    answers: tuple[str, ...]

    def rows(self, rows: NDArray[np.int64]) -> LabelledContent:
        """Some of the examples."""
        return LabelledContent(
            {name: content.rows(rows) for name, content in self.contents.items()}, self.labels[rows], self.answers
        )


@dataclass(frozen=True)
class Model:
    """A trained classifier with the columns that it reads and what is added to each class."""

    columns: tuple[Columns, ...]
    classifier: Classifier
    offset: NDArray[np.float64]  # What is added to the log probability of each answer; shape [answers]

    def scores(self, contents: Mapping[str, PartContent]) -> NDArray[np.float64]:
        """The answers' log probabilities and what is added to them; the largest is the answer."""
        chances = self.classifier.chances(read_columns(self.columns, contents))
        return _logarithms(chances, self.classifier.classes, len(self.offset)) + self.offset


class Quality(NamedTuple):
    """How good answers are, each share with its 95 % interval."""

    accuracy: float
    macro_f1: float
    accuracy_interval: tuple[float, float]
    macro_f1_interval: tuple[float, float]


class Choice(NamedTuple):
    """What was chosen."""

    setting: Setting
    offset: NDArray[np.float64]
    # By metric, its mean score on the folds that it was chosen on, the best of many; empty where nothing was chosen.
    scores: Mapping[str, float]


class Fold(NamedTuple):
    """Examples to fit on and those that are held out, as rows of all examples."""

    inside: NDArray[np.int64]
    outside: NDArray[np.int64]


def folds_of(examples: LabelledContent, protocol: Protocol, seed: int) -> list[Fold]:
    """Every fold that a choice looks at, and those of each choice within its nested estimate, in this order."""
    outer = _outer_folds(examples, protocol, seed)
    return [
        Fold(rows[fold.inside], rows[fold.outside])
        for rows in (np.arange(len(examples.labels)), *(fold.inside for fold in outer))
        for folds in _repeats(examples.rows(rows), protocol, seed)
        for fold in folds
    ]


def held_out_scores(
    examples: LabelledContent, parts: Mapping[str, Part], protocol: Protocol, fold: Fold
) -> NDArray[np.float64]:
    """The log probabilities that each setting gives what is held out; shape [settings, held out, answers]."""
    answers = len(examples.answers)
    scores = np.zeros((len(protocol.settings), len(fold.outside), answers))
    own, other = examples.rows(fold.inside), examples.rows(fold.outside)
    columns = {name: learn_columns(part, own.contents[name]) for name, part in parts.items()}
    matrices: dict[tuple[str, ...], Any] = {}
    for number, setting in enumerate(protocol.settings):
        if setting.parts not in matrices:
            picks = [columns[name] for name in setting.parts]
            matrix = read_columns(picks, own.contents)
            matrices[setting.parts] = matrix, Rotation.of(matrix), read_columns(picks, other.contents)
        matrix, rotation, unseen = matrices[setting.parts]
        model = fit(matrix, own.labels, setting, rotation)
        scores[number] = _logarithms(model.chances(unseen), model.classes, answers)
    return scores


def choose(
    examples: LabelledContent, protocol: Protocol, seed: int, fold_scores: Iterator[NDArray[np.float64]]
) -> Choice:
    """Choose a setting, and thresholds where it has some, by the held-out scores of the next folds."""
    answers = len(examples.answers)
    if not protocol.chooses:
        return Choice(protocol.settings[0], np.zeros(answers), {})
    repeats = _repeats(examples, protocol, seed)
    outcomes = np.zeros((protocol.repeats, len(protocol.settings), len(examples.labels), answers))
    for outcome, folds in zip(outcomes, repeats, strict=True):
        for fold in folds:
            outcome[:, fold.outside] = next(fold_scores)

    def value(number: int, metric: str) -> float:
        """The mean score of a setting over the repeats."""
        tunes = protocol.settings[number].thresholds
        values = [
            value_of(
                _decide(outcome[number], examples.labels, folds if tunes else (), protocol.choose_by),
                examples.labels,
                answers,
                metric,
            )
            for outcome, folds in zip(outcomes, repeats, strict=True)
        ]
        return round(float(np.mean(values)), _DECIMALS)

    best = int(np.argmax([value(number, protocol.choose_by) for number in range(len(protocol.settings))]))
    setting, offset = protocol.settings[best], np.zeros(answers)
    if setting.thresholds:
        scores = np.concatenate(list(outcomes[:, best]))
        offset = tune_offsets(scores, np.tile(examples.labels, protocol.repeats), protocol.choose_by)
    return Choice(setting, offset, {metric: value(best, metric) for metric in ("accuracy", "macro_f1")})


def train(examples: LabelledContent, parts: Mapping[str, Part], choice: Choice) -> Model:
    """Fit the chosen classifier."""
    columns = tuple(learn_columns(parts[name], examples.contents[name]) for name in choice.setting.parts)
    matrix = read_columns(columns, examples.contents)
    return Model(columns, fit(matrix, examples.labels, choice.setting), choice.offset)


def estimate(
    examples: LabelledContent,
    parts: Mapping[str, Part],
    protocol: Protocol,
    seed: int,
    fold_scores: Iterator[NDArray[np.float64]],
) -> Quality | None:
    """Say by nested cross-validation how good a model chosen in this way is; None where nobody asks."""
    if not protocol.outer_folds:
        return None
    decisions = np.zeros_like(examples.labels)
    for fold in _outer_folds(examples, protocol, seed):
        own = examples.rows(fold.inside)
        model = train(own, parts, choose(own, protocol, seed, fold_scores))
        decisions[fold.outside] = model.scores(examples.rows(fold.outside).contents).round(_DECIMALS).argmax(axis=1)
    return _quality(decisions, examples.labels, len(examples.answers), np.random.default_rng(seed))


def tune_offsets(scores: NDArray[np.float64], labels: NDArray[np.int64], choose_by: str) -> NDArray[np.float64]:
    """Choose what to add to each class' log probability, class by class, for the best decisions on these examples."""
    offset = np.zeros(scores.shape[1])
    # One of them is free: only differences count, and the commonest class stays where it is.
    commonest = int(np.bincount(labels, minlength=len(offset)).argmax())
    for _, number in itertools.product(range(_PASSES), range(len(offset))):
        if number == commonest:
            continue
        trials = []
        for step in _OFFSETS:
            trial = offset.copy()
            trial[number] = step
            decisions = (scores + trial).round(_DECIMALS).argmax(axis=1)
            trials.append(round(value_of(decisions, labels, len(offset), choose_by), _DECIMALS))
        offset[number] = _OFFSETS[int(np.argmax(trials))]
    return offset


def value_of(decisions: NDArray[np.int64], labels: NDArray[np.int64], answers: int, choose_by: str) -> float:
    """How good decisions are: accuracy, macro-F1 over the classes of the labels, or the mean of both."""
    table = np.bincount(labels * answers + decisions, minlength=answers**2).reshape(answers, answers)
    right, total = np.diag(table), table.sum(axis=0) + table.sum(axis=1)
    accuracy = float(right.sum() / max(len(labels), 1))
    macro_f1 = float((2 * right[total > 0] / total[total > 0]).mean()) if len(labels) else 0.0
    return {"accuracy": accuracy, "macro_f1": macro_f1, "both": (accuracy + macro_f1) / 2}[choose_by]


def _quality(
    decisions: NDArray[np.int64], labels: NDArray[np.int64], answers: int, generator: np.random.Generator
) -> Quality:
    rows = generator.integers(len(labels), size=(_RESAMPLES, len(labels)))
    values, intervals = [], []
    for metric in ("accuracy", "macro_f1"):
        resampled = [value_of(decisions[some], labels[some], answers, metric) for some in rows]
        low, high = np.quantile(resampled, (0.025, 0.975)).tolist()
        values.append(value_of(decisions, labels, answers, metric))
        intervals.append((low, high))
    return Quality(values[0], values[1], intervals[0], intervals[1])


def _outer_folds(examples: LabelledContent, protocol: Protocol, seed: int) -> Sequence[Fold]:
    return _deal(examples, protocol.outer_folds, seed) if protocol.outer_folds else ()


def _repeats(examples: LabelledContent, protocol: Protocol, seed: int) -> Sequence[Sequence[Fold]]:
    """The folds of each repeat of a choice; none where there is nothing to choose."""
    repeats = range(protocol.repeats if protocol.chooses else 0)
    return [_deal(examples, protocol.folds, seed + repeat) for repeat in repeats]


def _deal(examples: LabelledContent, folds: int, seed: int) -> Sequence[Fold]:
    """Deal the examples of each class out to the folds at random."""
    generator = np.random.default_rng(seed)
    sizes = np.bincount(examples.labels, minlength=len(examples.answers))
    for answer, size in zip(examples.answers, sizes.tolist(), strict=True):
        if 0 < size < folds:
            raise DataError(
                f"there {'are' if size > 1 else 'is'} {size} of {answer!r} to learn from, too few for {folds} folds",
                hint=(f"folds: {size}, or " if size > 1 else "") + "more examples of it; or leave grid, thresholds "
                "and outer_folds out, which need folds",
            )
    fold = np.zeros(len(examples.labels), dtype=np.int64)
    # Going on where the last class ended keeps the folds of one size.
    start = 0
    for number, size in enumerate(sizes.tolist()):
        rows = generator.permutation(np.flatnonzero(examples.labels == number))
        fold[rows] = (start + np.arange(size)) % folds
        start += size
    return [Fold(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(folds)]


def _decide(
    scores: NDArray[np.float64], labels: NDArray[np.int64], folds: Sequence[Fold], choose_by: str
) -> NDArray[np.int64]:
    """The answers; of each fold by thresholds that were tuned on the others."""
    decisions: NDArray[np.int64] = scores.round(_DECIMALS).argmax(axis=1)
    for fold in folds:
        offset = tune_offsets(scores[fold.inside], labels[fold.inside], choose_by)
        decisions[fold.outside] = (scores[fold.outside] + offset).round(_DECIMALS).argmax(axis=1)
    return decisions


def _logarithms(chances: NDArray[np.float64], classes: NDArray[np.int64], answers: int) -> NDArray[np.float64]:
    """Logarithms by answer; one that was never seen has the least."""
    logarithms = np.full((len(chances), answers), -1e3)
    logarithms[:, classes] = np.log(np.maximum(chances, 1e-300))
    return logarithms
