"""What the stand-in holds, and how it ranks it: BM25, exact distances, and Weaviate's two fusions."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

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


@dataclass
class Collection:
    """One collection, with its schema as the server says it."""

    schema: dict[str, Any]
    objects: dict[bytes, Held] = field(default_factory=dict)

    @property
    def vectors(self) -> dict[str, Any]:
        found: dict[str, Any] = self.schema["vectorConfig"]["default"]
        return found

    def ordered(self) -> list[bytes]:
        return sorted(self.objects)

    def near(self, vector: NDArray[np.float32], misses: int = 0) -> list[tuple[bytes, float]]:
        """Objects with their distances, nearest first."""
        names = [name for name in self.ordered() if self.objects[name].vector is not None]
        if not names:
            return []
        held = np.stack([self.objects[name].vector for name in names])  # type: ignore[misc]
        distances = distance(held, vector, self.vectors["vectorIndexConfig"]["distance"])
        found = sorted(zip(names, distances.tolist(), strict=True), key=lambda each: each[1])
        return found[:1] + found[1 + misses :] if self.vectors["vectorIndexType"] == "hnsw" else found

    def keywords(self, query: str, properties: list[str]) -> list[tuple[bytes, float]]:
        """Objects that hold a word of the query with their BM25 scores, best first."""
        config = self.schema["invertedIndexConfig"]
        k1, b = config["bm25"]["k1"], config["bm25"]["b"]
        stop = EN if config["stopwords"]["preset"] == "en" else frozenset()
        tokenization = next(
            each["tokenization"] for each in self.schema["properties"] if each["name"] == properties[0]
        )
        names = self.ordered()
        texts = [Counter(tokens(self.objects[name].properties[properties[0]], tokenization)) for name in names]
        lengths = [sum(text.values()) for text in texts]
        mean = sum(lengths) / len(lengths) if lengths else 1
        scores: Counter[bytes] = Counter()
        for word in dict.fromkeys(tokens(query, tokenization)):
            holders = sum(word in text for text in texts)
            if word in stop or not holders:
                continue
            idf = math.log(1 + (len(texts) - holders + 0.5) / (holders + 0.5))
            for name, text, length in zip(names, texts, lengths, strict=True):
                if often := text[word]:
                    scores[name] += idf * often * (k1 + 1) / (often + k1 * (1 - b + b * length / mean))
        return sorted(scores.items(), key=lambda each: (-each[1], each[0]))


def tokens(text: str, tokenization: str) -> list[str]:
    if tokenization == "word":
        return re.findall(r"[^\W_]+", text.lower())
    return (text.lower() if tokenization == "lowercase" else text).split()


def distance(held: NDArray[np.float32], asked: NDArray[np.float32], metric: str) -> NDArray[np.float64]:
    """Weaviate's distances, smaller is nearer."""
    held, asked = held.astype(np.float64), asked.astype(np.float64)
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


def fused(
    words: list[tuple[bytes, float]], near: list[tuple[bytes, float]], alpha: float, ranked: bool
) -> list[tuple[bytes, float]]:
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
