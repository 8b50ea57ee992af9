"""The retriever `bm25`: ranks chunks by the words they share with the question."""

from __future__ import annotations

from ragtally import Component, Retriever, RetrieverTraits, Starter, hookimpl
from ragtally_lexical.tokens import TOKEN_PARAMETERS, check_token_parameters, parameters_for


@hookimpl
def register_retrievers() -> list[Component]:
    """Offer `bm25`."""
    return [
        Component(
            name="bm25",
            build=_build,
            summary="Okapi BM25 over stemmed words, with bm25s's tokens and scores.",
            version=3,
            phrase="BM25",
            traits=RetrieverTraits(in_parts=True),
            starter=lambda language: Starter(parameters_for(language)),
            params={
                "k1": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1000,
                    "default": 1.5,
                    "description": "How much a word's further occurrences in a chunk still count; 0 for not at all.",
                    "x-ragtally-search": True,
                },
                "b": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1,
                    "default": 0.75,
                    "description": "How much long chunks are discounted; 0 for not at all.",
                    "x-ragtally-search": True,
                },
                "method": {
                    "enum": ["lucene", "robertson", "atire"],
                    "default": "lucene",
                    "description": "Which variant of the formula; under robertson and atire a word that most or "
                    "all chunks hold weighs nothing.",
                    "x-ragtally-search": True,
                },
                **TOKEN_PARAMETERS,
            },
            check=check_token_parameters,
        )
    ]


def _build(
    k1: float,
    b: float,
    method: str,
    tokenizer: str,
    stemmer: str | None,
    stopwords: str | None,
    language: str | None = None,
) -> Retriever:
    from ragtally_bm25.search import Bm25, Formula
    from ragtally_lexical.tokens import Tokenizer

    return Bm25(Tokenizer(tokenizer, stemmer, stopwords, language), Formula(k1, b, method))
