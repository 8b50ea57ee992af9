"""The components of *search*: embed, retrieve, rerank; for all questions of a study, and for one of an export.

`EmbedQuestions`, `Retrieve` and `Rerank` carry columns. `RetrieveChunks` runs them on one question; `WriteQuery` and
`TakeChunks` stand before and behind a store's own Haystack retriever, which searches between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from ragtally.api import (
    Candidates,
    Embedder,
    Hits,
    PlainRetriever,
    Queries,
    Reranker,
    Retriever,
    ShardedRetriever,
    Spans,
)
from ragtally.pipelines.budget import cut_to_words, passages_of
from ragtally.pipelines.choices import choice_from, plugins
from ragtally.pipelines.haystack import Document, component
from ragtally.pipelines.index import VectorOutput, Vectors
from ragtally.registry import Registry
from ragtally.support.ranking import best_rows, merge_hits, no_hits, ranking_depth, write_hits
from ragtally.tables import (
    INDEX_FOLDER,
    load_chunks,
    load_documents,
    load_index_parts,
    load_spans,
    load_vectors,
    part_folder,
    shared_folder,
)

Json = dict[str, Any]

# Below the folder of an export: the documents.
DOCUMENTS_FOLDER = "prepare"


class HitsOutput(TypedDict):
    """A ranking per question."""

    hits: Hits


class QueryOutput(TypedDict):
    """One question as a store's own retriever takes it."""

    query: str
    query_embedding: list[float]


class DocumentsOutput(TypedDict):
    """The passages of one question."""

    documents: list[Document]


@component
class EmbedQuestions:
    """Embeds questions."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    @component.output_types(vectors=Vectors)
    def run(self, texts: Sequence[str]) -> VectorOutput:
        """Embed a column of questions."""
        return {"vectors": self.embedder.embed_queries(texts)}


@component
class Retrieve:
    """Searches a retriever's index."""

    def __init__(self, retriever: Retriever) -> None:
        self.retriever = retriever

    @component.output_types(hits=Hits)
    def run(self, queries: Queries, limit: int) -> HitsOutput:
        """Search for all queries."""
        return {"hits": self.retriever.search(queries, limit)}


@component
class Rerank:
    """Makes a ranking of what other retrievers find."""

    def __init__(self, retriever: Reranker) -> None:
        self.retriever = retriever

    @component.output_types(hits=Hits)
    def run(self, queries: Queries, candidates: Candidates, limit: int) -> HitsOutput:
        """Rank all queries' candidates."""
        return {"hits": self.retriever.rerank(queries, candidates, limit)}


class Ranking:
    """A study's ranking from copies of its files, for one question at a time."""

    # `description` holds `retriever` (its choice), `limit` and `chunk` (a folder below the export's); of an index
    # also `index` and `embed` (folders, the last one null without vectors); of what builds on others `rankings` (such
    # descriptions) and `window` (a folder, null without larger chunks).

    def __init__(self, folder: Path, description: Mapping[str, Any], registry: Registry) -> None:
        choice = choice_from(description["retriever"])
        self._limit: int = description["limit"]
        self._passages = load_chunks(folder / description["chunk"], folder / DOCUMENTS_FOLDER)
        self._retriever = registry.build(choice)
        self._inner = [Ranking(folder, inner, registry) for inner in description.get("rankings", ())]
        self._windows = load_spans(folder / description["window"]) if description.get("window") else None
        self._embed: EmbedQuestions | None = None
        self.spans = self._passages.spans if self._windows is None else self._windows
        if self._inner:
            return
        vectors = None
        if description["embed"] is not None:
            embedding = folder / description["embed"]
            vectors = load_vectors(embedding)
            self._embed = EmbedQuestions(_embedder(choice.parameters["embedder"], embedding, registry))
        index = folder / description["index"]
        bounds = load_index_parts(index)
        if not bounds:
            self._retriever.load(index / INDEX_FOLDER, self._passages, vectors)
            return
        parts: list[ShardedRetriever] = [registry.build(choice) for _ in bounds]
        for number, (part, rows) in enumerate(zip(parts, bounds, strict=True)):
            passages = load_chunks(folder / description["chunk"], folder / DOCUMENTS_FOLDER, rows)
            own = None if vectors is None else vectors[rows]
            part.load_part(part_folder(index, number), shared_folder(index), number, passages, own)
        self._retriever = _IndexInParts(parts, [rows.start for rows in bounds])

    @property
    def plain(self) -> PlainRetriever | None:
        """The retriever, where a third party's Haystack retriever may search its index."""
        return self._retriever if isinstance(self._retriever, PlainRetriever) else None

    def queries(self, question: str) -> Queries:
        """One question as a retriever takes it, embedded where vectors are compared."""
        vectors = None if self._embed is None else self._embed.run([question])["vectors"]
        return Queries(["question"], [question], vectors)

    def search(self, question: str) -> Hits:
        """Find the best chunks."""
        queries, limit = self.queries(question), ranking_depth(self._limit, len(self.spans))
        if not self._inner:
            return Retrieve(self._retriever).run(queries, limit)["hits"]
        hits = tuple(inner.search(question) for inner in self._inner)
        candidates = Candidates(hits, self._passages, self._windows, None)
        return Rerank(self._retriever).run(queries, candidates, limit)["hits"]


