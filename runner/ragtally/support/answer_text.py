"""Open answers compared as texts: the field's normalisation, words, and how much of them two texts share.

The normalisation is that of SQuAD's evaluation (Rajpurkar et al. 2016: lower case, no punctuation, no articles,
single spaces), with the articles of other languages and the words of Chinese and Japanese as MLQA's evaluation has
them (Lewis et al. 2020: every ideograph and kana a word; of Thai, which that evaluation does not have, every letter).
Before it, Unicode's compatible forms become one (NFKC), so
that a composed accent equals a decomposed one and a full-width digit a plain one.
"""

from __future__ import annotations

import functools
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_ARTICLES = {
    "en": "a an the",
    "de": "ein eine einen einem eines einer der die das den dem des",
    "es": "un una unos unas el la los las",
    "fr": "le la les un une des",
    "it": "il lo la i gli le un uno una",
    "nl": "de het een",
    "pt": "o a os as um uma uns umas",
}
# "l'eau" is one word once its apostrophe is gone, so what is elided goes before.
_ELISIONS = {"fr": "l", "it": "l|un"}
# The signs of languages without spaces that are words.
_IDEOGRAPH_OR_KANA = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_SIGNS = {"ja": _IDEOGRAPH_OR_KANA, "zh": _IDEOGRAPH_OR_KANA, "th": re.compile("[\u0e01-\u0e4e]")}
_WORD = re.compile(r"\w+")
_PIECES = {language: re.compile(rf"{sign.pattern}|(?:(?!{sign.pattern})\S)+") for language, sign in _SIGNS.items()}
_PIECE = re.compile(r"\S+")
# Signs around a word that are none of it.
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")


class _Punctuation(dict[int, str | None]):
    """Drops what Unicode calls punctuation, and all of ASCII's, such as `$` and `+`."""

    def __missing__(self, code: int) -> str | None:
        sign = chr(code)
        drops = sign in string.punctuation or unicodedata.category(sign).startswith("P")
        self[code] = None if drops else sign
        return self[code]


_PUNCTUATION = _Punctuation()


def normalise(text: str, language: str = "en") -> str:
    """Write a text in the form in which answers are compared.

    Args:
        text: An answer.
        language: Its language (`en`); of one that is not known no articles are dropped.

    Returns:
        Its words without case, punctuation and articles, joined by single spaces; possibly empty.
    """
    return " ".join(answer_words(text, language))


def answer_words(text: str, language: str = "en") -> list[str]:
    """Cut a text into the words that count where answers are compared.

    Args:
        text: An answer.
        language: Its language.

    Returns:
        The words of `normalise`.
    """
    lower = unicodedata.normalize("NFKC", text).lower()
    if language in _ELISIONS:
        lower = _elision_pattern(language).sub(" ", lower)
    plain = lower.translate(_PUNCTUATION)
    if language in _SIGNS:
        plain = _SIGNS[language].sub(r" \g<0> ", plain)
    elif language in _ARTICLES:
        plain = _article_pattern(language).sub(" ", plain)
    return plain.split()


def all_words(text: str, language: str = "en") -> list[str]:
    """Cut a text into its words, articles included: what search and ROUGE compare.

    Args:
        text: Any text.
        language: Its language.

    Returns:
        Runs of letters and digits in lower case; of a language without spaces every sign.
    """
    lower = unicodedata.normalize("NFKC", text).lower()
    if language in _SIGNS:
        lower = _SIGNS[language].sub(r" \g<0> ", lower)
    return _WORD.findall(lower)


def is_exact(verdict: str, references: Sequence[str], language: str = "en") -> bool:
    """Whether an answer is one of the references, both normalised.

    Args:
        verdict: The answer.
        references: The texts that are right.
        language: Their language.

    Returns:
        Whether it is; false without references.
    """
    answer = normalise(verdict, language)
    return any(normalise(reference, language) == answer for reference in references)


