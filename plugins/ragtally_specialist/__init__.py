"""Readers that train a small classifier: `specialist` finds by itself what to read, `classifier` is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragtally import TRAIN_PARAMETER, Component, ReaderTraits, Starter, hookimpl
from ragtally_specialist.options import PARAMETERS, check_options

if TYPE_CHECKING:
    from ragtally import Embedder, TrainableReader

_PARAMETERS = {
    "train": TRAIN_PARAMETER,
    "features": {
        "type": "string",
        "enum": ["tfidf", "counts", "char"],
        "default": "tfidf",
        "description": "How the sentences that match the question are turned into numbers: weighted word n-grams "
        "(tfidf), plain word n-grams (counts), or weighted character n-grams (char).",
    },
    "regularisation": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 1.0,
        "description": "The inverse strength of the regularisation, scikit-learn's C.",
    },
}


def _build(features: str, regularisation: float) -> TrainableReader:
    from ragtally_specialist.reader import SpecialistReader

    return SpecialistReader(features, regularisation)


def _build_classifier(embedder: Embedder | None, parts: dict[str, Any], **options: Any) -> TrainableReader:
    from ragtally_specialist.classifier import ClassifierReader

    return ClassifierReader(embedder, parts, options)


@hookimpl
def register_readers() -> list[Component]:
    """Offer `specialist` and `classifier`."""
    return [
        Component(
            name="specialist",
            build=_build,
            summary="A small text classifier that finds the sentences that match the question; one bootstrap a vote.",
            version=2,
            params=_PARAMETERS,
            traits=ReaderTraits(draws="fresh", trains=True),
            starter=lambda _: Starter(
                name="words", comment="Learns from the dataset's training split, and needs no server."
            ),
        ),
        Component(
            name="classifier",
            build=_build_classifier,
            version=2,
            summary="A text classifier over declared parts of question and context, chosen by cross-validation.",
            params={"train": TRAIN_PARAMETER, **PARAMETERS},
            check=check_options,
            traits=lambda params: ReaderTraits(
                draws="fresh" if params["bootstrap"] else "fixed", trains=True, in_pieces=True
            ),
        ),
    ]
