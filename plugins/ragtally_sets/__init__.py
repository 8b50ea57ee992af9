"""The retriever `sets`: compares the set of the question's words with that of every chunk's."""

from __future__ import annotations

from ragtally import Component, Retriever, RetrieverTraits, hookimpl
from ragtally_lexical.tokens import TOKEN_PARAMETERS, check_token_parameters


@hookimpl
def register_retrievers() -> list[Component]:
    """Offer `sets`."""
    return [
        Component(
            name="sets",
            build=_build,
            summary="Exact search over token sets, by Jaccard or Hamming distance; under `dense` these two compare "
            "binarised vectors instead.",
            version=2,
            traits=RetrieverTraits(in_parts=True),
            phrase=lambda params: f"word sets by {params['distance'].capitalize()} distance",
            params={
                "distance": {
                    "enum": ["jaccard", "hamming"],
                    "default": "jaccard",
                    "description": "What makes the set A of the question's words and the set B of a chunk's near. "
                    "`jaccard`: 1 - |A and B| / |A or B|, the score is the similarity, and a chunk without a common "
                    "word is no hit. `hamming`: how many words are in one of the two only, the score is minus that, "
                    "and short chunks are near to everything. Under both a chunk without words is no hit, and a "
                    "question without words finds nothing.",
                    "x-ragtally-search": True,
                },
                **TOKEN_PARAMETERS,
            },
            check=check_token_parameters,
        )
    ]


def _build(
    distance: str, tokenizer: str, stemmer: str | None, stopwords: str | None, language: str | None = None
) -> Retriever:
    from ragtally_lexical.tokens import Tokenizer
    from ragtally_sets.search import TokenSets

    return TokenSets(Tokenizer(tokenizer, stemmer, stopwords, language), distance)
