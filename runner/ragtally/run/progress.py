"""How the work tells what it does."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is told how the work goes on."""

    def start(self, step: str, total: int, done: int) -> None:
        """A step begins.

        Args:
            step: Its name, or the model whose calls are delivered.
            total: How many pieces of work (or calls) it has.
            done: How many of them were done before.
        """
        ...

    def advance(self, step: str, label: str) -> None:
        """A piece of work is done.

        Args:
            step: Its step.
            label: What it was, or what was spent so far.
        """
        ...

    def measure(self, what: str, total: int, done: int, label: str = "") -> None:
        """Something outside the steps is so far: a download, say.

        Args:
            what: What.
            total: How much there is.
            done: How much of it is done.
            label: When it may end, say.
        """
        ...

    def warn(self, message: str) -> None:
        """Something was mended that the user should know of.

        Args:
            message: What.
        """
        ...

    def finish(self) -> None:
        """All work is done, or stopped."""
        ...
