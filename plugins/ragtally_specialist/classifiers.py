"""Classifiers: fitted by scikit-learn, kept as plain arrays, applied without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from ragtally import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.ensemble import GradientBoostingClassifier

# Up to how many examples a linear model is fitted on as many rotated columns instead of on its own.
_ROTATE_UP_TO = 2000
_LEAST_SHARE = 1e-10
_CALIBRATION_FOLDS = 3


@dataclass(frozen=True)
class Boosting:
    """What the trees of gradient boosting are grown with."""

    trees: int
    depth: int
    seed: int


@dataclass(frozen=True)
class Setting:
    """What a classifier is fitted with; one combination of the grid."""

    parts: tuple[str, ...]  # The names of the parts that it reads
    model: str
    regularisation: float
    balanced: bool  # Whether an example counts the more the rarer its class is
    thresholds: bool  # Whether what is added to the log probabilities is tuned
    boosting: Boosting | None = None  # Where that is the model


@dataclass(frozen=True)
class Linear:
    """Scores that are linear in the columns, and how they become probabilities."""

    classes: NDArray[np.int64]  # The labels that it tells apart, ascending; shape [classes]
    weight: NDArray[np.float64]  # Shape [1, columns] for two classes, else [classes, columns]
    intercept: NDArray[np.float64]  # Shape [1] for two classes, else [classes]
    # The slope and the offset of each score's logistic function (Platt); None for a softmax. Shape [scores, 2].
    sigmoid: NDArray[np.float64] | None

    def chances(self, columns: csr_array) -> NDArray[np.float64]:
        """The probability of each class; shape [rows, classes]."""
        if len(self.classes) == 1:
            return np.ones((columns.shape[0], 1))
        score = np.asarray(columns @ self.weight.T) + self.intercept
        if self.sigmoid is None:
            return _softmax_of(score)
        chances = 1 / (1 + np.exp(np.clip(self.sigmoid[:, 0] * score + self.sigmoid[:, 1], -500, 500)))
        if chances.shape[1] == 1:
            return np.concatenate([1 - chances, chances], axis=1)
        total = chances.sum(axis=1, keepdims=True)
        # Where every class is ruled out, none is more likely than another.
        shares: NDArray[np.float64] = np.where(
            total > 0, chances / np.where(total > 0, total, 1), 1 / chances.shape[1]
        )
        return shares


@dataclass(frozen=True)
class Trees:
    """The trees of gradient boosting, one after another in columns; shape [nodes] where nothing else is said."""

    classes: NDArray[np.int64]  # As of `Linear`
    start: NDArray[np.float64]  # The scores before any tree; shape [scores], one for two classes
    root: NDArray[np.int64]  # The first node of each tree; shape [trees]; round by round, in each score by score
    column: NDArray[np.int64]  # The column that a node looks at; -1 for a leaf
    threshold: NDArray[np.float64]  # The largest value of it with which one goes left
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]  # What a leaf adds to the score

    def chances(self, columns: csr_array) -> NDArray[np.float64]:
        """The probability of each class; shape [rows, classes]."""
        return _softmax_of(self.scores(columns))

    def scores(self, columns: csr_array) -> NDArray[np.float64]:
        """What the trees add up to; shape [rows, scores]."""
        in_use = np.unique(self.column[self.column >= 0])
        # scikit-learn compares single precision with the threshold's double.
        numbers = columns[:, in_use].toarray().astype(np.float32) if len(in_use) else np.zeros((columns.shape[0], 1))
        at = np.searchsorted(in_use, np.maximum(self.column, in_use[0] if len(in_use) else 0))
        row = np.arange(columns.shape[0])
        score = np.tile(self.start, (columns.shape[0], 1))
        for number, root in enumerate(self.root.tolist()):
            node = np.full(columns.shape[0], root)
            while (inner := self.column[node] >= 0).any():
                goes_left = numbers[row, at[node]] <= self.threshold[node]
                node = np.where(inner, np.where(goes_left, self.left[node], self.right[node]), node)
            score[:, number % len(self.start)] += self.value[node]
        return score


Classifier = Linear | Trees


def _softmax_of(score: NDArray[np.float64]) -> NDArray[np.float64]:
    if score.shape[1] == 1:  # One score tells two classes apart.
        score = np.concatenate([np.zeros_like(score), score], axis=1)
    powers = np.exp(score - score.max(axis=1, keepdims=True))
    chances: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return chances


@dataclass(frozen=True)
class Rotation:
    """Examples turned so that as many columns as examples hold all that their own columns say."""

    # A linear model with an L2 penalty depends on the columns by the examples' inner products alone, so that it may
    # be fitted on these: far faster with 500 examples of 60,000 n-grams, and a grid does so a thousand times.
    own: csr_array  # The examples' own columns
    columns: NDArray[np.float64]  # The rotated ones; shape [examples, rank]
    turn: NDArray[np.float64]  # Turns weights of rotated columns into weights of the examples; likewise

    @classmethod
    def of(cls, columns: csr_array) -> Rotation:
        """Rotate the columns of examples."""
        products = (columns @ columns.T).toarray()
        values, vectors = np.linalg.eigh(products)
        large = values > _LEAST_SHARE * max(values.max(initial=0.0), 1e-300)
        values, vectors = values[large], vectors[:, large]
        root = np.sqrt(values)
        return cls(columns, vectors * root, vectors / root)

    def back(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn weights of the rotated columns into weights of the examples' own."""
        return np.asarray(self.own.T @ (self.turn @ weight.T)).T


