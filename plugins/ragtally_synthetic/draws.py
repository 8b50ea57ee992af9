"""Random draws in bulk: numpy makes the numbers, plain Python takes them one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_BLOCK = 1024


class Draws:
    """A stream of draws that depends on its key alone.

    One generator call a draw would cost more than writing the sentence, so uniform numbers come in blocks.
    """

    __slots__ = ("_generator", "_numbers")

    def __init__(self, key: Sequence[int]) -> None:
        """Start a stream.

        Args:
            key: Non-negative integers; equal keys give equal streams, different keys independent ones.
        """
        self._generator = np.random.default_rng(list(key))
        self._numbers: list[float] = []

    def uniform(self) -> float:
        """Draw a number from 0 up to, but not, 1."""
        if not self._numbers:
            self._numbers = self._generator.random(_BLOCK).tolist()
        return self._numbers.pop()

    def chance(self, share: float) -> bool:
        """Draw whether something happens.

        Args:
            share: How often it does, 0 to 1.
        """
        return self.uniform() < share

    def below(self, bound: int) -> int:
        """Draw an integer from 0 up to, but not, a bound.

        Args:
            bound: The bound, at least 1.
        """
        return int(self.uniform() * bound)

    def between(self, low: float, high: float) -> float:
        """Draw a number between two others.

        Args:
            low: The least.
            high: The largest.
        """
        return low + (high - low) * self.uniform()

    def pick(self, options: Sequence[T]) -> T:
        """Draw one of several.

        Args:
            options: What there is to choose from, at least one.
        """
        return options[int(self.uniform() * len(options))]

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """Draw several different ones, in random order (Fisher and Yates, stopped early).

        Args:
            options: What there is to choose from; left as it is.
            count: How many, at most as many as there are.
        """
        order = list(options)
        size = len(order)
        for place in range(count):
            other = place + int(self.uniform() * (size - place))
            order[place], order[other] = order[other], order[place]
        return order[:count]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """Put things into a random order.

        Args:
            options: The things; left as they are.
        """
        return self.sample(options, len(options))
