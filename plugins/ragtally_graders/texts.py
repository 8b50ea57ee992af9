"""Graders that compare words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragtally import Grade, OpenAnswer
from ragtally.support.answer_text import answer_words, is_exact, token_f1


class Exact:
    """Compares whole answers."""

    def grade(self, answer: OpenAnswer) -> Grade:
        """See `ragtally.Grader`."""
        return _right_if(is_exact(answer.verdict, answer.references, answer.language))


@dataclass(frozen=True, slots=True)
class Contains:
    """Looks for a reference inside an answer."""

    most_words: int | None

    def grade(self, answer: OpenAnswer) -> Grade:
        """See `ragtally.Grader`."""
        words = answer_words(answer.verdict, answer.language)
        if self.most_words is not None and len(words) > self.most_words:
            return Grade.NO_MATCH
        references = (answer_words(reference, answer.language) for reference in answer.references)
        return _right_if(any(_stands_in(reference, words) for reference in references))


@dataclass(frozen=True, slots=True)
class TokenF1:
    """Counts common words."""

    at_least: float

    def grade(self, answer: OpenAnswer) -> Grade:
        """See `ragtally.Grader`."""
        return _right_if(token_f1(answer.verdict, answer.references, answer.language) >= self.at_least)


def _stands_in(part: Sequence[str], whole: Sequence[str]) -> bool:
    size = len(part)
    return bool(size) and any(whole[start : start + size] == part for start in range(len(whole) - size + 1))


def _right_if(is_like: bool) -> Grade:
    return Grade.RIGHT if is_like else Grade.NO_MATCH
