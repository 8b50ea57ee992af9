"""The reader `specialist`: a small scikit-learn classifier over the question and its passages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragtally import TRAIN_PARAMETER, Component, ReaderTraits, Starter, hookimpl

if TYPE_CHECKING:
    from ragtally import TrainableReader

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


@hookimpl
def register_readers() -> list[Component]:
    """Offer `specialist`."""
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
        )
    ]
