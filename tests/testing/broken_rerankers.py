"""Retrievers that build on others and keep their contract, and ones that break it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from ragtally.api import Hits, Message, RetrieverTraits
from ragtally.support.fusion import fuse_hits
from ragtally.support.ranking import no_hits

COUNTER = itertools.count()
DEPTH = 10
READS = frozenset({"text", "hits"})
REFINES = RetrieverTraits(READS, depth=DEPTH)
PROMPTS = RetrieverTraits(READS, depth=DEPTH, prompts=True)

OTHER = {"x-ragtally-kind": "retriever", "default": "bm25", "description": "Another retriever."}
OTHERS = {
    "type": "array",
    "items": {"x-ragtally-kind": "retriever"},
    "default": ["bm25", {"dense": {"distance": "dot"}}],
    "description": "Other retrievers.",
}
WINDOW = {"x-ragtally-kind": "chunker", "default": "sections", "description": "Larger chunks."}
MODEL = {"x-ragtally-kind": "model", "default": "small", "description": "Who is asked."}


class Refining:
    """Adds up the scores of the first hits."""

    def __init__(self, others=None):
        assert others is None, "a retriever is not given those that it names"

    def rerank(self, queries, candidates, limit):
        rows = np.concatenate([hits.passage[:, :DEPTH] for hits in candidates.hits], axis=1)
        return fuse_hits(rows, np.concatenate([hits.score[:, :DEPTH] for hits in candidates.hits], axis=1), limit)


class Windowed(Refining):
    """Finds every window that the first hits touch."""

    def __init__(self, other=None, window=None):
        assert other is None is window

    def rerank(self, queries, candidates, limit):
        (hits,) = candidates.hits
        documents = np.where(hits.passage < 0, -1, candidates.passages.spans.document[hits.passage])[:, :DEPTH]
        rows = np.searchsorted(candidates.windows.document, documents).astype(np.int32)
        return fuse_hits(np.where(documents < 0, np.int32(-1), rows), hits.score[:, :DEPTH], limit, np.maximum)


class Chunks(Windowed):
    def rerank(self, queries, candidates, limit):
        (hits,) = candidates.hits
        return fuse_hits(hits.passage[:, :DEPTH], hits.score[:, :DEPTH], limit)


class Prompting:
    """Puts the passage first that a reply names, where it names one."""

    def __init__(self, other=None, model=None):
        assert other is None is model

    def prompts(self, queries, candidates):
        (hits,) = candidates.hits
        shown = [[candidates.passages.text[row] for row in rows[:DEPTH] if row >= 0] for rows in hits.passage]
        return [
            (Message("user", f"{text} {' '.join(texts)}"),) for text, texts in zip(queries.text, shown, strict=True)
        ]

    def unread(self, candidates):
        return sum(reply is not None and "[" not in reply for reply in candidates.replies)

    def location(self, reply):
        return int(reply[1]) - 1 if reply and reply[0] == "[" and reply[1].isdigit() else 0

    def rerank(self, queries, candidates, limit):
        (hits,) = candidates.hits
        scores = np.where(hits.passage >= 0, -np.arange(hits.passage.shape[1], dtype=np.float32), 0)
        for row, reply in enumerate(candidates.replies):
            location = self.location(reply)
            if location < hits.passage.shape[1] and hits.passage[row, location] >= 0:
                scores[row, location] = 1
        return fuse_hits(hits.passage, scores, limit)


class Unpadded(Refining):
    def rerank(self, queries, candidates, limit):
        hits = super().rerank(queries, candidates, limit)
        return replace(hits, passage=np.maximum(hits.passage, 0))


class FindingNothing(Refining):
    def rerank(self, queries, candidates, limit):
        return no_hits(len(queries), limit)


class Repeating(Refining):
    def rerank(self, queries, candidates, limit):
        hits = super().rerank(queries, candidates, limit)
        hits.passage[:, 1:2] = np.where(hits.passage[:, 1:2] >= 0, hits.passage[:, :1], -1)
        return hits


class HighestRowFirst(Refining):
    def rerank(self, queries, candidates, limit):
        hits = super().rerank(queries, candidates, limit)
        order = np.lexsort((-hits.passage, -hits.score, hits.passage < 0), axis=1)
        return Hits(np.take_along_axis(hits.passage, order, 1), np.take_along_axis(hits.score, order, 1))


class Normalising(Refining):
    def rerank(self, queries, candidates, limit):
        hits = super().rerank(queries, candidates, limit)
        return replace(hits, score=(hits.score / limit).astype(np.float32))


class Bottomless(Refining):
    def rerank(self, queries, candidates, limit):
        hits = super().rerank(queries, candidates, limit)
        deepest = sum(of_one.score[:, DEPTH:].sum(axis=1, keepdims=True) for of_one in candidates.hits)
        return replace(hits, score=np.where(hits.passage >= 0, hits.score + deepest, 0).astype(np.float32))


class Flickering(Refining):
    def rerank(self, queries, candidates, limit):
        hits = super().rerank(queries, candidates, limit)
        return replace(hits, score=(hits.score * (1 + next(COUNTER) % 2)).astype(np.float32))


class Gregarious(Refining):
    def rerank(self, queries, candidates, limit):
        hits = super().rerank(queries, candidates, limit)
        return replace(hits, score=(hits.score * len(queries)).astype(np.float32))


class Eager(Refining):
    def rerank(self, queries, candidates, limit):
        hits = super().rerank(queries, candidates, limit)
        return hits if len(queries) else Hits(hits.passage[:, :0], hits.score[:, :0])


class Guessing(Refining):
    def rerank(self, queries, candidates, limit):
        hits = super().rerank(queries, candidates, limit)
        hits.passage[hits.passage[:, 0] < 0, 0] = 0
        return hits


class EditingHits(Refining):
    def rerank(self, queries, candidates, limit):
        hits = super().rerank(queries, candidates, limit)
        candidates.hits[0].score[:] *= 2
        return hits


class EditingReplies(Prompting):
    def rerank(self, queries, candidates, limit):
        hits = super().rerank(queries, candidates, limit)
        candidates.replies[:] = [reply or "" for reply in candidates.replies]
        return hits


class Promptless:
    __init__ = Prompting.__init__
    location = Prompting.location
    refine = Prompting.rerank


class Terse(Prompting):
    def prompts(self, queries, candidates):
        return list(super().prompts(queries, candidates))[1:]


class Wordless(Prompting):
    def prompts(self, queries, candidates):
        return [(Message("user", ""),) for _ in queries.text]


class Varying(Prompting):
    def prompts(self, queries, candidates):
        return [(*prompt, Message("user", str(next(COUNTER)))) for prompt in super().prompts(queries, candidates)]


class Counting(Prompting):
    def prompts(self, queries, candidates):
        number = Message("user", str(len(queries)))
        return [(*prompt, number) for prompt in super().prompts(queries, candidates)]


class Punishing(Prompting):
    def rerank(self, queries, candidates, limit):
        hits = super().rerank(queries, candidates, limit)
        failed = [reply is None for reply in candidates.replies]
        hits.passage[failed], hits.score[failed] = -1, 0
        return hits


class Shuffling(Prompting):
    def location(self, reply):
        return 2 if reply is None else super().location(reply)


class CountingFailures(Prompting):
    def unread(self, candidates):
        return sum(not reply for reply in candidates.replies)


class ReadingAll(Prompting):
    def unread(self, candidates):
        return 0
