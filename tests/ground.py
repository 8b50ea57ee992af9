"""Ground to do single steps on: data written by hand, tasks made one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ragtally.api import Answers, Choice, Component, Hits, Passages, Queries, Reading, Vote
from ragtally.plan.tasks import sample_task
from ragtally.steps import (
    BASE,
    CHUNK,
    CONTEXT,
    CONTEXT_RELEVANCE,
    EMBED,
    EMBED_QUESTIONS,
    INDEX,
    PARSE,
    PREPARE,
    READ,
    RELEVANCE,
    RETRIEVE,
    TRAIN,
    VOTE,
    Step,
    Task,
)
from toy_study import ANSWERS, ScriptedReader, choices
from workbench import Bench

GIVEN = Choice("dataset", "given")


@dataclass
class Ground:
    """Batches of data, prepared and sampled on demand."""

    bench: Bench

    def task(self, step: Step, **work: Any) -> Task:
        return self.bench.factory.task(step, **work)

    @property
    def dataset(self) -> Task:
        return self.task(PREPARE, choices={"dataset": GIVEN})

    def sample(self, **settings: Any) -> Task:
        settings = {"split": None, "answers": ANSWERS} | settings
        return sample_task(self.bench.factory, self.dataset, **settings)

    def chunks(self, size: int = 60, chunker: Choice | None = None) -> Task:
        choice = chunker or Choice("chunker", "pieces", {"size": size})
        return self.task(CHUNK, choices={"chunker": choice}, inputs={"prepare": self.dataset})

    def hits(self, retriever: Choice, limit: int, chunker: Choice | None = None, sample: Task | None = None) -> Task:
        sample, vectors, queries = sample or self.sample(), None, None
        corpus = {"prepare": self.dataset, "chunk": self.chunks(chunker=chunker)}
        if "vectors" in self.bench.registry.traits(retriever).reads:
            choices = {"embedder": retriever.parameters["embedder"]}
            vectors = self.task(EMBED, choices=choices, inputs=corpus)
            queries = self.task(EMBED_QUESTIONS, choices=choices, inputs={"sample": sample, "embed": vectors})
        choices, inputs = {"retriever": retriever}, {**corpus, "embed": vectors}
        inputs = {**inputs, "index": self.task(INDEX, choices=choices, inputs=inputs, search=False)}
        inputs |= {"sample": sample, "embed_questions": queries}
        return self.task(RETRIEVE, choices=choices, settings={"limit": limit}, inputs=inputs)

    def relevance(self, hits: Task) -> Task:
        inputs = {"chunk": hits.inputs["chunk"], "sample": self.sample(), "retrieve": hits}
        return self.task(RELEVANCE, inputs=inputs)

    def control(self, condition: str, sample: Task | None = None, seed: int = 1) -> Task:
        settings = {"condition": condition} | ({"seed": seed} if condition == "wrong_context" else {})
        return self.task(
            CONTEXT, settings=settings, inputs={"prepare": self.dataset, "sample": sample or self.sample()}
        )

    def context(self, hits: Task, **budget: int) -> Task:
        inputs = {"prepare": self.dataset, "sample": self.sample(), "chunk": hits.inputs["chunk"], "retrieve": hits}
        return self.task(CONTEXT, settings={"condition": "retrieved", **budget}, inputs=inputs)

    def context_relevance(self, context: Task) -> Task:
        inputs = {"prepare": self.dataset, "sample": self.sample(), "context": context}
        return self.task(
            CONTEXT_RELEVANCE, settings={"context_words": context.settings["context_words"]}, inputs=inputs
        )

    def train(self, reader: Choice, vote: Vote, sample: Task, context: Task) -> Task:
        inputs = {"prepare": self.dataset, "sample": sample, "context": context}
        return self.task(TRAIN, choices={"reader": reader}, settings=_vote(vote), inputs=inputs)

    def answers(
        self,
        reader: str,
        number: int = 0,
        context: Task | None = None,
        base: Task | None = None,
        model: Task | None = None,
        sample: Task | None = None,
    ) -> Task:
        inputs = {"prepare": self.dataset, "sample": sample or self.sample()}
        inputs |= {"context": context, "train": model, "base": base}  # type: ignore[dict-item]
        vote = Vote("measure", number, 100 + number)
        return self.task(READ, choices={"reader": Choice("reader", reader)}, settings=_vote(vote), inputs=inputs)

    def ballots(self, answers: Task, sample: Task | None = None) -> Task:
        return self.task(PARSE, inputs={"sample": sample or self.sample(), "read": answers})

    def verdicts(self, readers: Sequence[str], rule: str = "majority", base: Task | None = None) -> Task:
        ballots = [self.ballots(self.answers(name, number, base=base)) for number, name in enumerate(readers)]
        return self.task(VOTE, choices={"rule": Choice("rule", rule)}, inputs={"parse": ballots})

    def base(
        self, verdicts: Task, closed_book: Sequence[Task] = (), *, agree_with_gold: bool = True, **more: Any
    ) -> Task:
        inputs = {"sample": self.sample(), "vote": verdicts, "closed_book": closed_book}
        return self.task(BASE, settings={"agree_with_gold": agree_with_gold, **more}, inputs=inputs)

    def do(self, task: Task) -> Path:
        return self.bench.do(task)


def _vote(vote: Vote) -> dict[str, Any]:
    return {"vote": {"purpose": vote.purpose, "index": vote.index, "seed": vote.seed}}


def scripted_readers(
    **scripts: Callable[[Reading, Vote], Answers] | dict[str, str | None],
) -> dict[str, list[Component]]:
    """Readers by name that say what a test wants: choices by question (None is a failed call), or a function."""

    def reader(say: Callable[[Reading, Vote], Answers] | dict[str, str | None]) -> ScriptedReader:
        if callable(say):
            return ScriptedReader(say)
        return ScriptedReader(lambda reading, vote: choices([say[name] for name in reading.id]))

    return {"reader": [Component(name, partial(reader, say), "Given.") for name, say in scripts.items()]}


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
