"""The retriever `bm25`: ranks chunks by the words they share with the question."""

from __future__ import annotations

from ragtally.hookspecs import hookimpl
from ragtally.kinds import Component, Retriever

# fmt: off
STEMMERS = [
    "arabic", "armenian", "basque", "catalan", "czech", "danish", "dutch", "dutch_porter", "english", "esperanto",
    "estonian", "finnish", "french", "german", "greek", "hindi", "hungarian", "indonesian", "irish", "italian",
    "lithuanian", "nepali", "norwegian", "persian", "polish", "porter", "portuguese", "romanian", "russian",
    "serbian", "sesotho", "spanish", "swedish", "tamil", "turkish", "yiddish",
]
# fmt: on
"""The stemmers of PyStemmer (Snowball)."""

# fmt: off
STOPWORDS = [
    "english", "english_plus", "danish", "dutch", "french", "german", "italian", "korean", "norwegian", "portuguese",
    "russian", "spanish", "swedish", "turkish", "chinese",
]
# fmt: on
"""The lists of stop words of bm25s."""


@hookimpl
def register_retrievers() -> list[Component]:
    """Offer `bm25`."""
    return [
        Component(
            name="bm25",
            build=_build,
            summary="Okapi BM25 over stemmed words, by bm25s.",
            params={
                "k1": {
                    "type": "number",
                    "minimum": 0,
                    "default": 1.5,
                    "description": "How much a word's further occurrences in a chunk still count; 0 for not at all.",
                },
                "b": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1,
                    "default": 0.75,
                    "description": "How much long chunks are discounted; 0 for not at all.",
                },
                "method": {
                    "enum": ["lucene", "robertson", "atire"],
                    "default": "lucene",
                    "description": "Which variant of the formula; under robertson and atire a word that most or "
                    "all chunks hold weighs nothing.",
                },
                "stemmer": {
                    "enum": [*STEMMERS, None],
                    "default": "english",
                    "description": "Which language's word endings are taken off; null for none.",
                },
                "stopwords": {
                    "enum": [*STOPWORDS, None],
                    "default": "english",
                    "description": "Which language's stop words are left out; null for none.",
                },
            },
        )
    ]


def _build(k1: float, b: float, method: str, stemmer: str | None, stopwords: str | None) -> Retriever:
    from ragtally_bm25.index import Bm25

    return Bm25(k1=k1, b=b, method=method, stemmer=stemmer, stopwords=stopwords)
