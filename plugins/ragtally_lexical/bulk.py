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

from ragtally.support.unspaced import SIGNS_AND_MARKS
from ragtally_lexical.token_kernels import HYPHEN, SIGN, WORD, count_terms, cut_tokens, move_slots, number_tokens
from ragtally_lexical.tokens import Tokenizer, Vocabulary

_CODE_POINTS = 0x110000
_FEWEST_SLOTS = 1 << 18
_AHEAD = 4

# Of some texts the columns `term`, `count`, `sizes` and `lengths` of `TermCounts`, but for `count` not yet narrow.
Columns = tuple[NDArray[np.int32], NDArray[np.integer], NDArray[np.int32], NDArray[np.int32]]


def count_batches(
    batches: Iterable[Sequence[str]], tokenizer: Tokenizer, vocabulary: Vocabulary
) -> Iterator[Columns]:
    """Count the terms of texts, batch by batch."""
    reader, counter = _Reader(tokenizer), _Counter(vocabulary)
    # The loops run without the interpreter's lock: while they read ahead, new tokens of earlier batches are stemmed.
    with ThreadPoolExecutor(1) as worker:
        ahead: deque[Future[_TokenNumbers]] = deque()
        for batch in batches:
            ahead.append(worker.submit(reader.read, batch))
            if len(ahead) > _AHEAD:
                yield counter.count(ahead.popleft().result())
        while ahead:
            yield counter.count(ahead.popleft().result())


@dataclass(frozen=True, slots=True)
class _TokenNumbers:
    """Texts as numbers of tokens."""

    numbers: NDArray[np.int32]  # The tokens' numbers, one text after the other
    past: NDArray[np.int64]  # Per text, the number of tokens up to and with it
    # The records of the tokens that got a number for the first time, in order (see `number_tokens`).
    new: NDArray[np.uint32]


class _Reader:
    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._kinds = _kinds(tokenizer.rule.hyphens, tokenizer.has_signs)
        self._slots = np.full(_FEWEST_SLOTS, -1, np.int64)
        self._records = np.empty(0, np.uint32)
        self._positions = self._widths = np.empty(0, np.int32)
        self._hashes = np.empty(0, np.uint32)
        self._records_end = self._token_count = 0

    def read(self, texts: Sequence[str]) -> _TokenNumbers:
        text, ends = self._fold(texts)
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        if len(codes) > len(self._positions):
            # Reused by the next batches: getting new pages from the system for each takes as long as the work.
            self._positions, self._widths = np.empty(len(codes), np.int32), np.empty(len(codes), np.int32)
            self._hashes = np.empty(len(codes), np.uint32)
        positions, widths, hashes = self._positions, self._widths, self._hashes
        past, rule = np.empty(len(texts), np.int64), self._tokenizer.rule
        cut_tokens(codes, ends, self._kinds, rule.shortest, rule.gram, positions, widths, hashes, past)
        count = int(past[-1])
        self._make_room(count, int(widths[:count].sum()))
        numbers = np.empty(count, np.int32)
        start = self._records_end
        end, self._token_count = number_tokens(
            codes, positions, widths, hashes, count, self._slots, self._records, start, self._token_count, numbers
        )
        self._records_end = end
        return _TokenNumbers(numbers, past, self._records[start:end].copy())

    def _fold(self, texts: Sequence[str]) -> tuple[str, NDArray[np.int64]]:
        # A line break is no part of a token, and lower case does not look across it.
        lower = self._tokenizer.fold("\n".join(texts))
        lengths = [*map(len, texts)]
        if self._tokenizer.has_signs or len(lower) != sum(lengths) + len(texts) - 1:
            # A few letters are longer in lower case, and NFKC makes some longer and some shorter.
            parts = [self._tokenizer.fold(text) for text in texts]
            lower, lengths = "\n".join(parts), [*map(len, parts)]
        return lower, np.cumsum(np.array(lengths, np.int64) + 1) - 1

    def _make_room(self, tokens: int, characters: int) -> None:
        capacity = self._records_end + 2 * tokens + characters
        if capacity > len(self._records):
            records = np.empty(2 * capacity, np.uint32)
            records[: self._records_end] = self._records[: self._records_end]
            self._records = records
        if 2 * (self._token_count + tokens) > len(self._slots):
            slots = np.full(1 << (4 * (self._token_count + tokens)).bit_length(), -1, np.int64)
            move_slots(self._slots, slots)
            self._slots = slots


class _Counter:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._term_of = np.empty(0, np.int32)
        self._token_count = 0
        self._latest = np.zeros(0, np.int64)

    def count(self, tokens: _TokenNumbers) -> Columns:
        self._add_terms(_tokens(tokens.new))
        terms, counts = np.empty(len(tokens.numbers), np.int32), np.empty(len(tokens.numbers), np.uint32)
        sizes, lengths = np.empty(len(tokens.past), np.int32), np.empty(len(tokens.past), np.int32)
        count = count_terms(tokens.numbers, tokens.past, self._term_of, self._latest, terms, counts, sizes, lengths)
        return terms[:count].copy(), counts[:count], sizes, lengths

    def _add_terms(self, new: Sequence[str]) -> None:
        past = self._token_count + len(new)
        if past > len(self._term_of):
            term_of, latest = np.empty(2 * past, np.int32), np.zeros(2 * past, np.int64)
            term_of[: self._token_count] = self._term_of[: self._token_count]
            self._term_of, self._latest = term_of, latest
        self._term_of[self._token_count : past] = self._vocabulary.rows(new)
        self._token_count = past


def _tokens(records: NDArray[np.uint32]) -> list[str]:
    tokens = []
    text, widths = records.tobytes(), records.tolist()
    position = 0
    while position < len(widths):
        past = position + 2 + widths[position + 1]
        tokens.append(text[4 * (position + 2) : 4 * past].decode("utf-32-le", "surrogatepass"))
        position = past
    return tokens


@cache
def _kinds(hyphens: bool, signs: bool) -> NDArray[np.uint8]:
    every = np.arange(_CODE_POINTS, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    kinds = np.zeros(_CODE_POINTS, np.uint8)
    for run in re.finditer(r"\w+", every):
        kinds[run.start() : run.end()] = WORD
    if hyphens:
        kinds[ord("-")] = HYPHEN
    if signs:
        for run in re.finditer(f"[{SIGNS_AND_MARKS}]+", every):
            kinds[run.start() : run.end()] = SIGN
    return kinds
