"""The contracts of a retriever, and of one that builds on what other retrievers found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from ragtally.api.calls import Prompt
from ragtally.api.choice import Choice
from ragtally.api.metric import Score
from ragtally.api.retrieval import Candidates, Hits, Passages, Queries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragtally.api.component import Progress

BUILDS_PARAMETER: Mapping[str, Any] = {
    "type": "integer",
    "minimum": 1,
    "maximum": 20,
    "default": 1,
    "x-ragtally-engine": True,
    "description": "How many times an index that is drawn at random is built: each build is a cell of its own, and "
    "the report shows how far they are apart.",
}
"""The parameter `builds` of a retriever whose index is drawn at random, as its plugin declares it."""


@dataclass(frozen=True, slots=True)
class RetrieverTraits:
    """What the engine knows of a retriever before it builds it.

    Attributes:
        reads: What it is given: `"text"` is always there; `"vectors"` needs a parameter named `embedder`;
            `"evidence"` is the gold evidence, for controls alone. `"hits"` are what other retrievers found: those
            that its parameters of the kind retriever name, one or a list; `build` then returns a
            `Reranker`. One with a parameter `window` of the kind chunker finds those larger chunks.
        prefix_stable: Whether the first k hits are the same whatever larger number was asked for, so that it
            can be asked once, for the largest.
        depth: How many hits of each of the other retrievers it is given, where it reads `"hits"`.
        prompts: Whether it asks a language model, which its parameter `model` names under `models`; `build` then
            returns a `PromptingReranker`.
        is_control: Whether it only bounds what retrieval can do, and nobody could use it. Such a retriever, or one
            that reads the evidence, is never chosen as the best.
        exact: For one that searches approximately, what finds exactly what it is after: another choice of retriever,
            over the same embedder where it has one; parameters left out have their defaults. The engine searches with
            it as well, to say what the approximation loses.
        variation: For one whose index is drawn at random, so that it finds something else when it is built again: one
            sentence that says so, and what to write for one that repeats. Empty where it repeats.
        builds: How many times the index is built, which a parameter `builds` says (`BUILDS_PARAMETER`); more than
            once only where it varies, and `build` then returns a `VaryingRetriever`.
        in_parts: Whether the index of a large corpus is made and searched in parts; `build` then returns a
            `ShardedRetriever`. Any other's is made and searched as a whole, however large it is.
        questions_at_once: For one that reads `"hits"` and takes long over each question: how many questions are worth
            a piece of work of their own, which other processes may do and a kill costs at most; None where all are
            ranked at once.
    """

    reads: frozenset[Literal["text", "vectors", "evidence", "hits"]] = frozenset({"text"})
    prefix_stable: bool = True
    depth: int | None = None
    prompts: bool = False
    is_control: bool = False
    exact: Choice | None = None
    variation: str = ""
    builds: int = 1
    in_parts: bool = False
    questions_at_once: int | None = None


@runtime_checkable
class Retriever(Protocol):
    """An index over chunks that many questions search at once."""

    def add(self, passages: Passages, vectors: NDArray[np.float32] | None) -> None:
        """Index the whole corpus, once.

        Args:
            passages: All chunks.
            vectors: Their embeddings, float32 of shape [chunks, dimensions], where the traits read vectors; read
                only, and perhaps mapped from a file.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write the index (no pickle). What `load` is given again need not be written.

        Args:
            folder: An existing folder to write files into.
        """
        ...

    def load(self, folder: Path, passages: Passages, vectors: NDArray[np.float32] | None) -> None:
        """Read what `save` wrote, in place of `add`; perhaps with other values of parameters that only a search uses.

        Args:
            folder: The folder that `save` was given.
            passages: What `add` was given; texts are cut out of the documents only when they are looked at.
            vectors: Likewise.
        """
        ...

    def search(self, queries: Queries, limit: int) -> Hits:
        """Find the best chunks for each question.

        Args:
            queries: The questions.
            limit: How many hits at most for each.

        Returns:
            The hits; equal scores are ordered by passage row (see `ragtally.support.ranking`).
        """
        ...


@runtime_checkable
class ReportingRetriever(Retriever, Protocol):
    """Tells how far it is, where to index or to search takes long: an index on a server, say."""

    def report_to(self, progress: Progress) -> None:
        """Take whom to tell, before anything else is called.

        Args:
            progress: Told how much is done, and how much there is.
        """
        ...


@runtime_checkable
class ShardedRetriever(Retriever, Protocol):
    """Has an index that can be made and searched in parts, each of a stretch of the chunks, by several processes.

    The ranking is that of one index over all chunks, to the bit: the engine calls `add` and `save` for each part,
    `share` once, then `load_part` and `search` for each part, and merges what they find: higher score first, then
    lower row.
    """

    def share(self, parts: Sequence[Path], folder: Path) -> None:
        """Write what a search in any part has to know of all of them, how many chunks hold each word, say.

        Args:
            parts: The folders that `save` was given, in the order of the chunks.
            folder: An existing folder to write files into.
        """
        ...

    def load_part(
        self, folder: Path, shared: Path, number: int, passages: Passages, vectors: NDArray[np.float32] | None
    ) -> None:
        """Read a part, in place of `load`; `search` then finds the best of its chunks, scored as among all.

        Args:
            folder: The folder that `save` was given.
            shared: The folder that `share` was given.
            number: Which of the parts it is, from 0.
            passages: Its chunks alone: hits are rows of these.
            vectors: Their embeddings.
        """
        ...


@runtime_checkable
class VaryingRetriever(Retriever, Protocol):
    """Finds something else when its index is built again, so that several builds may be wanted."""

    def choose_build(self, number: int) -> None:
        """Take which of several builds `add` makes; `load` knows it again from what `save` wrote.

        Args:
            number: 2 or more; the first build is never chosen, so that it is the index of who wants only one.
        """
        ...


@runtime_checkable
class MeasuredRetriever(Retriever, Protocol):
    """Says how good its last search was, where that can be known without the evidence: an approximate one, say."""

    def measured(self) -> Mapping[str, Score]:
        """Measure the last search.

        Returns:
            Scores over the questions searched, by printed name, to stand beside the metrics of the ranking; higher
            is better. Empty where there is nothing to say.
        """
        ...


@runtime_checkable
class PlainRetriever(Retriever, Protocol):
    """A retriever whose index a third party's Haystack retriever can search, for `ragtally export pipeline`."""

    def plain(self) -> Any | None:
        """Give that Haystack retriever, after `load`.

        Returns:
            A new Haystack component that finds what `search` does: its inputs are `query`, `query_embedding` or both,
            its output is `documents`, each with the passage's row as `id`. None where there is none.
        """
        ...

    def ready(self) -> None:
        """Make sure, after `load`, that the index is complete, as `search` would: the other one does not."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """Makes a ranking of what other retrievers found."""

    def rerank(self, queries: Queries, candidates: Candidates, limit: int) -> Hits:
        """Rank again.

        Args:
            queries: The questions.
            candidates: What the other retrievers found.
            limit: How many hits at most for each question.

        Returns:
            The hits: rows of `candidates.passages`, or of `candidates.windows` where there are windows.
        """
        ...


@runtime_checkable
class PromptingReranker(Reranker, Protocol):
    """Makes a ranking of what others found with the help of a language model, which the engine asks."""

    def prompts(self, queries: Queries, candidates: Candidates) -> Sequence[Prompt]:
        """Write one prompt per question; `rerank` then finds the replies in `candidates`.

        Args:
            queries: The questions.
            candidates: What the other retrievers found; without replies.

        Returns:
            One prompt per question, in order; the same ones for the same arguments.
        """
        ...

    def unread(self, candidates: Candidates) -> int:
        """Count the replies that `rerank` could make nothing of; the order of their questions stayed as it was.

        Args:
            candidates: What the other retrievers found, with the replies; a call that failed is not counted.

        Returns:
            How many.
        """
        ...
