"""Corpora: the documents that are searched, one set of them or one of each parser, and the questions about them."""

from __future__ import annotations

from typing import Any, NamedTuple

from ragtally.api import Choice
from ragtally.steps import SAMPLE, Task, TaskFactory


class Corpus(NamedTuple):
    """The documents that are searched, and the questions with their evidence in these."""

    parser: Choice | None  # What read the files; None where parsers are not compared
    label: str  # What cells' names call it; empty without parsers
    dataset: Task
    sample: Task

    def name(self, rest: str) -> str:
        """The name of something made of this corpus."""
        return f"{self.label}/{rest}" if self.label else rest


def sample_task(
    factory: TaskFactory,
    dataset: Task,
    *,
    split: str | None,
    answers: tuple[str, ...],
    is_open: bool = False,
    size: int | None = None,
    balance: bool = False,
    seed: int = 0,
    may_be_empty: bool = False,
    **about: Any,
) -> Task:
    """The questions of one split."""
    settings: dict[str, Any] = {"split": split, "answers": answers, "size": size, "balance": balance}
    if may_be_empty:
        settings["may_be_empty"] = True
    if is_open:
        settings["open"] = True
    # Where nothing is drawn, the seed does not count.
    if size is not None or balance:
        settings["seed"] = seed
    return factory.task(SAMPLE, settings=settings, inputs={"prepare": dataset}, **about)