def token_f1(verdict: str, references: Sequence[str], language: str = "en") -> float:
    """Compute SQuAD's F1: the harmonic mean of the shares of words that an answer and a reference have in common.

    Args:
        verdict: The answer.
        references: The texts that are right; the most similar one counts.
        language: Their language.

    Returns:
        A number from 0 to 1; 0 without references. Of two texts without words 1, of one 0.
    """
    words = answer_words(verdict, language)
    return max((_overlap(words, answer_words(reference, language)) for reference in references), default=0.0)


def rouge_l(verdict: str, references: Sequence[str], language: str = "en") -> float:
    """Compute ROUGE-L: the F1 of the longest common subsequence of words (Lin 2004).

    Args:
        verdict: The answer.
        references: The texts that are right; the most similar one counts.
        language: Their language.

    Returns:
        A number from 0 to 1; 0 without references.
    """
    words = all_words(verdict, language)
    return max((_common_order(words, all_words(reference, language)) for reference in references), default=0.0)


@dataclass(frozen=True, slots=True)
class CommonWords:
    """Where an answer and the reference that is most like it have the same words.

    Attributes:
        reference: Which of the references it is, by F1 of the words; the first of equals.
        in_answer: Start and end of runs of such words in the answer, in characters.
        in_reference: The same in the reference.
    """

    reference: int
    in_answer: Sequence[tuple[int, int]]
    in_reference: Sequence[tuple[int, int]]


def common_words(verdict: str, references: Sequence[str], language: str = "en") -> CommonWords | None:
    """Find the words that count for `token_f1`, as they are written in an answer and in a reference.

    Args:
        verdict: The answer.
        references: The texts that are right.
        language: Their language.

    Returns:
        Where they are; None without references.
    """
    if not references:
        return None
    words = answer_words(verdict, language)
    likeness = [_overlap(words, answer_words(reference, language)) for reference in references]
    nearest = likeness.index(max(likeness))
    common = Counter(words) & Counter(answer_words(references[nearest], language))
    return CommonWords(
        nearest, _runs(verdict, Counter(common), language), _runs(references[nearest], Counter(common), language)
    )


def _runs(text: str, common: Counter[str], language: str) -> list[tuple[int, int]]:
    """Where words stand, each as often as it is common; neighbours that only white space parts are one run."""
    runs: list[tuple[int, int]] = []
    for start, end, words in _written_words(text, language):
        if not words or any(common[word] < count for word, count in Counter(words).items()):
            continue
        common.subtract(words)
        if runs and not text[runs[-1][1] : start].strip():
            start = runs.pop()[0]
        runs.append((start, end))
    return runs


def _written_words(text: str, language: str) -> Iterator[tuple[int, int, list[str]]]:
    """The pieces of a text that white space parts, or every sign, each with the words that it comes to."""
    for piece in _PIECES.get(language, _PIECE).finditer(text):
        left, right = 0, len(piece[0])
        for edge in _EDGES.finditer(piece[0]):
            left, right = (edge.end(), right) if edge.start() == 0 else (left, edge.start())
        yield piece.start() + left, piece.start() + right, answer_words(piece[0], language)


def _overlap(one: list[str], other: list[str]) -> float:
    if not one or not other:
        return float(one == other)
    return _f1((Counter(one) & Counter(other)).total(), len(one), len(other))


def _common_order(one: list[str], other: list[str]) -> float:
    lengths = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for column, candidate in enumerate(other, start=1):
            above = lengths[column]
            lengths[column] = diagonal + 1 if word == candidate else max(above, lengths[column - 1])
            diagonal = above
    return _f1(lengths[-1], len(one), len(other))


def _f1(common: int, one: int, other: int) -> float:
    return 2 * common / (one + other) if common else 0.0


@functools.cache
def _article_pattern(language: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(_ARTICLES[language].split())})\b")


@functools.cache
def _elision_pattern(language: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{_ELISIONS[language]})['’](?=\w)")
