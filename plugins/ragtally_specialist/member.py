"""One member: whether the passages match the question, and what they say; trained, saved and applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from scipy.sparse import csr_array, hstack
from threadpoolctl import threadpool_limits

from ragtally import DataError, Location
from ragtally_specialist.features import KINDS, count_grams, cue_columns
from ragtally_specialist.focus import fit_match, focus
from ragtally_specialist.logistic import Logistic, fit
from ragtally_specialist.sentences import WORD_SPACE, rarity, weigh

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_FREQUENCY = 2


@dataclass(frozen=True)
class Member:
    """A trained member. The chance of an answer is what the classifier says as far as the passages match the
    question, and the training split's share of the answer as far as they do not.
    """

    features: str  # The kind of n-grams, a key of `KINDS`
    shares: NDArray[np.float64]  # Share of each answer in the training split, in the order of the answers
    contexts: int  # How many contexts the training held
    word: NDArray[np.int64]  # Hashed words that they held; shape [words]
    word_frequency: NDArray[np.float64]  # In how many of them each was; shape [words]
    gram: NDArray[np.int64]  # Hashed n-grams that the classifier uses; shape [grams]
    gram_weight: NDArray[np.float64]  # Their weights; shape [grams]
    # Tells matching passages from others by the match features; None where there was nothing to learn.
    match: Logistic | None
    # Tells the answer's number by n-grams and cues; None where there was nothing to learn.
    classifier: Logistic | None

    def chances(self, questions: Sequence[str], passages: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """The chance of each answer."""
        chances = np.tile(self.shares, (len(questions), 1))
        if self.match is None or self.classifier is None or not any(passages):
            return chances
        frequency = np.zeros(WORD_SPACE)
        frequency[self.word] = self.word_frequency
        in_focus = focus(questions, passages, weigh(frequency, self.contexts))
        has = np.unique(in_focus.question)
        grams = count_grams(in_focus, KINDS[self.features])[:, self.gram]
        with threadpool_limits(1):
            inputs = _inputs(grams, self.gram_weight, cue_columns(questions, in_focus))
            from_context = np.zeros_like(chances)
            from_context[:, self.classifier.classes] = self.classifier.chances(inputs)
            trust = self.match.chances(in_focus.match)[has, 1:]
        chances[has] += trust * (from_context[has] - chances[has])
        return chances


def train_member(
    questions: Sequence[str],
    passages: Sequence[Sequence[str]],
    labels: NDArray[np.int64],
    answers: int,
    features: str,
    regularisation: float,
    seed: int,
) -> Member:
    """Train one member on a bootstrap sample of the examples."""
    generator = np.random.default_rng(seed)
    sample = generator.integers(len(labels), size=len(labels))
    weights = rarity(passages)
    in_focus = focus(questions, passages, weights)
    counts = count_grams(in_focus, KINDS[features])[sample]
    cues = cue_columns(questions, in_focus)[sample]
    gram, gram_weight = _used_grams(counts, KINDS[features].by_rarity)
    frequency = np.rint((1 + len(questions)) / np.exp(weights.weight - 1) - 1)
    word = np.flatnonzero(frequency)
    with threadpool_limits(1):
        return Member(
            features,
            np.bincount(labels, minlength=answers) / len(labels),
            len(questions),
            word,
            frequency[word],
            gram,
            gram_weight,
            fit_match(questions, passages, weights, in_focus, sample, generator),
            _fit(_inputs(counts[:, gram], gram_weight, cues), labels[sample], regularisation),
        )


def _fit(inputs: csr_array, labels: NDArray[np.int64], regularisation: float) -> Logistic | None:
    if len(np.unique(labels)) < 2:
        return None
    return fit(inputs, labels, C=regularisation)


def _used_grams(counts: csr_array, weigh_rarity: bool) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Keep the n-grams of two rows or more; weigh them by log((1 + n) / (1 + df)) + 1, as scikit-learn does."""
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    gram = np.flatnonzero(frequency >= _LEAST_FREQUENCY)
    if not weigh_rarity:
        return gram, np.ones(len(gram))
    return gram, np.log((1 + counts.shape[0]) / (1 + frequency[gram])) + 1


def _inputs(grams: csr_array, gram_weight: NDArray[np.float64], cues: NDArray[np.float64]) -> csr_array:
    columns = csr_array(cues)
    if not len(gram_weight):
        return columns
    weights = csr_array(grams.multiply(gram_weight))
    length = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
    length[length == 0] = 1.0
    weights.data /= np.repeat(length, np.diff(weights.indptr))
    return csr_array(hstack([weights, columns]))


# The keys in the file; `judge` is what version 0.1 called `match`.
_PARTS = ("classes", "weight", "intercept")
_ARRAYS = {"shares": 1, "word": 1, "word_frequency": 1, "gram": 1, "gram_weight": 1}


def write_member(member: Member, answers: tuple[str, ...], file: Path) -> None:
    """Write a member."""
    content: dict[str, Any] = {name: getattr(member, name) for name in _ARRAYS}
    content |= {"answers": np.array(answers), "features": np.array(member.features)}
    content["contexts"] = np.array(member.contexts)
    for name, regression in (("judge", member.match), ("classifier", member.classifier)):
        if regression is not None:
            content |= {f"{name}_{part}": getattr(regression, part) for part in _PARTS}
    with file.open("wb") as stream:
        np.savez_compressed(stream, **content)


def read_member(file: Path) -> tuple[Member, tuple[str, ...]]:
    """Read what `write_member` wrote."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            content = {name: archive[name] for name in archive.files}
        arrays = {name: _array(content, name, dimensions) for name, dimensions in _ARRAYS.items()}
        member = Member(
            **arrays,
            features=str(content["features"]),
            contexts=int(content["contexts"]),
            match=_regression(content, "judge"),
            classifier=_regression(content, "classifier"),
        )
        return member, tuple(str(answer) for answer in _array(content, "answers", 1))
    except (OSError, BadZipFile, EOFError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"no specialist's model can be read from here: {error}",
            location=Location(str(file)),
            hint="remove the file's folder and train again: ragtally run SPEC --stage train",
        ) from error


def _array(content: dict[str, NDArray[Any]], name: str, dimensions: int) -> NDArray[Any]:
    if content[name].ndim != dimensions:
        raise ValueError(f"{name} has {content[name].ndim} dimensions instead of {dimensions}")
    return content[name]


def _regression(content: dict[str, NDArray[Any]], name: str) -> Logistic | None:
    if f"{name}_classes" not in content:
        return None
    classes, weight, intercept = (_array(content, f"{name}_{part}", 1 + (part == "weight")) for part in _PARTS)
    return Logistic(classes, weight, intercept)
