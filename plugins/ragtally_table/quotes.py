"""Where a quote stands in a text: exactly; but for white space, hyphens, quotation marks and forms of letters; or as
words that are nearly the same.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from functools import cached_property
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from ragtally import QuoteMatch

# White space and all hyphens: a PDF breaks words at line ends, and nobody can tell whose hyphen it was.
_NEGLIGIBLE = r"[\s\-\u00ad\u2010-\u2015\u2212\u200b-\u200d\u2060\ufeff]+"
# Printable ASCII without hyphens and quotation marks, that no combining mark follows: nothing to do about it.
_PLAIN = r"(?:[!#-&(-,.-_a-~](?![\u0300-\u036f]))+"
_PIECES = re.compile(rf"(?P<ignored>{_NEGLIGIBLE})|(?P<plain>{_PLAIN})|.[\u0300-\u036f]*", re.DOTALL)
_MARKS = str.maketrans({**dict.fromkeys("„“”‟«»〝〞＂", '"'), **dict.fromkeys("‚‘’‛‹›`´′＇", "'")})


class Match(NamedTuple):
    """Where a quote stands."""

    start: int
    end: int
    is_unique: bool  # Whether it stands nowhere else in what was searched
    how: QuoteMatch = "verbatim"
    similarity: float = 1.0  # How alike the quote and its place are, from 0 to 1


class QuotedText:
    """A text in which quotes are looked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    def find(self, quote: str, start: int = 0, end: int | None = None) -> Match | None:
        """The first place of a quote between two offsets; one that begins and ends with whole words comes first."""
        end = len(self.text) if end is None else end
        places = _occurrences(self.text, quote, start, end)
        spans = [(at, at + len(quote)) for at in places]
        how: QuoteMatch = "verbatim" if spans else "normalised"
        if not spans:
            form = _fold(quote).text
            first, last = self._fold.between(start, end)
            places = _occurrences(self._fold.text, form, first, last) if form else []
            spans = [(self._fold.starts[at], self._fold.ends[at + len(form) - 1]) for at in places]
        if not spans:
            return None
        whole = [span for span in spans if self._is_whole(*span)]
        return Match(*(whole or spans)[0], is_unique=len(whole or spans) == 1, how=how)

    def align(self, quote: str, at_least: float, start: int = 0, end: int | None = None) -> Match | None:
        """The words between two offsets that are most like a quote, if they are so alike at least."""
        form = _fold(quote).text
        if len(form) < _SHORTEST_ALIGNED:
            return None
        first, last = self._fold.between(start, len(self.text) if end is None else end)
        best: Match | None = None
        for begin, stop in _neighbourhoods(form, self._fold.text, first, last):
            area = self._fold.text[begin:stop]
            alignment = fuzz.partial_ratio_alignment(form, area, score_cutoff=100 * at_least)
            if alignment is None or (best is not None and alignment.score <= 100 * best.similarity):
                continue
            words = area[alignment.dest_start : alignment.dest_end]
            # Prices, dates and amounts are what a quote is about: a place with other numbers is another place.
            if _digits(words) != _digits(form):
                continue
            same = [block for block in Indel.opcodes(form, words) if block.tag == "equal"]
            begin += alignment.dest_start
            start = self._fold.starts[begin + same[0].dest_start]
            end = self._fold.ends[begin + same[-1].dest_end - 1]
            best = Match(*self._whole_words(start, end), True, "aligned", alignment.score / 100)
        return best

    def _whole_words(self, start: int, end: int) -> tuple[int, int]:
        """Widen a span to the words that it begins and ends in."""
        while start > 0 and self.text[start - 1].isalnum() and self.text[start].isalnum():
            start -= 1
        while end < len(self.text) and self.text[end - 1].isalnum() and self.text[end].isalnum():
            end += 1
        return start, end

    @cached_property
    def _fold(self) -> _Fold:
        return _fold(self.text)

    def _is_whole(self, start: int, end: int) -> bool:
        text = self.text
        cut_before = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
        cut_after = end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
        return not cut_before and not cut_after


# More places than this of one quote are not told apart: it is no evidence of anything.
_MOST_PLACES = 1_000


def _occurrences(text: str, quote: str, start: int, end: int) -> list[int]:
    places: list[int] = []
    at = text.find(quote, start, end)
    while at >= 0 and len(places) < _MOST_PLACES:
        places.append(at)
        at = text.find(quote, at + 1, end)
    return places


# Of fewer characters than these, words that are nearly the same may well say something else.
_SHORTEST_ALIGNED = 16
# A place is looked at closely only where a piece of so many characters of the quote stands.
_PIECE = 6


def _neighbourhoods(form: str, text: str, first: int, last: int) -> list[tuple[int, int]]:
    """Where in a text pieces of a quote stand, with room around them for the rest of it."""
    slack = len(form) // 2
    begins = {
        place - offset
        for offset in range(0, len(form) - _PIECE + 1, _PIECE)
        for place in _occurrences(text, form[offset : offset + _PIECE], first, last)
    }
    areas: list[tuple[int, int]] = []
    for begin in sorted(begins):
        start, end = max(first, begin - slack), min(last, begin + len(form) + slack)
        if areas and start <= areas[-1][1]:
            areas[-1] = areas[-1][0], max(end, areas[-1][1])
        else:
            areas.append((start, end))
    return areas


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


class _Fold(NamedTuple):
    """A text without what may differ, and where each of its characters is from."""

    text: str
    starts: array[int]
    ends: array[int]

    def between(self, start: int, end: int) -> tuple[int, int]:
        """The characters that are from between two offsets."""
        from bisect import bisect_left

        return bisect_left(self.starts, start), bisect_left(self.starts, end)


def _fold(text: str) -> _Fold:
    pieces: list[str] = []
    starts, ends = array("l"), array("l")
    for match in _PIECES.finditer(text):
        if match["ignored"]:
            continue
        if match["plain"]:
            pieces.append(match[0])
            starts.extend(range(match.start(), match.end()))
            ends.extend(range(match.start() + 1, match.end() + 1))
            continue
        # NFKC, so that a ligature is its letters, and a full-width letter is one of the usual width.
        piece = re.sub(_NEGLIGIBLE, "", unicodedata.normalize("NFKC", match[0]).translate(_MARKS))
        pieces.append(piece)
        starts.extend([match.start()] * len(piece))
        ends.extend([match.end()] * len(piece))
    return _Fold("".join(pieces), starts, ends)
