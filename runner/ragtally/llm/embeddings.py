"""Get the vectors that are kept by text: look up what is there, make the rest, save every batch at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ragtally.api import EmbedderTraits, PluginError, RagtallyError
from ragtally.llm.budget import Spending
from ragtally.llm.claimed_calls import wait_for_others
from ragtally.llm.stop import FREE_SPACE, NO_ROOM, StopReason, StopSignal, stop_on_interrupt
from ragtally.llm.tokens import count_tokens
from ragtally.steps import EMBED, EMBED_QUESTIONS, Task
from ragtally.steps.embed import check_vectors, embedding_function
from ragtally.store import claims
from ragtally.store.claims import Claims, chunks
from ragtally.store.reserve import Reserve
from ragtally.store.vectors import Role, keys_of
from ragtally.tables import load_chunks, load_questions
from ragtally.workspace import Workspace

# The steps that read the vector store.
EMBEDDING_STEPS = frozenset({EMBED, EMBED_QUESTIONS})


@dataclass(frozen=True)
class TextsToEmbed:
    """The texts of a task whose vectors are kept one by one."""

    traits: EmbedderTraits
    role: Role  # As what the texts are embedded
    texts: dict[bytes, str]  # The texts by key, each once


def texts_to_embed(task: Task, workspace: Workspace) -> TextsToEmbed | None:
    """List the texts that a task needs vectors of."""
    choice = task.choices["embedder"]
    traits: EmbedderTraits = workspace.registry.traits(choice)
    if not traits.cacheable:
        return None
    if task.step is EMBED:
        role: Role = "document"
        folders = {role: workspace.entry(source) for role in ("chunk", "prepare") for source in task.inputs[role]}
        texts: Sequence[str] = load_chunks(folders["chunk"], folders["prepare"]).text
    else:
        role = "query"
        texts = load_questions(workspace.entry(task.inputs["sample"][0]))["text"].to_list()
    keys = keys_of(workspace.registry.identity(choice), role, texts)
    return TextsToEmbed(traits, role, dict(zip(keys, texts, strict=True)))


@dataclass(frozen=True)
class _Batch:
    """Texts that are embedded at once."""

    claimed: Sequence[bytes]  # The keys that no other run embeds meanwhile
    keys: Sequence[bytes]  # Those of them that have no vector yet
    tokens: Sequence[int]  # Of each key's text
    dollars: Sequence[float | None]
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))


class Embedding:
    """Makes the vectors that a study's tasks need and the vector store does not have, within the budget."""

    def __init__(self, workspace: Workspace, spending: Spending, tasks: Sequence[Task]) -> None:
        self._workspace = workspace
        self._spending = spending
        self._claims = Claims(workspace.store.root / claims.FILE_NAME)
        if spending.counts_dollars:
            ready_tasks = [task for task in tasks if all(self._complete(source) for source in task.sources)]
            keys = {
                key
                for task in ready_tasks
                for request in (texts_to_embed(task, workspace),)
                if request
                for key in request.texts
            }
            spending.add_dollars(workspace.vectors.dollars(list(keys)))

    def embed(self, tasks: Sequence[Task]) -> None:
        """Make sure that the vector store has what some tasks need."""
        for task in tasks:
            texts = texts_to_embed(task, self._workspace)
            if texts is None:
                continue
            try:
                while missing := self._workspace.vectors.unknown(list(texts.texts)):
                    self._share(task, texts, missing)
            except RagtallyError as error:
                error.location = error.location or task.location
                raise

    def _share(self, task: Task, request: TextsToEmbed, missing: Sequence[bytes]) -> None:
        """Make the vectors that no other run is making, then wait for theirs."""
        vectors, stop = self._workspace.vectors, StopSignal()
        with self._workspace.store.scratch() as folder:
            reserve = Reserve(folder / "reserve", request.traits.batch)
            try:
                vectors.hold(reserve)
                made = self._make(task, request, missing, reserve)
            finally:
                vectors.hold(None)
                self._claims.release()
        left = [key for key in missing if key not in made]

        def on_answered(keys: Sequence[bytes]) -> None:
            if self._spending.counts_dollars:
                self._spending.add_dollars(vectors.dollars(keys))

        async def wait() -> None:
            with stop_on_interrupt(stop):
                await wait_for_others(left, self._claims, vectors.unknown, on_answered, stop)

        if left:
            if self._claims.held_elsewhere(left):
                self._workspace.progress.warn(
                    f"another run is making {len(left):,} of these vectors; they are shared"
                )
            asyncio.run(wait())
            self._claims.release()

    def _make(self, task: Task, request: TextsToEmbed, missing: Sequence[bytes], reserve: Reserve) -> set[bytes]:
        unmade = set(missing)
        stored_keys = [key for key in request.texts if key not in unmade][:1]
        so_far = len(request.texts) - len(missing)
        name = request.traits.name or str(task.choices["embedder"])
        made: set[bytes] = set()
        for batch in self._embedded(task, request, self._batches(request, name, missing)):
            check_vectors(batch.vectors, len(batch.keys), task)
            self._check_length(batch.vectors, stored_keys, task)
            self._workspace.vectors.record(name, batch.keys, batch.vectors, batch.tokens, batch.dollars)
            made.update(batch.keys)
            for key in batch.claimed:
                self._claims.done(key)
            dollars = None if None in batch.dollars else sum(price or 0.0 for price in batch.dollars)
            self._spending.settle(name, dollars)
            so_far += len(batch.keys)
            stored_keys = list(batch.keys[:1])
            self._workspace.progress.measure(f"{name}: {request.role} vectors", len(request.texts), so_far)
            if reserve.spent:
                raise StopReason("unwritable", NO_ROOM, FREE_SPACE).as_error()
        return made

    def _batches(self, request: TextsToEmbed, name: str, missing: Sequence[bytes]) -> Iterator[_Batch]:
        """Claim texts and set money aside for them, batch by batch."""
        for some in chunks(missing, request.traits.batch):
            claimed = self._claims.take(some)
            keys = self._workspace.vectors.unknown(claimed)
            if not keys:
                continue
            tokens = [count_tokens(request.texts[key]) for key in keys]
            dollars = [_price(request.traits, count) for count in tokens]
            stop_reason = self._spending.hold(name, sum(price or 0.0 for price in dollars))
            if stop_reason is not None:
                raise stop_reason.as_error()
            yield _Batch(claimed, keys, tokens, dollars)

    def _embedded(self, task: Task, request: TextsToEmbed, batches: Iterator[_Batch]) -> Iterator[_Batch]:
        """Embed batches, here one after the other as they are claimed, or elsewhere all at once."""
        workspace, choice = self._workspace, task.choices["embedder"]
        if workspace.delegate and workspace.delegate.embeds(choice, workspace.registry):
            ahead = list(batches)
            texts = [[request.texts[key] for key in batch.keys] for batch in ahead]
            for position, vectors in workspace.delegate.embed(task, request.role, texts, workspace):
                yield replace(ahead[position], vectors=vectors)
            return
        embedder = workspace.registry.build(choice)
        embedder.fit([])
        make = embedding_function(embedder, request.role)
        for batch in batches:
            yield replace(batch, vectors=make([request.texts[key] for key in batch.keys]))

    def _check_length(self, vectors: NDArray[np.float32], stored_keys: Sequence[bytes], task: Task) -> None:
        """A model that was exchanged under its name gives vectors of another length."""
        before = self._workspace.vectors.look_up(stored_keys)
        if len(before) and before.shape[1] != vectors.shape[1]:
            raise PluginError(
                f"the embedder {task.choices['embedder']} returned vectors of {vectors.shape[1]} numbers, and "
                f"earlier ones of {before.shape[1]}",
                hint="the model was exchanged under the same name: give the new one another name",
            )

    def _complete(self, task: Task) -> bool:
        return self._workspace.store.complete(task.step.stored_as, task.address)


def _price(traits: EmbedderTraits, tokens: int) -> float | None:
    return None if traits.price is None else traits.price.dollars(tokens, 0, 0.0)
