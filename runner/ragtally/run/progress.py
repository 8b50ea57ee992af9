"""How the work tells what it does."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is told how the work goes on."""

    def start(self, step: str, total: int, done: int) -> None:
        """A step begins."""
        ...

    def advance(self, step: str, label: str) -> None:
        """A piece of work is done."""
        ...

    def measure(self, what: str, total: int, done: int, label: str = "") -> None:
        """Something outside the steps is so far: a download, say."""
        ...

    def warn(self, message: str) -> None:
        """Something was mended that the user should know of."""
        ...

    def finish(self) -> None:
        """All work is done, or stopped."""
        ...
