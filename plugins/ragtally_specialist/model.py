"""One member: a judge of whether the passages match the question, and a classifier of what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack
from threadpoolctl import threadpool_limits

from ragtally_specialist.cues import cue_columns
from ragtally_specialist.focus import focus
from ragtally_specialist.grams import KINDS, count_grams
from ragtally_specialist.judge import train_judge
from ragtally_specialist.layout import rarity, weigh
from ragtally_specialist.logistic import Logistic, fit
from ragtally_specialist.text import WORD_SPACE

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
    judge: Logistic | None
    # Tells the answer's number by n-grams and cues; None where there was nothing to learn.
    classifier: Logistic | None

    def chances(self, questions: Sequence[str], passages: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Give the chance of each answer."""
        chances = np.tile(self.shares, (len(questions), 1))
        if self.judge is None or self.classifier is None or not any(passages):
            return chances
        frequency = np.zeros(WORD_SPACE)
        frequency[self.word] = self.word_frequency
        found = focus(questions, passages, weigh(frequency, self.contexts))
        has = np.unique(found.question)
        grams = count_grams(found, KINDS[self.features])[:, self.gram]
        with threadpool_limits(1):
            inputs = _inputs(grams, self.gram_weight, cue_columns(questions, found))
            said = np.zeros_like(chances)
            said[:, self.classifier.classes] = self.classifier.chances(inputs)
            matched = self.judge.chances(found.match)[has, 1:]
        chances[has] += matched * (said[has] - chances[has])
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
    telling = rarity(passages)
    found = focus(questions, passages, telling)
    counts = count_grams(found, KINDS[features])[sample]
    cues = cue_columns(questions, found)[sample]
    gram, gram_weight = _used_grams(counts, KINDS[features].weighted)
    frequency = np.rint((1 + len(questions)) / np.exp(telling.weight - 1) - 1)
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
            train_judge(questions, passages, telling, found, sample, generator),
            _fit(_inputs(counts[:, gram], gram_weight, cues), labels[sample], regularisation),
        )


def _fit(inputs: csr_array, labels: NDArray[np.int64], regularisation: float) -> Logistic | None:
    if len(np.unique(labels)) < 2:
        return None
    return fit(inputs, labels, C=regularisation)


def _used_grams(counts: csr_array, weighted: bool) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Keep the n-grams of two rows or more; weigh them by log((1 + n) / (1 + df)) + 1, as scikit-learn does."""
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    gram = np.flatnonzero(frequency >= _LEAST_FREQUENCY)
    if not weighted:
        return gram, np.ones(len(gram))
    return gram, np.log((1 + counts.shape[0]) / (1 + frequency[gram])) + 1


def _inputs(grams: csr_array, gram_weight: NDArray[np.float64], cues: NDArray[np.float64]) -> csr_array:
    columns = csr_array(cues)
    if not len(gram_weight):
        return columns
    weighed = csr_array(grams.multiply(gram_weight))
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    length[length == 0] = 1.0
    weighed.data /= np.repeat(length, np.diff(weighed.indptr))
    return csr_array(hstack([weighed, columns]))
