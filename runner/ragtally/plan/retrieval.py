"""The tasks of retrieval that cells share: from the chunks to the passages before the reader."""

from __future__ import annotations

from typing import Any, NamedTuple

from ragtally.errors import SpecError
from ragtally.kinds import RetrieverTraits
from ragtally.spec.study import Study
from ragtally.steps import (
    Task,
    TaskFactory,
    ask,
    chunk,
    context,
    embed,
    embed_questions,
    index,
    judge,
    rank_prompt,
    refine,
    retrieve,
)
from ragtally.types import Choice


class Ranking(NamedTuple):
    """A ranking as tasks.

    Attributes:
        hits: The hits.
        chunked: The chunks that the hits are rows of.
    """

    hits: Task
    chunked: Task


class RetrievalTasks:
    """Makes the tasks of retrieval over one dataset."""

    def __init__(self, study: Study, factory: TaskFactory, prepared: Task, sampled: Task) -> None:
        """Take what every task needs.

        Args:
            study: The study, for the places of its keys.
            factory: Makes the tasks.
            prepared: The prepared dataset.
            sampled: The questions.
        """
        self.study = study
        self.factory = factory
        self.registry = factory.registry
        self.prepared = prepared
        self.sampled = sampled

    def chunked(self, chunker: Choice) -> Task:
        """Describe the chunks.

        Args:
            chunker: The chunker.

        Returns:
            The task.
        """
        place = self.study.place("grid.chunker")
        return chunk.task(self.factory, self.prepared, chunker, label=str(chunker), place=place)

    def retrieved(self, chunker: Choice, retriever: Choice, limit: int) -> Ranking:
        """Describe the hits.

        Args:
            chunker: The chunker.
            retriever: The retriever.
            limit: How many for each question.

        Returns:
            The tasks of the hits, and of the chunks that they are rows of.
        """
        chunked = self.chunked(chunker)
        about = {"label": f"{retriever.name} over {chunked.label}", "place": self.study.place("grid.retriever")}
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
                place=self.study.place("grid.retriever"),
                hint="give all of them the same window, or put parent around the combination",
            )
        (chunked,) = searched
        windows = next((self.chunked(choice) for choice in retriever.inner("chunker")), None)
        found = [ranking.hits for ranking in inner]
        replies = None
        if traits.prompts:
            prompts = rank_prompt.task(self.factory, found, chunked, self.sampled, retriever, **about)
            replies = ask.task(self.factory, prompts, retriever.parameters["model"], "measure", 0, **about)
        hits = refine.task(
            self.factory, found, chunked, self.sampled, retriever, limit, windows=windows, replies=replies, **about
        )
        return Ranking(hits, windows or chunked)

    def judged(self, chunker: Choice, retriever: Choice, limit: int) -> Task:
        """Describe the hits compared with the evidence.

        Args:
            chunker: The chunker.
            retriever: The retriever.
            limit: How many hits for each question.

        Returns:
            The task.
        """
        ranking = self.retrieved(chunker, retriever, limit)
        return judge.task(self.factory, ranking.chunked, self.sampled, ranking.hits, label=ranking.hits.label)

    def retrieved_context(self, chunker: Choice, retriever: Choice, limit: int, top_k: int, label: str) -> Task:
        """Describe the passages that a retriever puts before a reader.

        Args:
            chunker: The chunker.
            retriever: The retriever.
            limit: How many hits were asked for.
            top_k: How many of them stand before the reader.
            label: What to call it.

        Returns:
            The task.
        """
        ranking = self.retrieved(chunker, retriever, limit)
        return context.retrieved_task(
            self.factory, self.prepared, self.sampled, ranking.chunked, ranking.hits, top_k, label=label
        )
