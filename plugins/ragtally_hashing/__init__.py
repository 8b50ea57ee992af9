"""The embedder `hashing`: each word adds to one dimension that its hash picks; nothing is learnt.

A floor for embedders: it knows words by their letters alone, weighs them all alike, and mixes up those that share a
dimension. An embedder that does no better tells nothing about meaning. Nothing is downloaded, and a text's vector is
the same in every corpus. Weinberger et al. (2009), "Feature hashing for large scale multitask learning".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally import Component, Embedder, EmbedderTraits, ParameterFault, hookimpl


@hookimpl
def register_embedders() -> list[Component]:
    """Offer `hashing`."""
    return [
        Component(
            name="hashing",
            phrase="hashed",
            build=_build,
            summary="A floor for embedders: words hashed into dimensions; no learning, no download.",
            params={
                "dim": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 65536,
                    "default": 512,
                    "description": "How many dimensions; words that share one are mixed up, so more are better.",
                },
                "analyzer": {
                    "enum": ["word", "char_wb"],
                    "default": "word",
                    "description": "What is hashed, in scikit-learn's words: runs of words, or of characters inside "
                    "words (char_wb), which find parts of words and forgive misspellings, at ten times the time.",
                },
                "ngram_range": {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 1, "maximum": 10},
                    "minItems": 2,
                    "maxItems": 2,
                    "default": [1, 1],
                    "description": "The shortest and the longest run: [1, 2] for words and pairs of words, [3, 5] "
                    "for char_wb.",
                },
                "term_frequency": {
                    "enum": ["log", "raw"],
                    "default": "log",
                    "description": "What n times the same counts: 1 + ln n, or n.",
                },
                "stopwords": {
                    "enum": ["english", None],
                    "default": "english",
                    "description": "Which language's stop words (scikit-learn's) are left out, of words only; null "
                    "for none.",
                },
                "seed": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": 4294967295,
                    "description": "Seed of the dimensions and signs; the study's own if omitted.",
                },
            },
            traits=lambda parameters: EmbedderTraits(
                requires_fit=False, name="hashing", dimensions=parameters["dim"]
            ),
            check=_check,
        )
    ]


def _check(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    shortest, longest = parameters["ngram_range"]
    if shortest > longest:
        message = f"the shortest run, {shortest}, is longer than the longest, {longest}"
        return [ParameterFault("ngram_range", message, f"ngram_range: [{longest}, {shortest}]")]
    return []


def _build(
    dim: int, analyzer: str, ngram_range: list[int], term_frequency: str, stopwords: str | None, seed: int
) -> Embedder:
    from ragtally_hashing.vectors import Hashing

    shortest, longest = ngram_range
    return Hashing(dim, analyzer, (shortest, longest), term_frequency, stopwords, seed)
