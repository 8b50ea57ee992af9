"""Many questions at once, each one a search by the server; ties by row."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from weaviate.classes.query import HybridFusion, MetadataQuery

from ragtally import Hits, PluginError, Queries
from ragtally.support.ranking import RankedRows, best_rows, write_hits
from ragtally_weaviate.collection import CONTENT, VECTOR, CollectionIndex
from ragtally_weaviate.design import Search, handed_over
from ragtally_weaviate.failures import ServerError, word_failure
from ragtally_weaviate.parameters import DEFAULT_ALPHA

# How many more an exact search is asked for, so that a tie at the border goes by row.
_MORE = 50
# How many questions are queued at once.
_QUESTIONS = 4096
_NOTHING = best_rows(np.zeros(0), np.zeros(0, np.int32), 0)


class Searcher:
    """Searches one collection in one way."""

    def __init__(self, index: CollectionIndex, search: Search, queries: Queries) -> None:
        self._index, self._search, self._queries = index, search, queries
        self._failed = threading.Event()
        if search.mode != "bm25" and (queries.vectors is None or len(queries.vectors) != len(queries)):
            raise PluginError(f"weaviate needs vectors under mode: {search.mode}", hint="give it an embedder")

    def write(self, hits: Hits, limit: int, concurrency: int) -> None:
        """Search for every question."""
        executor = ThreadPoolExecutor(max_workers=concurrency)
        try:
            for first in range(0, len(self._queries), _QUESTIONS):
                rows = range(first, min(first + _QUESTIONS, len(self._queries)))
                for row, ranking in zip(rows, executor.map(lambda row: self._ranking(row, limit), rows), strict=True):
                    write_hits(hits, row, ranking)
        finally:
            executor.shutdown(cancel_futures=True)

    def _ranking(self, row: int, limit: int) -> RankedRows:
        # The client tries for a minute before it gives a server up: once one question has failed, no other begins.
        if self._failed.is_set():
            return _NOTHING
        try:
            return self._results(row, limit)
        except Exception:
            self._failed.set()
            raise

    def _results(self, row: int, limit: int) -> RankedRows:
        mode, text = self._search.mode, self._queries.text[row]
        vector = None
        if mode != "bm25":
            assert self._queries.vectors is not None
            vector = handed_over(self._queries.vectors[row], self._index.contents.design.distance)
        if (mode == "bm25" and not text.strip()) or (mode == "near_vector" and vector is None):
            return _NOTHING
        with word_failure(self._index.url, "searching"):
            answer = self._ask(text, vector)
        rows, scores = [], []
        for result_object in answer.objects:
            at = self._index.contents.row(result_object.uuid)
            score = self._score(result_object.metadata)
            if at is None or score is None or not math.isfinite(score):
                raise ServerError(
                    f"Weaviate at {self._index.url} finds an object that ragtally did not write, or gives no score: "
                    f"{result_object.uuid} in {self._index.contents.name}",
                    hint="the collection must not be written by anybody else; drop it, and run again",
                )
            rows.append(at)
            scores.append(score)
        return best_rows(np.array(scores, np.float64), np.array(rows, np.int32), limit)

    def _ask(self, text: str, vector: list[float] | None) -> Any:
        query, search = self._index.collection.query, self._search
        limit = asked_for(search, self._index.contents.design.index)
        if search.mode == "bm25":
            return query.bm25(
                text, query_properties=[CONTENT], limit=limit, return_metadata=MetadataQuery(score=True),
                return_properties=[],
            )  # fmt: skip
        if search.mode == "near_vector":
            assert vector is not None
            return query.near_vector(
                vector, target_vector=VECTOR, limit=limit, return_metadata=MetadataQuery(distance=True),
                return_properties=[],
            )  # fmt: skip
        alpha = DEFAULT_ALPHA if search.alpha is None else search.alpha
        is_ranked = search.fusion == "ranked"
        return query.hybrid(
            text,
            vector=vector,
            # Without a vector only words are left to compare.
            alpha=alpha if vector is not None else 0.0,
            query_properties=[CONTENT],
            fusion_type=HybridFusion.RANKED if is_ranked else HybridFusion.RELATIVE_SCORE,
            target_vector=VECTOR if vector is not None else None,
            limit=limit,
            return_metadata=MetadataQuery(score=True),
            return_properties=[],
        )

    def _score(self, metadata: Any) -> float | None:
        """Turn what the server says into a score that grows with nearness."""
        if self._search.mode != "near_vector":
            score: float | None = metadata.score
            return score
        distance: float | None = metadata.distance
        if distance is None:
            return None
        return 1 - distance if self._index.contents.design.distance == "cosine" else -distance


def asked_for(search: Search, index: str) -> int:
    """Say how many hits the server is asked for."""
    exact = search.mode == "bm25" or (search.mode == "near_vector" and index == "flat")
    return search.depth + _MORE if exact else search.depth
