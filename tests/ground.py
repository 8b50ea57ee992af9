"""Ground to do single steps on: data written by hand, tasks made one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from made_up import ANSWERS, Given, choices
from ragtally.api import Answers, Choice, Component, Hits, Passages, Queries, Reading, Vote
from ragtally.steps import (
    Task,
    chunk,
    context,
    embed,
    embed_questions,
    index,
    parse,
    prepare,
    read,
    retrieve,
    sample,
    vote,
)
from workbench import Bench

GIVEN = Choice("dataset", "given")


@dataclass
class Ground:
    """Batches of data, prepared and sampled on demand."""

    bench: Bench

    @property
    def prepared(self) -> Task:
        return prepare.task(self.bench.factory, GIVEN)

    def sampled(self, **settings: object) -> Task:
        wanted = {"split": None, "answers": ANSWERS} | settings
        return sample.task(self.bench.factory, self.prepared, **wanted)  # type: ignore[arg-type]

    def chunked(self, size: int = 60) -> Task:
        return chunk.task(self.bench.factory, self.prepared, Choice("chunker", "pieces", {"size": size}))

    def retrieved(
        self, retriever: Choice, limit: int, chunker: Choice | None = None, sampled: Task | None = None
    ) -> Task:
        factory = self.bench.factory
        chunked = chunk.task(factory, self.prepared, chunker) if chunker else self.chunked()
        sampled = sampled or self.sampled()
        embedded = asked = None
        if "vectors" in self.bench.registry.traits(retriever).reads:
            embedded = embed.task(factory, self.prepared, chunked, retriever.parameters["embedder"])
            asked = embed_questions.task(factory, embedded, sampled)
        indexed = index.task(factory, self.prepared, chunked, embedded, retriever)
        return retrieve.task(factory, indexed, sampled, asked, retriever, limit)

    def control(self, condition: str, sampled: Task | None = None, seed: int = 1) -> Task:
        return context.control_task(self.bench.factory, self.prepared, sampled or self.sampled(), condition, seed)

    def read(
        self,
        reader: str,
        number: int = 0,
        contexts: Task | None = None,
        kept: Task | None = None,
        model: Task | None = None,
        sampled: Task | None = None,
    ) -> Task:
        cast = Vote("measure", number, 100 + number)
        return read.task(
            self.bench.factory,
            self.prepared,
            sampled or self.sampled(),
            Choice("reader", reader),
            cast,
            contexts=contexts,
            model=model,
            kept=kept,
        )

    def verdicts(self, readers: Sequence[str], rule: str = "majority", kept: Task | None = None) -> Task:
        factory, sampled = self.bench.factory, self.sampled()
        ballots = [
            parse.task(factory, sampled, self.read(name, number, kept=kept)) for number, name in enumerate(readers)
        ]
        return vote.task(factory, ballots, Choice("rule", rule))

    def do(self, task: Task) -> Path:
        return self.bench.do(task)


def given_readers(**said: Callable[[Reading, Vote], Answers] | dict[str, str | None]) -> dict[str, list[Component]]:
    """Readers by name that say what a test wants: choices by question (None is a failed call), or a function."""

    def reader(say: Callable[[Reading, Vote], Answers] | dict[str, str | None]) -> Given:
        if callable(say):
            return Given(say)
        return Given(lambda reading, vote: choices([say[name] for name in reading.id]))

    return {"reader": [Component(name, partial(reader, say), "Given.") for name, say in said.items()]}


@dataclass
class Fixed:
    """A retriever that returns what a test wants, and remembers what it was given."""

    hits: Hits
    queries: Queries | None = None

    def add(self, passages: Passages, vectors: object) -> None: ...

    def save(self, folder: Path) -> None: ...

    def load(self, folder: Path, passages: Passages, vectors: object) -> None: ...

    def search(self, queries: Queries, limit: int) -> Hits:
        self.queries = queries
        return self.hits


def hits(passages: Any, scores: Any = None) -> Hits:
    rows = np.array(passages)
    return Hits(rows, np.zeros(rows.shape, np.float32) if scores is None else np.array(scores, dtype=np.float32))
