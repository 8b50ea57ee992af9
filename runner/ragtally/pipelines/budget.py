"""How much of the ranked passages reaches a reader; the same for a whole benchmark and for one question."""

# Apart from the components, which need Haystack.

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import polars as pl

from ragtally.api import Hits, Spans
from ragtally.support.unspaced import counted_words

_COLUMNS = ("question", "document", "start", "end")


def cut_to_words(
    passages: pl.DataFrame, budget: int, texts: Sequence[str], language: str | None = None
) -> pl.DataFrame:
    """Keep so many words of each question's passages; a passage is cut where the words are used up."""
    word = counted_words(language)
    rows: list[tuple[int, int, int, int]] = []
    current, left = -1, 0
    for question, document, start, end in passages.select(_COLUMNS).iter_rows():
        if question != current:
            current, left = question, budget
        if not left:
            continue
        ends = [match.end() for match in itertools.islice(word.finditer(texts[document], start, end), left)]
        left -= len(ends)
        # What is cut is cut behind a word; a passage that fits stays as it is.
        rows.append((question, document, start, end if left or not ends else ends[-1]))
    columns = np.array(rows, dtype=np.int32).reshape(-1, 4).T
    return pl.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))


def passages_of(hits: Hits, spans: Spans, top_k: int | None) -> pl.DataFrame:
    """Write the first hits of every question as passages, best first."""
    passage = hits.passage[:, :top_k]
    questions, ranks = np.nonzero(passage >= 0)
    rows = passage[questions, ranks]
    columns = np.stack([questions, spans.document[rows], spans.start[rows], spans.end[rows]]).astype(np.int32)
    return pl.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))
