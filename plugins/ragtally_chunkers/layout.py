"""Texts laid end to end as one row of characters, so that numpy looks at all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# What a character is, as bits of `Layout.kinds`; several of them may be set.
SPACE, STOP, CLOSING, OPENING, IDEOGRAPHIC, LINE_FEED = 1, 2, 4, 8, 16, 32

# What ends a sentence.
STOPS = ".!?…。！？｡"
# Of these, the ones that need no white space behind them.
IDEOGRAPHIC_STOPS = "。！？｡"
# What may stand between the end of a sentence and the white space after it.
CLOSINGS = "\"'”’»)]}」』）"
# What may stand before the first word of a sentence.
OPENINGS = "\"'“‘«([{¿¡"

_BATCH_CHARACTERS = 1 << 19
_HIGHEST_CODE = 0x110000


class Layout(NamedTuple):
    """Texts laid end to end, with a line feed before, between and after them."""

    texts: Sequence[str]
    # Where each text begins; int64, shape [texts + 1], the last one where a further text would begin.
    offsets: NDArray[np.int64]
    codes: NDArray[np.uint32]  # The characters' code points; uint32, shape [characters]
    kinds: NDArray[np.uint8]  # What the characters are, as bits; uint8, shape [characters]
    # Where each word begins, a word being what stands between white space; int64, shape [words].
    word_starts: NDArray[np.int64]
    word_ends: NDArray[np.int64]  # Just past where each word ends; int64, shape [words]


def lay_out(texts: Sequence[str]) -> Layout:
    """Lay texts end to end."""
    text = "\n" + "\n".join(texts) + "\n"
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    offsets = np.concatenate([[1], 1 + np.cumsum(lengths + 1)])
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    kinds = _kinds().take(codes)
    # Every text stands between line feeds, so words start and end in turns and none reaches into the next text.
    space = (kinds & SPACE).view(np.bool_)
    edges = np.flatnonzero(space[1:] != space[:-1]) + 1
    return Layout(texts, offsets, codes, kinds, edges[0::2], edges[1::2])


class Pieces(NamedTuple):
    """Pieces of a layout without white space at their ends."""

    rows: NDArray[np.int64]  # Which of the pieces hold anything else than white space; int64, shape [pieces]
    starts: NDArray[np.int64]  # Where each of these begins; int64, shape [pieces]
    ends: NDArray[np.int64]  # Just past where each ends; int64, shape [pieces]


def trim(layout: Layout, begins: NDArray[np.int64], finishes: NDArray[np.int64]) -> Pieces:
    """Leave the white space at the ends of pieces out."""
    # From the first word that ends after the piece's beginning to the last one that begins before its end.
    first = np.searchsorted(layout.word_ends, begins, side="right")
    last = np.searchsorted(layout.word_starts, finishes, side="left") - 1
    rows = np.flatnonzero((first <= last) & (begins < finishes))
    return Pieces(
        rows,
        np.maximum(layout.word_starts[first[rows]], begins[rows]),
        np.minimum(layout.word_ends[last[rows]], finishes[rows]),
    )


def in_batches(texts: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """Split texts into batches of about half a million characters, which caches still hold."""
    first, characters = 0, 0
    for row, text in enumerate(texts):
        characters += len(text)
        if characters >= _BATCH_CHARACTERS:
            yield first, texts[first : row + 1]
            first, characters = row + 1, 0
    if first < len(texts):
        yield first, texts[first:]


@cache
def _kinds() -> NDArray[np.uint8]:
    table = np.zeros(_HIGHEST_CODE, dtype=np.uint8)
    # U+3000 is the highest white space of Unicode; a test holds this against every code point.
    table[[code for code in range(0x3001) if chr(code).isspace()]] = SPACE
    table[ord("\n")] |= LINE_FEED
    for characters, kind in (
        (STOPS, STOP),
        (IDEOGRAPHIC_STOPS, IDEOGRAPHIC),
        (CLOSINGS, CLOSING),
        (OPENINGS, OPENING),
    ):
        table[[ord(character) for character in characters]] |= kind
    return table
