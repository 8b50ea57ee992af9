"""Learning what it looks like when passages belong to a question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from ragtally_specialist.focus import CLOSES, Focus, focus
from ragtally_specialist.layout import Rarity, without
from ragtally_specialist.logistic import Logistic, fit
from ragtally_specialist.text import WORD_SPACE, matched_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REGULARISATION = 10.0
_LIKELY_OTHERS = 64


def train_judge(
    questions: Sequence[str],
    passages: Sequence[Sequence[str]],
    rarity: Rarity,
    found: Focus,
    sample: NDArray[np.int64],
    generator: np.random.Generator,
) -> Logistic | None:
    """Learn to tell passages that answer a question from others, by the match features."""
    # Passages that answer: the question's own, whole and cut to the sentences in focus. Others: those of another
    # question at random, of one that is much alike, both of the latter cut too, and the question's own without the
    # sentences in focus.
    if len(questions) < 2:
        return None
    in_focus: list[list[str]] = [[] for _ in questions]
    for question, sentence, role in zip(found.question.tolist(), found.sentence, found.role.tolist(), strict=True):
        if role != CLOSES:
            in_focus[question].append(sentence)
    cut = [[" ".join(dict.fromkeys(sentences))] for sentences in in_focus]
    rows = np.arange(len(questions))
    strange = (rows + generator.integers(1, len(rows), size=len(rows))) % len(rows)
    alike = _most_alike(questions, rarity, generator)
    contexts = (
        cut,
        [passages[row] for row in strange.tolist()],
        [passages[row] for row in alike.tolist()],
        [cut[row] for row in alike.tolist()],
        without(passages, [set(sentences) for sentences in in_focus]),
    )
    matches = [found.match, *(focus(questions, context, rarity).match for context in contexts)]
    answers = np.repeat([1, 1, 0, 0, 0, 0], len(sample))
    inputs = np.concatenate([match[sample] for match in matches])
    return fit(inputs, answers, C=_REGULARISATION, class_weight="balanced")


def _most_alike(questions: Sequence[str], rarity: Rarity, generator: np.random.Generator) -> NDArray[np.int64]:
    """Find for each question, among some others drawn at random, the one that shares the most with it."""
    words = [matched_words(text) for text in questions]
    column = np.fromiter((word for of_question in words for word in of_question), np.int64)
    row = np.repeat(np.arange(len(words)), [len(of_question) for of_question in words])
    rows = np.arange(len(words))
    asked = csr_array((np.sqrt(rarity.weight[column]), (row, column)), shape=(len(words), WORD_SPACE))
    shifts = generator.permutation(len(words) - 1)[:_LIKELY_OTHERS] + 1
    shared = [asked.multiply(asked[(rows + shift) % len(rows)]).sum(axis=1) for shift in shifts.tolist()]
    best: NDArray[np.int64] = (rows + shifts[np.stack(shared).round(9).argmax(axis=0)]) % len(rows)
    return best
