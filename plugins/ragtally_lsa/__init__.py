"""The embedder `lsa`: latent semantic analysis, a TF-IDF matrix brought down to a few dimensions by an SVD.

Needs no model to be downloaded. Deerwester et al. (1990), "Indexing by latent semantic analysis".
"""

from __future__ import annotations

from ragtally import Component, Embedder, EmbedderTraits, hookimpl
from ragtally.support.unspaced import LANGUAGES_WITHOUT_SPACES


@hookimpl
def register_embedders() -> list[Component]:
    """Offer `lsa`."""
    return [
        Component(
            name="lsa",
            phrase="LSA",
            traits=lambda parameters: EmbedderTraits(dimensions=parameters["dim"]),
            build=_build,
            summary="Latent semantic analysis: TF-IDF and a truncated SVD, learnt from the corpus' chunks.",
            params={
                "dim": {
                    "type": ["integer", "null"],
                    "minimum": 1,
                    "default": 256,
                    "x-ragtally-null": "largest",
                    "description": "How many dimensions; at most the number of chunks and of different words. null "
                    "for as many as these allow, and no more than 256.",
                },
                "stopwords": {
                    "enum": ["english", None],
                    "default": "english",
                    "description": "Which language's stop words (scikit-learn's) are left out; null for none.",
                },
                "language": {
                    "enum": [*LANGUAGES_WITHOUT_SPACES, None],
                    "default": None,
                    "description": "A language without spaces between words: of its script every two neighbouring "
                    "signs are a word. null for none.",
                    "x-ragtally-identity": "if given",
                    "x-ragtally-language": True,
                },
                "fit_chunks": {
                    "type": ["integer", "null"],
                    "minimum": 1,
                    "default": 100_000,
                    "description": "Of a larger corpus, how many chunks, drawn by the seed, are learnt from: words, "
                    "weights and directions; all chunks are embedded. null for all.",
                },
                "seed": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": 4294967295,
                    "description": "Seed of the randomised SVD and of the chunks learnt from; the study's own where "
                    "it is left out.",
                },
            },
        )
    ]


def _build(
    dim: int | None, stopwords: str | None, fit_chunks: int | None, seed: int, language: str | None = None
) -> Embedder:
    from ragtally_lsa.model import LatentSemanticAnalysis

    return LatentSemanticAnalysis(dim, stopwords, fit_chunks, seed, has_signs=language is not None)
