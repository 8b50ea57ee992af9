"""embed and embed_questions: turn the chunks, and by the same embedder the questions, into vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ragtally import pipelines
from ragtally.api import EmbedderTraits, PluginError
from ragtally.steps.step import Step, Task, Work
from ragtally.store import write_array
from ragtally.store.vectors import keys_of
from ragtally.tables import load_chunks, load_questions

_ROWS_AT_ONCE = 1 << 16


def run(work: Work) -> None:
    """Write `vectors.npy` (float32, shape [chunks, dimensions]) and the folder `embedder/` (what was learnt)."""
    # Vectors that are cached by text come from the vector store, where `llm.embedding` has put them.
    choice = work.task.choices["embedder"]
    traits: EmbedderTraits = work.registry.traits(choice)
    chunks = load_chunks(work.input("chunk"), work.input("prepare"))
    (work.folder / "embedder").mkdir()
    if traits.cacheable:
        vectors = work.vectors.look_up(keys_of(work.registry.identity(choice), "document", chunks.text))
    else:
        embedder = work.build("embedder")
        vectors = pipelines.EmbedPassages(embedder).run(chunks)["vectors"]
        embedder.save(work.folder / "embedder")
    check_vectors(vectors, len(chunks), work.task)
    write_array(work.folder / "vectors.npy", vectors)


def run_questions(work: Work) -> None:
    """Write `vectors.npy`: float32 of shape [questions, dimensions]."""
    choice = work.task.choices["embedder"]
    traits: EmbedderTraits = work.registry.traits(choice)
    texts = load_questions(work.input("sample"))["text"].to_list()
    if traits.cacheable:
        vectors = work.vectors.look_up(keys_of(work.registry.identity(choice), "query", texts))
    else:
        embedder = work.build("embedder")
        model = work.optional("embed")
        if model is not None:
            embedder.load(model / "embedder")
        vectors = pipelines.EmbedQuestions(embedder).run(texts)["vectors"]
    check_vectors(vectors, len(texts), work.task)
    write_array(work.folder / "vectors.npy", vectors)


def check_vectors(vectors: NDArray[np.float32], texts: int, task: Task) -> None:
    """Refuse what are no vectors."""
    who = f"the embedder {task.choices['embedder']} returned"
    if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != texts or not vectors.shape[1]:
        raise PluginError(
            f"{who} {vectors.dtype} of shape {vectors.shape}, not float32 of shape [{texts}, dimensions]"
        )
    # In blocks, since the mask of all of a large corpus' vectors would take a quarter of their memory again.
    for first in range(0, texts, _ROWS_AT_ONCE):
        if not np.isfinite(vectors[first : first + _ROWS_AT_ONCE]).all():
            raise PluginError(f"{who} numbers that are not finite")


EMBED = Step("embed", 1, run, inputs=("prepare", "chunk"), can_leave=True)
EMBED_QUESTIONS = Step("embed_questions", 1, run_questions, inputs=("sample", "embed"), can_leave=True)
