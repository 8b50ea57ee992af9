"""How a text becomes tokens, and tokens terms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import Stemmer

from ragtally_lexical.stop_words import stop_words

_HYPHENS = ("\u2010", "\u2011")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a tokenizer takes for a token: a run of letters, digits and underscores (`w` of a regex)."""

    shortest: int  # How many characters a run has at least
    hyphens: bool = False  # Whether one hyphen between two word characters holds a run together
    # Into pieces of how many characters a run is cut, overlapping; 0 to leave it whole. A shorter run is one piece.
    gram: int = 0


# Every tokenizer's rule, by its name in a spec.
RULES = {"words": Rule(shortest=2), "hyphenated": Rule(shortest=1, hyphens=True), "bigrams": Rule(shortest=1, gram=2)}


class Tokenizer:
    r"""Cuts texts into tokens and says which term a token belongs to."""

    # With the rule `words` both are as in bm25s: `re.findall(r"(?u)\b\w\w+\b", text.lower())`, then stop words are
    # left out, then the others stemmed.

    def __init__(self, tokenizer: str, stemmer: str | None, stopwords: str | None) -> None:
        self.rule = RULES[tokenizer]
        # Every token is stemmed once, so that a cache would only cost time.
        self._stemmer = Stemmer.Stemmer(stemmer, 0) if stemmer else None
        self._stop_words = stop_words(stopwords)
        self._runs = re.compile(r"\w+(?:-\w+)*" if self.rule.hyphens else rf"\w{{{self.rule.shortest},}}")

    def fold(self, text: str) -> str:
        """Write a text in lower case, and its hyphens the same way where they count."""
        text = text.lower()
        if self.rule.hyphens:
            for hyphen in _HYPHENS:
                text = text.replace(hyphen, "-")
        return text

    def tokens(self, text: str) -> list[str]:
        """Cut a text."""
        runs: list[str] = self._runs.findall(self.fold(text))
        gram = self.rule.gram
        if not gram:
            return runs
        return [run[location : location + gram] for run in runs for location in range(max(1, len(run) - gram + 1))]

    def terms(self, tokens: Sequence[str]) -> list[str | None]:
        """Say which terms tokens belong to."""
        stems = self._stemmer.stemWords(list(tokens)) if self._stemmer else tokens
        return [None if token in self._stop_words else term for token, term in zip(tokens, stems, strict=True)]
