"""A made-up corpus whose words are distributed as in prose; the same every time."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

_STOP_WORDS = """a an and are as at be but by for if in into is it no not of on or such that the their then there
these they this to was will with"""
_ONSETS = "b c d f g h l m n p r s t v br ch cl dr gr pl pr st tr th"
_VOWELS = "a e i o u ea io"
_ENDINGS = ["", "", "", "s", "ed", "ing", "er", "ation", "al", "ity"]
_WORDS = 500_000
_KNEE = 6_000
_BATCH = 20_000


def write_corpus(folder: Path, chunks: int, questions: int) -> None:
    """Write `chunks.txt` and `questions.txt`, one text per line: chunks of 60 to 140 words, questions of 8 to 15.

    Word frequencies fall with the rank as 1 / rank up to rank 6,000 and as rank ** -1.6 beyond (two regimes, as found
    in English by Ferrer i Cancho and Solé, 2001), so that new words keep turning up as they do in real corpora.
    """
    draw = np.random.default_rng(20)
    words = np.array(_vocabulary(draw))
    ranks = np.arange(1, _WORDS + 1, dtype=np.float64)
    chances = np.where(ranks < _KNEE, 1 / (ranks + 2), _KNEE**0.6 / ranks**1.6)
    steps = np.cumsum(chances / chances.sum())

    def texts(count: int, shortest: int, longest: int) -> list[list[str]]:
        ends = np.cumsum(np.append(0, draw.integers(shortest, longest + 1, count)))
        rows = np.minimum(np.searchsorted(steps, draw.random(ends[-1])), _WORDS - 1)
        sequence = words[rows].tolist()
        return [sequence[start:end] for start, end in pairwise(ends.tolist())]

    with (folder / "chunks.txt").open("w", encoding="utf-8") as file:
        for start in range(0, chunks, _BATCH):
            for text in texts(min(_BATCH, chunks - start), 60, 140):
                sentences = (" ".join(text[first : first + 15]).capitalize() for first in range(0, len(text), 15))
                file.write(". ".join(sentences) + ".\n")
    lines = [" ".join(text).capitalize() + "?\n" for text in texts(questions, 8, 15)]
    (folder / "questions.txt").write_text("".join(lines), encoding="utf-8")


def _vocabulary(draw: np.random.Generator) -> list[str]:
    syllables = np.array(
        [onset + vowel + end for onset in _ONSETS.split() for vowel in _VOWELS.split() for end in ("", *"nrls")]
    )
    words = dict.fromkeys(_STOP_WORDS.split())
    for length, count in ((1, 300), (2, 100_000), (3, 3 * _WORDS)):
        # Frequent words are short.
        parts = syllables[draw.integers(0, len(syllables), (count, length))]
        endings = np.array(_ENDINGS)[draw.integers(0, len(_ENDINGS), count)]
        words |= dict.fromkeys("".join(word) for word in np.column_stack([parts, endings]).tolist())
    return list(words)[:_WORDS]


if __name__ == "__main__":
    write_corpus(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
