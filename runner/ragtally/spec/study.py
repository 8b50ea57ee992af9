"""A study as the rest of the engine sees it: every default filled in, every axis expanded, every name resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ragtally.errors import Place
from ragtally.types import Choice


@dataclass(frozen=True, slots=True)
class DatasetPick:
    """Which questions of which dataset.

    Attributes:
        choice: The dataset component.
        split: The split whose questions are asked; None for all.
        answers: The answers to keep questions of, in the spec's order; None for all that the dataset has.
    """

    choice: Choice
    split: str | None
    answers: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Sample:
    """How many of the questions.

    Attributes:
        size: At most so many; None for all.
        balance: Whether to take equally many of each class.
    """

    size: int | None = None
    balance: bool = False


@dataclass(frozen=True, slots=True)
class ReaderPick:
    """A reader under the name that the spec gives it.

    Attributes:
        name: The name in the spec.
        choice: The reader component.
        train_split: The split that it learns from, or that its prompts' examples come from; None for neither.
    """

    name: str
    choice: Choice
    train_split: str | None


@dataclass(frozen=True, slots=True)
class Budget:
    """Where to stop.

    Attributes:
        usd: US dollars for all calls that the study needs; None for no limit.
        hours: Hours of wall time of one run; None for no limit.
    """

    usd: float | None = None
    hours: float | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """Who votes on every question with its gold context in front, and how often.

    Attributes:
        voters: Names of readers.
        votes: Votes of each.
    """

    voters: tuple[str, ...]
    votes: int


@dataclass(frozen=True, slots=True)
class Base:
    """Which questions stay.

    Attributes:
        voters: Names of the voters whose ballots are pooled (`from` in a spec).
        rule: The vote rule.
        agree_with_gold: Whether the verdict must be the gold label.
        exclude_closed_book_right: Names of readers; a question that one of them answers right without any
            context is dropped.
    """

    voters: tuple[str, ...]
    rule: Choice
    agree_with_gold: bool
    exclude_closed_book_right: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """The axes; a cell is one pick from each.

    Attributes:
        chunker: Chunkers, axes inside their parameters expanded.
        retriever: Retrievers, likewise.
        top_k: How many chunks are put before the reader.
        context_words: How many words of the ranked chunks are put before the reader, instead.
        reader: Names of readers.
        votes: How many votes of the reader.
        rule: Vote rules.
    """

    chunker: tuple[Choice, ...] = ()
    retriever: tuple[Choice, ...] = ()
    top_k: tuple[int, ...] = ()
    context_words: tuple[int, ...] = ()
    reader: tuple[str, ...] = ()
    votes: tuple[int, ...] = (1,)
    rule: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Compare:
    """One family of comparisons: every cell against the cell that is equal on all axes but the baseline's.

    Attributes:
        metric: The metric's printed name.
        baseline: By axis the pick that the others are compared with: a choice, a number, or a reader's name.
    """

    metric: str
    baseline: Mapping[str, Choice | int | str]


@dataclass(frozen=True)
class Study:
    """One spec, resolved.

    Attributes:
        name: The study's name; its results lie in a folder of that name.
        seed: The seed from which every other is derived.
        dataset: Which questions of which dataset.
        sample: How many of them.
        readers: The readers by their names in the spec.
        label: Who labels; None where nobody does.
        base: Which questions stay; None where there is no base and all stay.
        grid: The axes.
        grid_on: Whether the grid's readers are asked the base's questions or all of them.
        controls: Conditions under which every reader of the grid is measured as well.
        metrics: The metrics, in the spec's order; `recall@5` is the choice `recall@k` with `k` = 5.
        file: The spec's path as the user typed it.
        models: The language models by their names in the spec.
        budget: Where to stop.
        max_failed: The largest share of a step's calls that may fail for good.
        compare: The families of comparisons that the report tests.
        select_on: `all` to pick the best cell on all questions, `dev` on one half, to score it on the other.
        places: Where in the file each key stands, by dotted path (`grid.retriever`, `readers.tiny`).
    """

    name: str
    seed: int
    dataset: DatasetPick
    sample: Sample
    readers: Mapping[str, ReaderPick]
    label: Label | None
    base: Base | None
    grid: Grid
    grid_on: str
    controls: tuple[str, ...]
    metrics: tuple[Choice, ...]
    file: str
    models: Mapping[str, Choice] = field(default_factory=dict)
    budget: Budget = Budget()
    max_failed: float = 0.0
    compare: tuple[Compare, ...] = ()
    select_on: str = "all"
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)

    def components(self) -> Iterator[tuple[str, Choice]]:
        """List everything that the study names and that may need something of the world outside.

        Yields:
            What to call it, and the component; those that a retriever or chunker names inside come before it, and the
            same one twice comes once.
        """
        yield f"dataset {self.dataset.choice.name}", self.dataset.choice
        yield from ((f"model {name}", choice) for name, choice in self.models.items())
        yield from ((f"reader {name}", pick.choice) for name, pick in self.readers.items())
        seen: list[Choice] = []
        for axis in (self.grid.chunker, self.grid.retriever):
            for choice in axis:
                for each in _with_inner(choice):
                    if each not in seen:
                        seen.append(each)
                        yield f"{each.kind} {each.name}", each

    def place(self, path: str) -> Place:
        """Say where in the spec a key stands.

        Args:
            path: The key's dotted path.

        Returns:
            Its place, or that of the nearest key above it.
        """
        while path and path not in self.places:
            path = path.rpartition(".")[0]
        return self.places.get(path, Place(self.file))


def _with_inner(choice: Choice) -> Iterator[Choice]:
    for kind in ("embedder", "chunker", "retriever"):
        for inner in choice.inner(kind):
            yield from _with_inner(inner)
    yield choice
