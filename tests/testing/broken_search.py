"""Chunkers, embedders and retrievers that keep their contract, and ones that break it."""

from __future__ import annotations

import itertools
import json
import pickle
from dataclasses import replace

import numpy as np

from ragtally.api import Hits, Spans
from ragtally.support.ranking import best_rows, no_hits, write_hits

COUNTER = itertools.count()


class Chunker:
    dtype = np.int32

    def rows(self, documents):
        for row, text in enumerate(documents.text):
            for start in range(0, len(text), 50):
                yield row, start, min(start + 50, len(text))

    def split(self, documents):
        rows = np.array(list(self.rows(documents)), dtype=self.dtype).reshape(-1, 3)
        return Spans(rows[:, 0].copy(), rows[:, 1].copy(), rows[:, 2].copy())


class Wide(Chunker):
    dtype = np.int64


class Gappy(Chunker):
    def rows(self, documents):
        return ((row, start, end) for row, start, end in super().rows(documents) if start != 50)


class Backwards(Chunker):
    def rows(self, documents):
        return reversed(list(super().rows(documents)))


class Overlong(Chunker):
    def rows(self, documents):
        return ((row, start, end + 1) for row, start, end in super().rows(documents))


class Crowded(Chunker):
    """Makes of a document more chunks where there are others."""

    def rows(self, documents):
        limit = 30 if len(documents.text) > 1 else 50
        for row, text in enumerate(documents.text):
            for start in range(0, len(text), limit):
                yield row, start, min(start + limit, len(text))


class Restless(Chunker):
    def rows(self, documents):
        shift = next(COUNTER) % 2
        return ((row, start, max(end - shift, start + 1)) for row, start, end in super().rows(documents))


class Editing(Chunker):
    def rows(self, documents):
        rows = list(super().rows(documents))
        documents.id[0] = "changed"
        return rows


class Embedder:
    def fit(self, texts):
        self.mean = float(np.mean([len(text) for text in texts]))

    def save(self, folder):
        (folder / "mean.json").write_text(json.dumps(self.mean))

    def load(self, folder):
        self.mean = json.loads((folder / "mean.json").read_text())

    def embed_documents(self, texts):
        rows = [[len(text) - self.mean, text.count("e")] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(-1, 2)

    def embed_queries(self, texts):
        return self.embed_documents(texts)


class Unlearning(Embedder):
    """Learns nothing, and is right to say so."""

    mean = 0.0

    def fit(self, texts):
        pass


class Secretive(Embedder):
    """Learns, whatever its traits say."""

    mean = 0.0

    def fit(self, texts):
        if texts:
            super().fit(texts)


class Crashing(Chunker):
    def split(self, documents):
        return Spans(*np.array(list(self.rows(documents)), dtype=np.int32).T)


class Double(Embedder):
    def embed_documents(self, texts):
        return super().embed_documents(texts).astype(np.float64)


class Undefined(Embedder):
    def embed_documents(self, texts):
        vectors = super().embed_documents(texts)
        vectors[[not text for text in texts]] = np.nan
        return vectors


class Shapeless(Embedder):
    def embed_documents(self, texts):
        return super().embed_documents(texts) if texts else np.zeros(0, dtype=np.float32)


class Centred(Embedder):
    def embed_documents(self, texts):
        vectors = super().embed_documents(texts)
        return vectors - vectors.mean(axis=0) if len(vectors) else vectors


class Unseeded(Embedder):
    def fit(self, texts):
        super().fit(texts)
        self.mean += next(COUNTER)


class Forgetting(Embedder):
    def load(self, folder):
        self.mean = 0.0


class Pickling(Embedder):
    def save(self, folder):
        (folder / "mean").write_bytes(pickle.dumps(self.mean))

    def load(self, folder):
        self.mean = pickle.loads((folder / "mean").read_bytes())


class EditingTexts(Embedder):
    def embed_queries(self, texts):
        vectors = super().embed_queries(texts)
        if texts:
            texts[0] = "changed"
        return vectors


class Retriever:
    def add(self, passages, vectors):
        self.texts = list(passages.text)

    def save(self, folder):
        (folder / "texts.json").write_text(json.dumps(self.texts))

    def load(self, folder, passages, vectors):
        self.texts = json.loads((folder / "texts.json").read_text())

    def scores(self, query, queries):
        words = query.casefold().split()
        return np.array([sum(word in text.casefold() for word in words) for text in self.texts], dtype=np.float32)

    def search(self, queries, limit):
        hits = no_hits(len(queries), limit)
        for row, text in enumerate(queries.text):
            scores = self.scores(text, queries)
            candidates = np.flatnonzero(scores)
            write_hits(hits, row, best_rows(scores[candidates], candidates, limit))
        return hits


class Varying(Retriever):
    """Leaves out what its build overlooks."""

    number = 1

    def __init__(self, builds=1):
        pass

    def choose_build(self, number):
        self.number = number

    def save(self, folder):
        super().save(folder)
        (folder / "number.json").write_text(json.dumps(self.number))

    def load(self, folder, passages, vectors):
        super().load(folder, passages, vectors)
        self.number = json.loads((folder / "number.json").read_text())

    def scores(self, query, queries):
        scores = super().scores(query, queries)
        scores[self.number % 2 :: 3] = 0
        return scores


class FirstBuild(Varying):
    def load(self, folder, passages, vectors):
        Retriever.load(self, folder, passages, vectors)


class OneBuild(Retriever):
    def __init__(self, builds=1):
        pass


class Parted(Retriever):
    """Has parts that know nothing of each other, and need not."""

    def share(self, parts, folder):
        pass

    def load_part(self, folder, shared, number, passages, vectors):
        self.load(folder, passages, vectors)


class Provincial(Parted):
    """Scores the chunks of a part as if there were no others."""

    def scores(self, query, queries):
        return super().scores(query, queries) / np.float32(len(self.texts))


class Unpadded(Retriever):
    def search(self, queries, limit):
        hits = super().search(queries, limit)
        return replace(hits, passage=np.maximum(hits.passage, 0))


class LastRowFirst(Retriever):
    def search(self, queries, limit):
        hits = super().search(queries, limit)
        for row, scores in zip(hits.passage, hits.score, strict=True):
            kept = row >= 0
            row[kept] = row[kept][np.lexsort((-row[kept], -scores[kept]))]
        return hits


class Normalising(Retriever):
    def search(self, queries, limit):
        hits = super().search(queries, limit)
        return replace(hits, score=(hits.score / limit).astype(np.float32))


class Flickering(Retriever):
    def search(self, queries, limit):
        hits = super().search(queries, limit)
        return replace(hits, score=(hits.score * (1 + next(COUNTER) % 2)).astype(np.float32))


class Unsaved(Retriever):
    def load(self, folder, passages, vectors):
        super().load(folder, passages, vectors)
        self.texts = self.texts[1:]


class Gregarious(Retriever):
    def scores(self, query, queries):
        scores = super().scores(query, queries)
        scores[: len(queries)] += 1
        return scores


class EditingQuestions(Retriever):
    def search(self, queries, limit):
        hits = super().search(queries, limit)
        queries.text[:] = [text.casefold() for text in queries.text]
        return hits


class Eager(Retriever):
    def search(self, queries, limit):
        hits = super().search(queries, limit)
        return hits if len(queries) else Hits(hits.passage[:, :0], hits.score[:, :0])
