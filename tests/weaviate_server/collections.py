"""What the stand-in holds, and how it ranks it: BM25, exact distances, and Weaviate's two fusions."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

EN = frozenset({"a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no",
                "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this",
                "to", "was", "will", "with"})  # fmt: skip
"""Weaviate's English stop words."""


@dataclass
class Held:
    """One object."""

    properties: dict[str, Any]
    vector: NDArray[np.float32] | None
    indexed: bool = True  # Whether a search by vectors finds it


RankedRows = list[tuple[bytes, float]]
Numbers = NDArray[np.float64]


class Words(NamedTuple):
    """The words of one property: in which objects (by place in the order) each word occurs how often."""

    names: list[bytes]
    postings: dict[str, tuple[NDArray[np.int64], Numbers]]
    lengths: Numbers
    unmerged: Counter[str]  # How many texts that are not there any more hold a word


class Vectors(NamedTuple):
    """The objects that have a vector."""

    names: list[bytes]
    rows: Numbers


@dataclass
class Collection:
    """One collection, with its schema as the server says it."""

    schema: dict[str, Any]
    objects: dict[bytes, Held] = field(default_factory=dict)
    # Texts that were deleted or written again, which BM25 goes on counting until segments are merged.
    unmerged: list[dict[str, Any]] = field(default_factory=list)
    changes: int = 0
    _words: tuple[tuple[int, int], Words] | None = None
    _vectors: tuple[tuple[int, int], Vectors] | None = None

    @property
    def vectors(self) -> dict[str, Any]:
        found: dict[str, Any] = self.schema["vectorConfig"]["default"]
        return found

    def ordered(self) -> list[bytes]:
        return sorted(self.objects)

    def put(self, name: bytes, properties: dict[str, Any], vector: NDArray[np.float32] | None) -> Held | None:
        """Store an object; returns it where it has to be indexed: an unchanged one is skipped, indexed or not."""
        before = self.objects.get(name)
        if before is not None:
            self.unmerged.append(before.properties)
            self.changes += 1
            if before.properties == properties and np.array_equal(before.vector, vector):
                return None
        self.objects[name] = Held(properties, vector, indexed=False)
        return self.objects[name]

    def delete(self, name: bytes) -> bool:
        """Delete an object; False where there is none."""
        if name not in self.objects:
            return False
        self.unmerged.append(self.objects.pop(name).properties)
        self.changes += 1
        return True

    def merge(self) -> None:
        """Merge the segments, as the server does after a while."""
        self.unmerged.clear()
        self.changes += 1

    def near(
        self, vector: NDArray[np.float32], most: int, misses: int = 0, among: Set[bytes] | None = None
    ) -> RankedRows:
        """Objects with their distances, nearest first."""
        names, rows = self._with_vectors()
        if among is not None:
            chosen = [location for location, name in enumerate(names) if name in among]
            names, rows, misses = [names[location] for location in chosen], rows[chosen], 0
        if not names:
            return []
        distances = distance(rows, vector.astype(np.float64), self.vectors["vectorIndexConfig"]["distance"])
        order = np.argsort(distances, kind="stable")[: most + misses]
        found = [(names[location], float(distances[location])) for location in order]
        return (found[:1] + found[1 + misses :] if self.vectors["vectorIndexType"] == "hnsw" else found)[:most]

    def keywords(self, query: str, name: str, most: int) -> RankedRows:
        """Objects that hold a word of the query with their BM25 scores, best first."""
        config = self.schema["invertedIndexConfig"]
        k1, b = config["bm25"]["k1"], config["bm25"]["b"]
        stop = EN if config["stopwords"]["preset"] == "en" else frozenset()
        (tokenization,) = (each["tokenization"] for each in self.schema["properties"] if each["name"] == name)
        names, postings, lengths, unmerged = self._with_words(name, tokenization)
        scores = np.zeros(len(names))
        norms = k1 * (1 - b + b * lengths / max(1e-9, lengths.mean() if len(names) else 1))
        for word in dict.fromkeys(tokens(query, tokenization)):
            if word in stop or word not in postings:
                continue
            places, often = postings[word]
            count = len(places) + unmerged[word]
            idf = math.log(1 + (max(len(names), count) - count + 0.5) / (count + 0.5))
            scores[places] += idf * often * (k1 + 1) / (often + norms[places])
        order = np.argsort(-scores, kind="stable")[:most]
        return [(names[location], float(scores[location])) for location in order if scores[location] > 0]

    def _with_words(self, name: str, tokenization: str) -> Words:
        if self._words is None or self._words[0] != self._version:
            names, lists, lengths = self.ordered(), dict[str, list[tuple[int, int]]](), []
            for location, key in enumerate(names):
                counts = Counter(tokens(self.objects[key].properties[name], tokenization))
                lengths.append(sum(counts.values()))
                for word, often in counts.items():
                    lists.setdefault(word, []).append((location, often))
            postings = {
                word: (
                    np.array([location for location, _ in found]),
                    np.array([often for _, often in found], np.float64),
                )
                for word, found in lists.items()
            }
            unmerged = Counter(word for each in self.unmerged for word in set(tokens(each[name], tokenization)))
            self._words = (self._version, Words(names, postings, np.array(lengths, np.float64), unmerged))
        return self._words[1]

    def _with_vectors(self) -> Vectors:
        if self._vectors is None or self._vectors[0] != self._version:
            names = [
                name
                for name in self.ordered()
                if self.objects[name].indexed and self.objects[name].vector is not None
            ]
            rows = np.array([self.objects[name].vector for name in names], np.float64)
            self._vectors = (self._version, Vectors(names, rows))
        return self._vectors[1]

    @property
    def _version(self) -> tuple[int, int]:
        return len(self.objects), self.changes


def tokens(text: str, tokenization: str) -> list[str]:
    if tokenization == "word":
        return re.findall(r"[^\W_]+", text.lower())
    return (text.lower() if tokenization == "lowercase" else text).split()


def distance(held: Numbers, asked: Numbers, metric: str) -> Numbers:
    """Weaviate's distances, smaller is nearer."""
    if metric == "dot":
        return -(held @ asked)
    if metric == "cosine":
        return 1 - (held @ asked) / (np.linalg.norm(held, axis=1) * np.linalg.norm(asked))
    if metric == "l2-squared":
        return ((held - asked) ** 2).sum(axis=1)
    if metric == "manhattan":
        return np.abs(held - asked).sum(axis=1)
    assert metric == "hamming"
    return (held != asked).sum(axis=1).astype(np.float64)


def fused(words: RankedRows, near: RankedRows, alpha: float, ranked: bool) -> RankedRows:
    """Mix two rankings as Weaviate does: by rank (1 / (60 + rank)), or by scores brought to the range 0 to 1."""
    scores: Counter[bytes] = Counter()
    for found, weight in ((words, 1 - alpha), ([(name, -value) for name, value in near], alpha)):
        if not found or not weight:
            continue
        high, low = found[0][1], found[-1][1]
        for rank, (name, value) in enumerate(found):
            part = 1 / (60 + rank) if ranked else (value - low) / (high - low) if high > low else 1.0
            scores[name] += weight * part
    return sorted(scores.items(), key=lambda each: (-each[1], each[0]))
