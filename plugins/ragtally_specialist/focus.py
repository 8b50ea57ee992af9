"""Which sentences of its passages a question is about, and how well they match it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from ragtally_specialist.logistic import Logistic, fit
from ragtally_specialist.sentences import WORD_SPACE, Layout, Rarity, coverage, lay_out, matched_words, without

if TYPE_CHECKING:
    from numpy.typing import NDArray

BEST, FOLLOWS, CLOSES = 0, 1, 2
_TOP = 3
_CLOSING = 2
_PASSAGE_WEIGHT = 0.7
_FINDING_BONUS = 0.5
_TEMPERATURE = 0.1
_DECIMALS = 9


class Focus(NamedTuple):
    """The sentences in focus, in columns, several rows per question."""

    question: NDArray[np.int64]  # Row of the question; shape [rows]
    sentence: list[str]  # The sentence; one for each row
    weight: NDArray[np.float64]  # How much of the question's focus it is, 0 to 1; shape [rows]
    # Why it is there: `BEST` for one of the best sentences, `FOLLOWS` for the one that goes on from the best,
    # `CLOSES` for the last two of the best one's passage, where abstracts sum up; shape [rows].
    role: NDArray[np.int64]
    # How well the passages match each question; shape [questions, 12]: the shares of the question's names
    # (see `Rarity`) and then of its other words, by weight, in the best sentence, in it and its two neighbours, in
    # its passage, and in all passages. 0 where there is no passage.
    match: NDArray[np.float64]


def focus(questions: Sequence[str], passages: Sequence[Sequence[str]], rarity: Rarity) -> Focus:
    """Find the sentences that each question is about, for all questions at once."""
    # The best three sentences share the weight by a softmax of their scores; the sentence after the best one is added
    # where it goes on from it.
    layout = lay_out(questions, passages)
    question = layout.question
    score = _scores(layout, rarity)
    order = np.lexsort((np.arange(len(score)), -score, question))
    rank = np.arange(len(order)) - np.searchsorted(question, question[order])
    best = np.full(len(questions), -1)
    best[question[order[rank == 0]]] = order[rank == 0]
    rows = order[rank < _TOP]
    weight = np.exp((score[rows] - score[best[question[rows]]]) / _TEMPERATURE)
    weight /= np.bincount(question[rows], weight, len(questions))[question[rows]]
    after, last = _following(best[best >= 0], layout), _closing(best[best >= 0], layout)
    in_focus = np.concatenate([rows, after, last])
    closing = 1 / np.bincount(question[last], minlength=len(questions))[question[last]]
    return Focus(
        question[in_focus],
        [layout.sentence[row] for row in in_focus.tolist()],
        np.concatenate([weight, np.ones(len(after)), closing]),
        np.repeat([BEST, FOLLOWS, CLOSES], [len(rows), len(after), len(last)]),
        _match(layout, best, rarity),
    )


def _scores(layout: Layout, rarity: Rarity) -> NDArray[np.float64]:
    """Score sentences: the question's words in it, those in its passage, and the marks of a finding."""
    # Within the passages before a question its names are everywhere, so a sentence shows by words that few of these
    # sentences hold: a word weighs log((1 + sentences) / sentences with it).
    questions, sentences = len(layout.question_words), len(layout.sentence)
    if not sentences:
        return np.zeros(0)
    word, position, count = np.unique(
        layout.hit_question * WORD_SPACE + layout.hit_word, return_inverse=True, return_counts=True
    )
    of_word = word // WORD_SPACE
    weight = np.log((1 + np.bincount(layout.question, minlength=questions))[of_word] / count)
    weight /= np.bincount(of_word, weight, questions)[of_word]
    by_sentence = np.bincount(layout.hit_sentence, weight[position], sentences)
    passage = layout.passage
    by_passage = coverage(layout, passage[layout.hit_sentence], int(passage[-1]) + 1, rarity.weight)[passage]
    mass = np.array([rarity.weight[words].sum() for words in layout.question_words])
    share = by_passage / np.maximum(mass[layout.question], 1.0)
    scores: NDArray[np.float64] = by_sentence + _PASSAGE_WEIGHT * share + _FINDING_BONUS * layout.finding
    return scores.round(_DECIMALS)