def fit(
    columns: csr_array,
    labels: NDArray[np.int64],
    setting: Setting,
    rotation: Rotation | None = None,
) -> Classifier:
    """Fit a classifier; `rotation` is of the same columns, where there is one already."""
    classes, inverse = np.unique(labels, return_inverse=True)
    if len(classes) == 1:
        return Linear(classes, np.zeros((1, columns.shape[1]))[:0], np.zeros(0), None)
    sizes = np.bincount(inverse)
    weight = (len(labels) / (len(classes) * sizes))[inverse] if setting.balanced else np.ones(len(labels))
    if setting.boosting is not None:
        return _boost(columns, labels, weight, setting.boosting)
    if setting.model == "naive_bayes":
        return _count(columns, labels, weight, 1 / setting.regularisation)
    if rotation is None and len(labels) <= _ROTATE_UP_TO:
        rotation = Rotation.of(columns)
    inputs = columns if rotation is None else rotation.columns
    model = (_regress if setting.model == "logistic" else _separate)(inputs, labels, weight, setting.regularisation)
    if rotation is None:
        return model
    return Linear(model.classes, rotation.back(model.weight), model.intercept, model.sigmoid)


def _regress(inputs: Any, labels: NDArray[np.int64], weight: NDArray[np.float64], regularisation: float) -> Linear:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=regularisation, max_iter=1000).fit(inputs, labels, sample_weight=weight)
    return Linear(model.classes_.astype(np.int64), model.coef_, model.intercept_, None)


def _separate(inputs: Any, labels: NDArray[np.int64], weight: NDArray[np.float64], regularisation: float) -> Linear:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import LinearSVC

    fewest = int(np.unique(labels, return_counts=True)[1].min())
    if fewest < _CALIBRATION_FOLDS:
        raise DataError(
            f"an SVM is calibrated on {_CALIBRATION_FOLDS} folds, and a class has {fewest} to learn from",
            hint="model: logistic, which needs no folds; or more examples of that class",
        )
    machine = LinearSVC(C=regularisation, max_iter=5000, random_state=0)
    model = CalibratedClassifierCV(machine, method="sigmoid", cv=_CALIBRATION_FOLDS, ensemble=False)
    (calibration,) = model.fit(inputs, labels, sample_weight=weight).calibrated_classifiers_
    sigmoid = np.array([[each.a_, each.b_] for each in calibration.calibrators])
    machine = calibration.estimator
    return Linear(model.classes_.astype(np.int64), machine.coef_, machine.intercept_, sigmoid)


def _count(columns: csr_array, labels: NDArray[np.int64], weight: NDArray[np.float64], smoothing: float) -> Linear:
    from sklearn.naive_bayes import MultinomialNB

    model = MultinomialNB(alpha=smoothing).fit(columns, labels, sample_weight=weight)
    scores, prior = model.feature_log_prob_, model.class_log_prior_
    if len(prior) == 2:
        scores, prior = scores[1:] - scores[:1], prior[1:] - prior[:1]
    return Linear(model.classes_.astype(np.int64), scores, prior, None)


def _boost(columns: csr_array, labels: NDArray[np.int64], weight: NDArray[np.float64], boosting: Boosting) -> Trees:
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(
        n_estimators=boosting.trees,
        max_depth=boosting.depth,
        max_features="sqrt",
        subsample=0.5,
        random_state=boosting.seed,
    ).fit(columns, labels, sample_weight=weight)
    return _trees_of(model, columns)


def _trees_of(model: GradientBoostingClassifier, columns: csr_array) -> Trees:
    trees = [tree.tree_ for tree in model.estimators_.ravel()]
    sizes = [tree.node_count for tree in trees]
    root = np.cumsum([0, *sizes[:-1]])
    inner = np.concatenate([tree.children_left >= 0 for tree in trees])
    offset = np.repeat(root, sizes)

    def nodes(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(tree, name).reshape(tree.node_count) for tree in trees])

    ensemble = Trees(
        model.classes_.astype(np.int64),
        np.zeros(model.estimators_.shape[1]),
        root.astype(np.int64),
        np.where(inner, nodes("feature"), -1),
        nodes("threshold"),
        np.where(inner, nodes("children_left") + offset, 0),
        np.where(inner, nodes("children_right") + offset, 0),
        nodes("value") * model.learning_rate,
    )
    # What scikit-learn starts from is what its score has beyond the trees.
    first = columns[:1]
    score = np.atleast_2d(model.decision_function(first)).reshape(1, -1)
    return replace(ensemble, start=(score - ensemble.scores(first)).ravel())


def to_arrays(classifier: Classifier) -> dict[str, NDArray[Any]]:
    """The classifier as arrays by name."""
    return {name: value for name, value in classifier.__dict__.items() if value is not None}


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Classifier:
    """The classifier that `to_arrays` wrote; raises KeyError where an array is missing."""
    if "root" in arrays:
        return Trees(**{name: arrays[name] for name in Trees.__dataclass_fields__})
    return Linear(arrays["classes"], arrays["weight"], arrays["intercept"], arrays.get("sigmoid"))