class _IndexInParts:
    """A retriever's index, searched part by part."""

    def __init__(self, parts: Sequence[ShardedRetriever], starts: Sequence[int]) -> None:
        self._parts, self._starts = parts, starts

    def search(self, queries: Queries, limit: int) -> Hits:
        """Find the best chunks of all parts (see `ragtally.api.Retriever.search`)."""
        return merge_hits((part.search(queries, limit) for part in self._parts), self._starts, limit)


def _embedder(choice: Any, folder: Path, registry: Registry) -> Embedder:
    traits = registry.traits(choice)
    embedder: Embedder = registry.build(choice)
    if traits.cacheable:
        embedder.fit([])
    elif traits.requires_fit:
        embedder.load(folder / "embedder")
    return embedder


class _Corpus:
    """The documents of an export, to write hits as Haystack's documents."""

    def __init__(self, folder: Path) -> None:
        documents = load_documents(folder / DOCUMENTS_FOLDER)
        self._ids, self._texts = documents.id, documents.text

    def passages(
        self, hits: Hits, spans: Spans, top_k: int | None, context_words: int | None, language: str | None
    ) -> list[Document]:
        """What of one question's hits reaches the reader."""
        table = passages_of(hits, spans, top_k)
        if context_words is not None:
            table = cut_to_words(table, context_words, self._texts, language)
        scores = hits.score[0, : len(table)].tolist()
        return [
            Document(
                id=f"{self._ids[document]}:{start}-{end}",
                content=self._texts[document][start:end],
                meta={"document": self._ids[document], "start": start, "end": end},
                score=score,
            )
            for (_, document, start, end), score in zip(table.iter_rows(), scores, strict=True)
        ]


@component
class RetrieveChunks:
    """Finds chunks for one question as the study did: same index, same ranking, same budget."""

    def __init__(
        self,
        folder: str,
        ranking: Json,
        top_k: int | None = None,
        context_words: int | None = None,
        language: str | None = None,
    ) -> None:
        self.folder, self.ranking, self.top_k, self.context_words = folder, ranking, top_k, context_words
        self.language = language
        self._loaded: tuple[Ranking, _Corpus] | None = None

    def warm_up(self) -> None:
        """Load the index."""
        if self._loaded is None:
            folder = Path(self.folder)
            self._loaded = Ranking(folder, self.ranking, plugins()), _Corpus(folder)

    @component.output_types(documents=list[Document])
    def run(self, question: str) -> DocumentsOutput:
        """Search."""
        self.warm_up()
        assert self._loaded is not None
        ranking, corpus = self._loaded
        hits = ranking.search(question)
        return {"documents": corpus.passages(hits, ranking.spans, self.top_k, self.context_words, self.language)}


@component
class WriteQuery:
    """Embeds the question as the study did, after it has made sure that the store holds every chunk."""

    def __init__(self, folder: str, ranking: Json) -> None:
        self.folder, self.ranking = folder, ranking
        self._loaded: Ranking | None = None

    def warm_up(self) -> None:
        """Load the embedder, and look whether the store is complete."""
        if self._loaded is None:
            ranking = Ranking(Path(self.folder), self.ranking, plugins())
            assert ranking.plain is not None
            ranking.plain.ready()
            self._loaded = ranking

    @component.output_types(query=str, query_embedding=list[float])
    def run(self, question: str) -> QueryOutput:
        """Write the query."""
        self.warm_up()
        assert self._loaded is not None
        vectors = self._loaded.queries(question).vectors
        return {"query": question, "query_embedding": [] if vectors is None else vectors[0].tolist()}


@component
class TakeChunks:
    """Takes of a store's hits what the study put before the reader: ties by row, as many chunks or words."""

    def __init__(
        self,
        folder: str,
        ranking: Json,
        top_k: int | None = None,
        context_words: int | None = None,
        language: str | None = None,
    ) -> None:
        self.folder, self.ranking, self.top_k, self.context_words = folder, ranking, top_k, context_words
        self.language = language
        self._loaded: tuple[Spans, _Corpus] | None = None

    def warm_up(self) -> None:
        """Load the documents, and where the chunks stand in them."""
        if self._loaded is None:
            folder = Path(self.folder)
            self._loaded = load_spans(folder / self.ranking["chunk"]), _Corpus(folder)

    @component.output_types(documents=list[Document])
    def run(self, hits: list[Document]) -> DocumentsOutput:
        """Take them."""
        self.warm_up()
        assert self._loaded is not None
        spans, corpus = self._loaded
        limit: int = self.ranking["limit"]
        rows = np.array([int(document.id) for document in hits], dtype=np.int32)
        scores = [document.score for document in hits]
        # Some stores rank without saying by which score.
        by_rank = [-float(rank) for rank in range(len(hits))]
        best = no_hits(1, limit)
        write_hits(best, 0, best_rows(np.array(by_rank if None in scores else scores, np.float64), rows, limit))
        return {"documents": corpus.passages(best, spans, self.top_k, self.context_words, self.language)}
