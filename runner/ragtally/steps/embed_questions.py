"""embed_questions: turn the questions into vectors, by the embedder that the chunks were given to."""

from __future__ import annotations

from typing import Any

from ragtally import pipelines
from ragtally.api import EmbedderTraits
from ragtally.steps import embed, sample
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import write_array
from ragtally.store.vectors import keys_of

STEP = "embed_questions"
VERSION = 1


def task(factory: TaskFactory, embedded: Task, sampled: Task, **about: Any) -> Task:
    """Describe the work."""
    # An embedder that learns nothing gives the same vectors whatever the chunks, so they do not count then.
    choice = embedded.choices["embedder"]
    requires_fit = factory.registry.traits(choice).requires_fit
    inputs = {"sample": sampled, "embed": embedded if requires_fit else None}
    return factory.task(STEP, VERSION, choices={"embedder": choice}, inputs=inputs, **about)


def run(work: Work) -> None:
    """Write `vectors.npy`: float32 of shape [questions, dimensions] (read with `embed.load_vectors`)."""
    choice = work.task.choices["embedder"]
    traits: EmbedderTraits = work.registry.traits(choice)
    texts = sample.load_questions(work.input("sample"))["text"].to_list()
    if traits.cacheable:
        vectors = work.vectors.look_up(keys_of(work.registry.identity(choice), "query", texts))
    else:
        embedder = work.build("embedder")
        learnt = work.optional("embed")
        if learnt is not None:
            embedder.load(learnt / "embedder")
        vectors = pipelines.run_embed_queries(embedder, texts)
    embed.check(vectors, len(texts), work.task)
    write_array(work.folder / "vectors.npy", vectors)
