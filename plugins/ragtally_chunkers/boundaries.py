"""Where sentences end in texts laid end to end: the rule of `ragtally_chunkers.sentences` for all marks at once.

Most marks are plain (`... was safe. We then ...`), and numpy tells so from a few characters around them. What is
left (what stands before a full stop may be an abbreviation, an initial or an item's number; what follows begins with
a small letter, a quote or a letter beyond ASCII) is asked of the rule itself, one by one.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragtally_chunkers.abbreviations import abbreviations
from ragtally_chunkers.layout import CLOSING, IDEOGRAPHIC, LINE_FEED, OPENING, SPACE, STOP, Layout
from ragtally_chunkers.sentences import LONGEST_TOKEN, ends_here

# Tokens of up to so many characters are compared with the abbreviations, one byte a character.
_TOKEN = 8
_ASCII = 0x7F
_FULL_STOP = ord(".")


class _Marks(NamedTuple):
    """Marks that may end a sentence, as places in the layout; int64, shape [marks]."""

    first: NDArray[np.int64]  # Where the marks begin
    end: NDArray[np.int64]  # Just past the marks and the quotes and brackets that close after them

    def take(self, rows: NDArray[np.bool_]) -> _Marks:
        return _Marks(self.first[rows], self.end[rows])


def sentence_cuts(layout: Layout, language: str | None = None) -> NDArray[np.int64]:
    """Find where sentences end by marks and by empty lines."""
    if not len(layout.word_starts):
        return np.zeros(0, dtype=np.int64)
    marks = _marks(layout)
    always = _is(layout, marks.first, IDEOGRAPHIC)
    certain = np.sort(np.concatenate([_empty_lines(layout), marks.end[always]]))
    open_marks = marks.take(~always & _is(layout, marks.end, SPACE))
    plain, doubtful = _classify(layout, open_marks, marks.end[always], _keys(language))
    certain = np.sort(np.concatenate([certain, open_marks.end[plain]]))
    return np.concatenate([certain, _decide(layout, open_marks.take(doubtful), certain, language)])


def _is(layout: Layout, places: NDArray[np.int64], kind: int) -> NDArray[np.bool_]:
    has_kind: NDArray[np.bool_] = (layout.kinds[places] & kind) != 0
    return has_kind


def _marks(layout: Layout) -> _Marks:
    stops, closings = _runs(layout, STOP), _runs(layout, CLOSING)
    end = stops.end
    at = np.searchsorted(closings.first, end)
    inner = np.flatnonzero(at < len(closings.first))
    inner = inner[closings.first[at[inner]] == end[inner]]
    end[inner] = closings.end[at[inner]]
    return _Marks(stops.first, end)


def _runs(layout: Layout, kind: int) -> _Marks:
    places = np.flatnonzero((layout.kinds & kind) != 0)
    first, last = np.diff(places, prepend=-2) > 1, np.diff(places, append=len(layout.kinds) + 1) > 1
    return _Marks(places[first], places[last] + 1)


def _empty_lines(layout: Layout) -> NDArray[np.int64]:
    """Find white space that holds two line feeds or more; also that between texts, which does no harm."""
    feeds = np.flatnonzero((layout.kinds & LINE_FEED) != 0)
    gap = np.searchsorted(layout.word_starts, feeds)
    second: NDArray[np.int64] = feeds[1:][gap[1:] == gap[:-1]]
    return second


def _classify(
    layout: Layout, marks: _Marks, ideographic: NDArray[np.int64], keys: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Sort marks into those that surely end a sentence and those that need a closer look."""
    # A mark that only white space follows in its text is neither: the text ends there anyway.
    codes = layout.codes
    word = np.searchsorted(layout.word_starts, marks.first, side="right") - 1
    following = layout.word_starts[np.minimum(word + 1, len(layout.word_starts) - 1)]
    text_end = layout.offsets[np.searchsorted(layout.offsets, marks.first, side="right")]
    relevant = (following > marks.first) & (following < text_end)

    next_letter = codes[following]
    small = (next_letter >= ord("a")) & (next_letter <= ord("z"))
    doubtful = small | (next_letter > _ASCII) | _is(layout, following, OPENING)
    single = np.flatnonzero(
        relevant & ~doubtful & (codes[marks.first] == _FULL_STOP) & (codes[marks.first + 1] != _FULL_STOP)
    )
    begin = layout.word_starts[word[single]]
    if len(ideographic):
        # A sentence that ended inside the word cuts the token before the mark short.
        earlier = np.searchsorted(ideographic, marks.first[single], side="right") - 1
        begin = np.where((earlier >= 0) & (ideographic[earlier] > begin), marks.first[single], begin)
    doubtful[single] = _may_not_end(layout, begin, marks.first[single], keys)
    return relevant & ~doubtful, relevant & doubtful


@cache
def _keys(language: str | None) -> NDArray[np.int64]:
    # Beyond ASCII every token is doubtful anyway.
    words = [word for word in abbreviations(language) if word.isascii() and len(word) <= _TOKEN]
    return np.sort([int.from_bytes(word.encode("ascii"), "big") for word in words])


def _may_not_end(
    layout: Layout, begin: NDArray[np.int64], mark: NDArray[np.int64], keys: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Mark where the token before a full stop may be an abbreviation, an initial or a number."""
    length = mark - begin
    back = np.arange(1, _TOKEN + 1)
    inside = back <= length[:, None]
    letters = np.where(inside, layout.codes[np.maximum(mark[:, None] - back, 0)], 0).astype(np.int64)
    small = np.where((letters >= ord("A")) & (letters <= ord("Z")), letters | 0x20, letters)
    key = (small << (8 * (back - 1))).sum(axis=1)
    is_abbreviation = keys[np.minimum(np.searchsorted(keys, key), len(keys) - 1)] == key
    digits = ((letters >= ord("0")) & (letters <= ord("9"))) | ~inside
    return np.asarray(
        is_abbreviation
        | (letters > _ASCII).any(axis=1)
        | digits.all(axis=1)
        | (letters[:, 1] == _FULL_STOP)
        | (length <= 1)
        | (length > LONGEST_TOKEN)
        | _is(layout, begin, OPENING)
    )


def _decide(layout: Layout, marks: _Marks, certain: NDArray[np.int64], language: str | None) -> NDArray[np.int64]:
    row = np.searchsorted(layout.offsets, marks.first, side="right") - 1
    offset = layout.offsets[row]
    # A place before every text stands in where nothing was cut before.
    earlier = np.concatenate([[0], certain])
    begin = np.maximum(offset, earlier[np.searchsorted(earlier, marks.first, side="right") - 1])
    cuts: list[int] = []
    sentence_end = 0
    columns = (column.tolist() for column in (row, offset, begin, marks.first, marks.end))
    for text, of_text, from_certain, first, end in zip(*columns, strict=True):
        sentence = max(from_certain, sentence_end)
        if ends_here(layout.texts[text], sentence - of_text, first - of_text, end - of_text, language):
            cuts.append(end)
            sentence_end = end
    return np.array(cuts, dtype=np.int64)
