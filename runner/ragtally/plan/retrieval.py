"""The tasks of retrieval that cells share: from the chunks to the passages before the reader."""

from __future__ import annotations

from typing import Any, NamedTuple

from ragtally.api import Choice, RetrieverTraits, SpecError
from ragtally.spec.study import Grid, Study
from ragtally.steps import (
    Task,
    TaskFactory,
    ask,
    chunk,
    context,
    context_relevance,
    embed,
    embed_questions,
    index,
    relevance,
    rerank,
    rerank_prompt,
    retrieve,
)

_FEWEST_WORDS = 8


class Ranking(NamedTuple):
    """A ranking as tasks."""

    hits: Task
    chunked: Task  # The chunks that the hits are rows of


class ContextSize(NamedTuple):
    """How much of a ranking stands before the reader: so many chunks, or so many words."""

    top_k: int | None  # How many chunks; None where words are counted
    context_words: int | None  # How many words; None where chunks are counted

    def __str__(self) -> str:
        return f"top {self.top_k}" if self.context_words is None else f"{self.context_words} words"

    @property
    def hits(self) -> int:
        """How many hits it takes; for words, enough for chunks as short as `_FEWEST_WORDS` on average."""
        return -(-(self.context_words or 0) // _FEWEST_WORDS) if self.top_k is None else self.top_k


def context_sizes(grid: Grid) -> tuple[ContextSize, ...]:
    """List how much may stand before a reader."""
    chunks = [ContextSize(top_k, None) for top_k in grid.top_k]
    return (*chunks, *(ContextSize(None, words) for words in grid.context_words))


class RetrievedContext(NamedTuple):
    """What a retriever puts before a reader, as tasks."""

    passages: Task
    judged: Task  # The passages, or the ranking that they are the first of, compared with the evidence


class RetrievalTasks:
    """Makes the tasks of retrieval over one dataset."""

    def __init__(self, study: Study, factory: TaskFactory, prepared: Task, sampled: Task) -> None:
        self.study = study
        self.factory = factory
        self.registry = factory.registry
        self.prepared = prepared
        self.sampled = sampled

    def chunked(self, chunker: Choice) -> Task:
        """Describe the chunks."""
        location = self.study.location("grid.chunker")
        return chunk.task(self.factory, self.prepared, chunker, label=str(chunker), location=location)

    def retrieved(self, chunker: Choice, retriever: Choice, limit: int) -> Ranking:
        """Describe the hits."""
        chunked = self.chunked(chunker)
        about = {"label": f"{retriever.name} over {chunked.label}", "location": self.study.location("grid.retriever")}
        if "hits" in self.registry.traits(retriever).reads:
            return self._refined(chunker, retriever, limit, about)
        embedded = asked = None
        if "vectors" in self.registry.traits(retriever).reads:
            embedder = retriever.parameters["embedder"]
            of_embedder = {**about, "label": f"{embedder} over {chunked.label}"}
            embedded = embed.task(self.factory, self.prepared, chunked, embedder, **of_embedder)
            asked = embed_questions.task(self.factory, embedded, self.sampled, **of_embedder)
        indexed = index.task(self.factory, self.prepared, chunked, embedded, retriever, **about)
        hits = retrieve.task(self.factory, indexed, self.sampled, asked, retriever, limit, **about)
        return Ranking(hits, chunked)

    def _refined(self, chunker: Choice, retriever: Choice, limit: int, about: dict[str, Any]) -> Ranking:
        traits: RetrieverTraits = self.registry.traits(retriever)
        depth = max(traits.depth or limit, limit)
        # Retrievers that find windows of their own cannot be told apart by the rows of one list of chunks.
        inner = [self.retrieved(chunker, other, depth) for other in retriever.inner("retriever")]
        searched = dict.fromkeys(ranking.chunked for ranking in inner)
        if len(searched) != 1:
            raise SpecError(
                f"{retriever.name} cannot combine retrievers that find chunks of different sizes",
                location=self.study.location("grid.retriever"),
                hint="give all of them the same window, or put parent around the combination",
            )
        (chunked,) = searched
        windows = next((self.chunked(choice) for choice in retriever.inner("chunker")), None)
        found = [ranking.hits for ranking in inner]
        replies = None
        if traits.prompts:
            prompts = rerank_prompt.task(self.factory, found, chunked, self.sampled, retriever, **about)
            replies = ask.task(self.factory, prompts, retriever.parameters["model"], "measure", 0, **about)
        hits = rerank.task(
            self.factory, found, chunked, self.sampled, retriever, limit, windows=windows, replies=replies, **about
        )
        return Ranking(hits, windows or chunked)

    def judged(self, chunker: Choice, retriever: Choice, limit: int) -> Task:
        """Describe the hits compared with the evidence."""
        ranking = self.retrieved(chunker, retriever, limit)
        return relevance.task(self.factory, ranking.chunked, self.sampled, ranking.hits, label=ranking.hits.label)

    def context(
        self, chunker: Choice, retriever: Choice, size: ContextSize, depth: int, label: str
    ) -> RetrievedContext:
        """Describe the passages that a retriever puts before a reader."""
        limit = depth if self.registry.traits(retriever).prefix_stable else size.hits
        ranking = self.retrieved(chunker, retriever, limit)
        passages = context.retrieved_task(
            self.factory,
            self.prepared,
            self.sampled,
            ranking.chunked,
            ranking.hits,
            label=label,
            top_k=size.top_k,
            context_words=size.context_words,
        )
        if size.top_k is None:
            return RetrievedContext(passages, context_relevance.task(self.factory, passages, label=label))
        return RetrievedContext(passages, self.judged(chunker, retriever, limit))
