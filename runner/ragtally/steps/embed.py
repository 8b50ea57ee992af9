"""embed: turn the chunks into vectors (the Haystack pipeline `embed`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally import pipelines
from ragtally.api import Choice, EmbedderTraits, PluginError
from ragtally.steps import chunk
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import read_array, write_array
from ragtally.store.vectors import keys_of

STEP = "embed"
VERSION = 1

_ROWS_AT_ONCE = 1 << 16


def task(factory: TaskFactory, prepared: Task, chunked: Task, embedder: Choice, **about: Any) -> Task:
    """Describe the work."""
    inputs = {"prepare": prepared, "chunk": chunked}
    return factory.task(STEP, VERSION, choices={"embedder": embedder}, inputs=inputs, **about)


def run(work: Work) -> None:
    """Write `vectors.npy` (float32, shape [chunks, dimensions]) and the folder `embedder/` (what was learnt)."""
    # Vectors that are kept by text come from the vector store, where `run.embedding` has put them.
    choice = work.task.choices["embedder"]
    traits: EmbedderTraits = work.registry.traits(choice)
    passages = chunk.load_passages(work.input("chunk"), work.input("prepare"))
    (work.folder / "embedder").mkdir()
    if traits.cacheable:
        vectors = work.vectors.look_up(keys_of(work.registry.identity(choice), "document", passages.text))
    else:
        embedder = work.build("embedder")
        vectors = pipelines.run_embed(embedder, passages)
        embedder.save(work.folder / "embedder")
    check(vectors, len(passages), work.task)
    write_array(work.folder / "vectors.npy", vectors)


def load_vectors(folder: Path) -> NDArray[np.float32]:
    """Map vectors into memory, read-only."""
    return read_array(folder / "vectors.npy")


def check(vectors: NDArray[np.float32], texts: int, task: Task) -> None:
    """Refuse what are no vectors."""
    who = f"the embedder {task.choices['embedder']} returned"
    if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != texts or not vectors.shape[1]:
        raise PluginError(
            f"{who} {vectors.dtype} of shape {vectors.shape}, not float32 of shape [{texts}, dimensions]"
        )
    for first in range(0, texts, _ROWS_AT_ONCE):
        if not np.isfinite(vectors[first : first + _ROWS_AT_ONCE]).all():
            raise PluginError(f"{who} numbers that are not finite")
