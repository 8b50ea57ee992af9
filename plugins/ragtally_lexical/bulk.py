"""Counts the terms of many texts by compiled loops, for large corpora."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ragtally_lexical.counting import Batch, Vocabulary, narrowed
from ragtally_lexical.token_kernels import HYPHEN, WORD, count_terms, cut_tokens, move_slots, number_tokens
from ragtally_lexical.tokens import Tokenizer

_CODE_POINTS = 0x110000
_FEWEST_SLOTS = 1 << 18
_AHEAD = 4


def count_batches(batches: Iterable[Sequence[str]], tokenizer: Tokenizer, vocabulary: Vocabulary) -> Iterator[Batch]:
    """Count the terms of texts, batch by batch."""
    reader, counter = _Reader(tokenizer), _Counter(vocabulary)
    # The loops run without the interpreter's lock: while they read ahead, new tokens of earlier batches are stemmed.
    with ThreadPoolExecutor(1) as worker:
        ahead: deque[Future[_Read]] = deque()
        for batch in batches:
            ahead.append(worker.submit(reader.read, batch))
            if len(ahead) > _AHEAD:
                yield counter.count(ahead.popleft().result())
        while ahead:
            yield counter.count(ahead.popleft().result())


@dataclass(frozen=True, slots=True)
class _Read:
    """Texts as numbers of tokens."""

    numbers: NDArray[np.int32]  # The tokens' numbers, one text after the other
    past: NDArray[np.int64]  # Per text, the number of tokens up to and with it
    # The records of the tokens that got a number for the first time, in order (see `number_tokens`).
    new: NDArray[np.uint32]


class _Reader:
    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._kinds = _kinds(tokenizer.rule.hyphens)
        self._slots = np.full(_FEWEST_SLOTS, -1, np.int64)
        self._records = np.empty(0, np.uint32)
        self._places = self._widths = np.empty(0, np.int32)
        self._hashes = np.empty(0, np.uint32)
        self._used = self._known = 0

    def read(self, texts: Sequence[str]) -> _Read:
        folded, ends = self._fold(texts)
        codes = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), np.uint32)
        if len(codes) > len(self._places):
            # Kept for the next batches: pages that the system hands out anew for each take as long as the work.
            self._places, self._widths = np.empty(len(codes), np.int32), np.empty(len(codes), np.int32)
            self._hashes = np.empty(len(codes), np.uint32)
        places, widths, hashes = self._places, self._widths, self._hashes
        past, rule = np.empty(len(texts), np.int64), self._tokenizer.rule
        cut_tokens(codes, ends, self._kinds, rule.shortest, rule.gram, places, widths, hashes, past)
        count = int(past[-1])
        self._make_room(count, int(widths[:count].sum()))
        numbers = np.empty(count, np.int32)
        start = self._used
        self._used, self._known = number_tokens(
            codes, places, widths, hashes, count, self._slots, self._records, self._used, self._known, numbers
        )
        return _Read(numbers, past, self._records[start : self._used].copy())

    def _fold(self, texts: Sequence[str]) -> tuple[str, NDArray[np.int64]]:
        # A line break is no part of a token, and lower case does not look across it.
        folded = self._tokenizer.fold("\n".join(texts))
        lengths = [*map(len, texts)]
        if len(folded) != sum(lengths) + len(texts) - 1:
            # A few letters are longer in lower case.
            parts = [self._tokenizer.fold(text) for text in texts]
            folded, lengths = "\n".join(parts), [*map(len, parts)]
        return folded, np.cumsum(np.array(lengths, np.int64) + 1) - 1

    def _make_room(self, tokens: int, characters: int) -> None:
        needed = self._used + 2 * tokens + characters
        if needed > len(self._records):
            records = np.empty(2 * needed, np.uint32)
            records[: self._used] = self._records[: self._used]
            self._records = records
        if 2 * (self._known + tokens) > len(self._slots):
            slots = np.full(1 << (4 * (self._known + tokens)).bit_length(), -1, np.int64)
            move_slots(self._slots, slots)
            self._slots = slots


class _Counter:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._term_of = np.empty(0, np.int32)
        self._known = 0
        self._latest = np.zeros(0, np.int64)

    def count(self, read: _Read) -> Batch:
        self._learn(_tokens(read.new))
        terms, counts = np.empty(len(read.numbers), np.int32), np.empty(len(read.numbers), np.uint32)
        sizes, lengths = np.empty(len(read.past), np.int32), np.empty(len(read.past), np.int32)
        count = count_terms(read.numbers, read.past, self._term_of, self._latest, terms, counts, sizes, lengths)
        return Batch(terms[:count].copy(), narrowed(counts[:count]), sizes, lengths)

    def _learn(self, new: Sequence[str]) -> None:
        past = self._known + len(new)
        if past > len(self._term_of):
            term_of, latest = np.empty(2 * past, np.int32), np.zeros(2 * past, np.int64)
            term_of[: self._known] = self._term_of[: self._known]
            self._term_of, self._latest = term_of, latest
        self._term_of[self._known : past] = self._vocabulary.rows(new)
        self._known = past


def _tokens(records: NDArray[np.uint32]) -> list[str]:
    tokens = []
    text, widths = records.tobytes(), records.tolist()
    location = 0
    while location < len(widths):
        past = location + 2 + widths[location + 1]
        tokens.append(text[4 * (location + 2) : 4 * past].decode("utf-32-le", "surrogatepass"))
        location = past
    return tokens


@cache
def _kinds(hyphens: bool) -> NDArray[np.uint8]:
    every = np.arange(_CODE_POINTS, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    kinds = np.zeros(_CODE_POINTS, np.uint8)
    for run in re.finditer(r"\w+", every):
        kinds[run.start() : run.end()] = WORD
    if hyphens:
        kinds[ord("-")] = HYPHEN
    return kinds
