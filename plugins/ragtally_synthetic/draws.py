"""Random draws in bulk: numpy makes the numbers, plain Python takes them one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_BLOCK = 1024


class Draws:
    """A stream of draws that depends on its key alone."""

    # One generator call a draw would cost more than writing the sentence, so uniform numbers come in blocks.

    __slots__ = ("_generator", "_numbers")

    def __init__(self, key: Sequence[int]) -> None:
        self._generator = np.random.default_rng(list(key))
        self._numbers: list[float] = []

    def uniform(self) -> float:
        """Draw a number from 0 up to, but not, 1."""
        if not self._numbers:
            self._numbers = self._generator.random(_BLOCK).tolist()
        return self._numbers.pop()

    def chance(self, share: float) -> bool:
        """Draw whether something happens."""
        return self.uniform() < share

    def below(self, bound: int) -> int:
        """Draw an integer from 0 up to, but not, a bound."""
        return int(self.uniform() * bound)

    def between(self, low: float, high: float) -> float:
        """Draw a number between two others."""
        return low + (high - low) * self.uniform()

    def pick(self, options: Sequence[T]) -> T:
        """Draw one of several."""
        return options[int(self.uniform() * len(options))]

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """Draw several different ones, in random order (Fisher and Yates, stopped early)."""
        order = list(options)
        size = len(order)
        for position in range(count):
            other = position + int(self.uniform() * (size - position))
            order[position], order[other] = order[other], order[position]
        return order[:count]

    def shuffle(self, options: Sequence[T]) -> list[T]:
        """Put things into a random order."""
        return self.sample(options, len(options))
