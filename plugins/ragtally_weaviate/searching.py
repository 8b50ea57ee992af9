"""Many questions at once, each one a search by the server, ties by row; and how near that comes to an exact one."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from weaviate.classes.query import HybridFusion, MetadataQuery

from ragtally import Hits, Passages, PluginError, Queries, Score
from ragtally.support.ranking import RankedRows, best_rows, write_hits
from ragtally_dense import exact_index
from ragtally_weaviate.collection import CONTENT, VECTOR, CollectionIndex
from ragtally_weaviate.design import Search, Vectors, comparable_vector
from ragtally_weaviate.parameters import DEFAULT_ALPHA, DENSE
from ragtally_weaviate.server import ServerError, word_failure

# How many more an exact search is asked for, so that a tie at the border goes by row.
_MORE = 50
# How many questions are queued at once.
_QUESTIONS = 4096
_NOTHING = best_rows(np.zeros(0), np.zeros(0, np.int32), 0)
_RANKS = 10
# By what share a score may be below the last one that is right: the server computes in float32.
_SLACK = 1e-4
# How often a question may be answered otherwise than just before, and the seconds between two such rounds.
_ROUNDS, _PAUSE = 10, 1.0


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
                rankings = self._rankings(executor, rows, limit)
                if self._search.mode != "near_vector":
                    self._settle(executor, rankings, limit)
                for row, ranking in rankings.items():
                    write_hits(hits, row, ranking)
        finally:
            executor.shutdown(cancel_futures=True)

    def _rankings(self, executor: ThreadPoolExecutor, rows: Iterable[int], limit: int) -> dict[int, RankedRows]:
        rows = list(rows)
        return dict(zip(rows, executor.map(lambda row: self._ranking(row, limit), rows), strict=True))

    def _settle(self, executor: ThreadPoolExecutor, rankings: dict[int, RankedRows], limit: int) -> None:
        """Ask again until every question has the same answer twice."""
        # Some time after it was filled, a server ranks a few questions by words otherwise for a moment (seen twice on
        # 1.40, which was busy: 1 and 2 of 300 questions; asked again later it ranked them as ever).
        unsure = list(rankings)
        for attempt in range(_ROUNDS):
            if attempt:
                time.sleep(_PAUSE)
            again = self._rankings(executor, unsure, limit)
            unsure = [row for row in unsure if not _are_equal(rankings[row], again[row])]
            rankings |= again
            if not unsure:
                return
        raise ServerError(
            f"Weaviate at {self._index.url} answers {len(unsure):,} of {len(self._queries):,} questions otherwise "
            "each time",
            hint="wait until nobody writes to it, then run the same command again",
        )

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
            vector = comparable_vector(self._queries.vectors[row], self._index.contents.design.distance)
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
        limit = candidate_count(search, self._index.contents.design.index)
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


def _are_equal(one: RankedRows, other: RankedRows) -> bool:
    return all(map(np.array_equal, one, other))


def candidate_count(search: Search, index: str) -> int:
    """Return how many hits to ask the server for."""
    exact = search.mode == "bm25" or (search.mode == "near_vector" and index == "flat")
    return search.depth + _MORE if exact else search.depth


def ann_recall(passages: Passages, vectors: Vectors, queries: Queries, hits: Hits, distance: str) -> dict[str, Score]:
    """Compare the first hits with an exact search over the same vectors."""
    # A hit is right where it is as near as the last of as many exact hits, so that it does not matter which of
    # equally near chunks is found (the definition of ANN-Benchmarks, Aumueller, Bernhardsson and Faithfull 2020,
    # section 3.1).
    ranks = min(_RANKS, hits.passage.shape[1])
    name = f"ann_recall@{ranks}"
    exact = exact_index(DENSE[distance])
    exact.add(passages, vectors)
    exact_hits = exact.search(queries, ranks)
    shares = []
    for row in range(len(queries)):
        right = exact_hits.passage[row] >= 0
        count = int(right.sum())
        if not count:
            continue
        last = float(exact_hits.score[row, count - 1])
        approximate = hits.passage[row, :count]
        scores = _scores_as_dense(hits.score[row, :count], distance)
        near = scores >= last - _SLACK * max(abs(last), 1e-6)
        shares.append(float((near & (approximate >= 0)).sum()) / count)
    if not shares:
        return {name: Score(None, 0, "no question has a vector with a near chunk")}
    return {name: Score(float(np.mean(shares)), len(shares))}


def _scores_as_dense(scores: Vectors, distance: str) -> Vectors:
    """Write Weaviate's scores as `dense` writes them: the square of the Euclidean distance becomes that distance."""
    return -np.sqrt(np.maximum(-scores, 0)) if distance == "l2-squared" else scores
