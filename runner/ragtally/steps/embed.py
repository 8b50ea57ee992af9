"""embed and embed_questions: turn the chunks, and by the same embedder the questions, into vectors."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragtally import pipelines
from ragtally.api import Embedder, EmbedderTraits, Passages, PluginError
from ragtally.steps.pieces import pieces_of_chunks
from ragtally.steps.step import Shard, Sharding, Step, Task, Work
from ragtally.store import write_array
from ragtally.store.vectors import Role, keys_of
from ragtally.tables import (
    join_vectors,
    load_chunks,
    load_questions,
    load_spans,
    load_vector_dollars,
    write_vector_dollars,
)

_ROWS_AT_ONCE = 1 << 16


_LEARNT = "embedder"


def run(work: Work) -> None:
    """Write `vectors.npy` (float32, shape [chunks, dimensions]) and the folder `embedder/` (what was learnt)."""
    chunks = load_chunks(work.input("chunk"), work.input("prepare"))
    embedder = _learn(work, chunks)
    _write_vectors(work, embedder, chunks)


def _count(work: Work) -> int:
    return pieces_of_chunks(len(load_spans(work.input("chunk"))))


def _run_first(work: Work) -> None:
    _learn(work, load_chunks(work.input("chunk"), work.input("prepare")))


def _run_piece(work: Work, shard: Shard) -> None:
    rows = shard.rows(len(load_spans(work.input("chunk"))))
    embedder = None
    if not _is_cacheable(work):
        embedder = work.build("embedder")
        embedder.load(work.shared / _LEARNT)
    _write_vectors(work, embedder, load_chunks(work.input("chunk"), work.input("prepare"), rows))


def _merge(work: Work, pieces: Sequence[Path]) -> None:
    shutil.copytree(work.shared / _LEARNT, work.folder / _LEARNT)
    join_vectors(work.folder, pieces)
    if _is_cacheable(work):
        dollars = [load_vector_dollars(piece) or {} for piece in pieces]
        write_vector_dollars(work.folder, {key: price for piece in dollars for key, price in piece.items()})


def _is_cacheable(work: Work) -> bool:
    traits: EmbedderTraits = work.registry.traits(work.task.choices["embedder"])
    return traits.cacheable


def _learn(work: Work, chunks: Passages) -> Embedder | None:
    """Let an embedder learn from the corpus; None where its vectors lie in the vector store."""
    (work.folder / _LEARNT).mkdir()
    if _is_cacheable(work):
        return None
    embedder: Embedder = work.build("embedder")
    embedder.fit(chunks.text)
    embedder.save(work.folder / _LEARNT)
    return embedder


def _write_vectors(work: Work, embedder: Embedder | None, chunks: Passages) -> None:
    # Vectors that are cached by text come from the vector store, where `llm.embedding` has put them.
    if embedder is None:
        identity = work.registry.identity(work.task.choices["embedder"])
        keys = keys_of(identity, "document", chunks.text)
        vectors = work.vectors.look_up(keys)
        write_vector_dollars(work.folder, work.vectors.dollars_of_each(keys))
    else:
        vectors = pipelines.EmbedPassages(embedder).run(chunks)["vectors"]
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


def embedding_function(embedder: Embedder, role: Role) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    """What of an embedder embeds texts of a role."""
    return embedder.embed_documents if role == "document" else embedder.embed_queries


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


EMBED = Step(
    "embed",
    1,
    run,
    inputs=("prepare", "chunk"),
    sharding=Sharding(_count, _run_piece, _merge, _run_first),
    can_leave=True,
)
EMBED_QUESTIONS = Step("embed_questions", 1, run_questions, inputs=("sample", "embed"), can_leave=True)