def _following(best: NDArray[np.int64], layout: Layout) -> NDArray[np.int64]:
    after: NDArray[np.int64] = best[best + 1 < len(layout.passage)] + 1
    goes_on: NDArray[np.bool_] = (layout.passage[after] == layout.passage[after - 1]) & layout.continues[after]
    return after[goes_on]


def _closing(best: NDArray[np.int64], layout: Layout) -> NDArray[np.int64]:
    past = np.searchsorted(layout.passage, layout.passage[best], side="right")
    last = (past[:, None] - np.arange(1, _CLOSING + 1)).ravel()
    inside: NDArray[np.bool_] = (last >= 0) & (layout.passage[last] == np.repeat(layout.passage[best], _CLOSING))
    return last[inside]


def _match(layout: Layout, best: NDArray[np.int64], rarity: Rarity) -> NDArray[np.float64]:
    question, sentence = layout.hit_question, layout.hit_sentence
    passage = layout.passage[sentence] == layout.passage[best[question]]
    distance = np.abs(sentence - best[question])
    reaches = (distance == 0, passage & (distance <= 1), passage, distance >= 0)
    columns = []
    for kind in (rarity.name, ~rarity.name):
        weight = np.where(kind, rarity.weight, 0.0)
        mass = np.array([weight[words].sum() for words in layout.question_words])
        for reach in reaches:
            overlap = coverage(layout, np.where(reach, question, -1), len(best), weight)
            columns.append(np.where(mass > 0, overlap / np.maximum(mass, 1.0), 1.0) * (best >= 0))
    finds = np.zeros(len(best))
    finds[best >= 0] = layout.finding[best[best >= 0]]
    of_names, of_others = columns[2], columns[4]
    return np.column_stack([*columns, finds, of_names * of_others, of_others * finds, of_names * of_others * finds])


_REGULARISATION = 10.0
_LIKELY_OTHERS = 64


def fit_match(
    questions: Sequence[str],
    passages: Sequence[Sequence[str]],
    rarity: Rarity,
    own: Focus,
    sample: NDArray[np.int64],
    generator: np.random.Generator,
) -> Logistic | None:
    """Learn to tell passages that answer a question from others, by the match features."""
    # Passages that answer: the question's own, whole and shortened to the sentences in focus. Passages that do not:
    # another question's at random, those of a question much like it, whole and shortened, and the question's own
    # without the sentences in focus.
    if len(questions) < 2:
        return None
    in_focus: list[list[str]] = [[] for _ in questions]
    for question, sentence, role in zip(own.question.tolist(), own.sentence, own.role.tolist(), strict=True):
        if role != CLOSES:
            in_focus[question].append(sentence)
    in_brief = [[" ".join(dict.fromkeys(sentences))] for sentences in in_focus]
    rows = np.arange(len(questions))
    strange = (rows + generator.integers(1, len(rows), size=len(rows))) % len(rows)
    alike = _most_alike(questions, rarity, generator)
    contexts = (
        in_brief,
        [passages[row] for row in strange.tolist()],
        [passages[row] for row in alike.tolist()],
        [in_brief[row] for row in alike.tolist()],
        without(passages, [set(sentences) for sentences in in_focus]),
    )
    matches = [own.match, *(focus(questions, context, rarity).match for context in contexts)]
    answers = np.repeat([1, 1, 0, 0, 0, 0], len(sample))
    inputs = np.concatenate([match[sample] for match in matches])
    return fit(inputs, answers, C=_REGULARISATION, class_weight="balanced")


def _most_alike(questions: Sequence[str], rarity: Rarity, generator: np.random.Generator) -> NDArray[np.int64]:
    """Find for each question, among some others drawn at random, the one that shares the most with it."""
    words = [matched_words(text) for text in questions]
    column = np.fromiter((word for of_question in words for word in of_question), np.int64)
    row = np.repeat(np.arange(len(words)), [len(of_question) for of_question in words])
    rows = np.arange(len(words))
    vectors = csr_array((np.sqrt(rarity.weight[column]), (row, column)), shape=(len(words), WORD_SPACE))
    shifts = generator.permutation(len(words) - 1)[:_LIKELY_OTHERS] + 1
    overlaps = [vectors.multiply(vectors[(rows + shift) % len(rows)]).sum(axis=1) for shift in shifts.tolist()]
    best: NDArray[np.int64] = (rows + shifts[np.stack(overlaps).round(9).argmax(axis=0)]) % len(rows)
    return best
