"""The loops that numba compiles: imported only where there is enough work, since the import compiles or loads them.

They hold no lock, so that Python's threads run them side by side, and use none of numba's own threads. Compiled code
is kept on disk beside this file, or in the user's cache folder where that cannot be written; where neither can be,
each process compiles again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from ragtally.support.compilation import array, compile_ahead, read_only

_BLOCK, _BITS_BLOCK = 128, 512
# Sums are taken in any order, which is what makes them fast: `Comparison` bounds what that changes.
_ANY_ORDER = {"reassoc", "nsz", "contract"}


def _count_ones(_context: Any, _word: Any) -> Any:
    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


# Counts the ones of a word, by the processor's own instruction where it has one.
_ones: Any = intrinsic(_count_ones)


@compile_ahead(
    [read_only(types.float32, 2), read_only(types.float32, 2), array(types.float32, 2)], fastmath=_ANY_ORDER
)
def manhattan(questions: NDArray[np.float32], chunks: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Compute minus the Manhattan distance of all pairs."""
    last = len(questions) - 1
    # A block of chunks stays in the processor's cache while all questions pass over it, four at a time: so each
    # component of a chunk is loaded once for four.
    for start in range(0, len(chunks), _BLOCK):
        stop = min(start + _BLOCK, len(chunks))
        for first in range(0, len(questions), 4):
            second, third, fourth = min(first + 1, last), min(first + 2, last), min(first + 3, last)
            for chunk in range(start, stop):
                a = b = c = d = np.float32(0)
                for component in range(chunks.shape[1]):
                    value = chunks[chunk, component]
                    a += abs(questions[first, component] - value)
                    b += abs(questions[second, component] - value)
                    c += abs(questions[third, component] - value)
                    d += abs(questions[fourth, component] - value)
                out[first, chunk], out[second, chunk], out[third, chunk], out[fourth, chunk] = -a, -b, -c, -d


@compile_ahead(
    [
        *(read_only(types.uint64, 2), read_only(types.float32)) * 2,
        types.intp,
        types.boolean,
        array(types.float32, 2),
    ],
    fastmath=_ANY_ORDER,
)
def compare_bits(
    questions: NDArray[np.uint64],
    question_ones: NDArray[np.float32],
    words: NDArray[np.uint64],
    chunk_ones: NDArray[np.float32],
    start: int,
    as_share: bool,
    out: NDArray[np.float32],
) -> None:
    """Count the ones that both of a pair have, and make scores of these numbers, of all pairs."""
    pairs = len(words) // 2 * 2
    space = np.empty(_BITS_BLOCK, np.int32)
    for first in range(0, out.shape[1], _BITS_BLOCK):
        past = min(first + _BITS_BLOCK, out.shape[1])
        common, ones = space[: past - first], chunk_ones[start + first : start + past]
        for question in range(len(questions)):
            common[:] = 0
            # Over views, and two words at a time: so the compiler sees that it may count several chunks at once.
            for word in range(0, pairs, 2):
                one, other = questions[question, word], questions[question, word + 1]
                chunk_words = words[word, start + first : start + past]
                next_words = words[word + 1, start + first : start + past]
                for chunk in range(len(common)):
                    common[chunk] += np.int32(_ones(one & chunk_words[chunk]) + _ones(other & next_words[chunk]))
            for word in range(pairs, len(words)):
                one, chunk_words = questions[question, word], words[word, start + first : start + past]
                for chunk in range(len(common)):
                    common[chunk] += np.int32(_ones(one & chunk_words[chunk]))
            scores, of_question = out[question, first:past], question_ones[question]
            if as_share:
                for chunk in range(len(common)):
                    both = np.float32(common[chunk])
                    either = of_question + ones[chunk] - both
                    scores[chunk] = both / either if either > 0 else np.float32(1)
            else:
                for chunk in range(len(common)):
                    scores[chunk] = np.float32(2) * np.float32(common[chunk]) - of_question - ones[chunk]
