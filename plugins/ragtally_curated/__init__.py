"""The dataset `curated`: a set of examples, as a study exported it, as questions and as training data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragtally import Component, hookimpl
from ragtally.api import DatasetTraits

if TYPE_CHECKING:
    from ragtally_curated.dataset import ExamplesFolder

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "folder": {
        "type": "string",
        "minLength": 1,
        "description": "The folder `examples` of a study's results: data/results/STUDY/examples.",
        "x-ragtally-identity": False,
    },
    "form": {
        "type": ["string", "null"],
        "default": None,
        "description": "The form whose lines are read, also after somebody has edited them; the first one of the "
        "folder where it is left out.",
    },
}


def build(folder: str, form: str | None) -> ExamplesFolder:
    """Build the dataset."""
    from ragtally_curated.dataset import ExamplesFolder

    return ExamplesFolder(folder, form)


def fingerprint(parameters: Mapping[str, Any]) -> str:
    """Hash the files that the dataset reads."""
    from ragtally_curated.dataset import fingerprint_of

    return fingerprint_of(parameters["folder"], parameters["form"])


def traits(parameters: Mapping[str, Any]) -> DatasetTraits:
    """Labels where every example has one, else reference texts."""
    from ragtally_curated.dataset import ExamplesFolder

    return DatasetTraits("labels" if ExamplesFolder(parameters["folder"], parameters["form"]).labelled else "open")


@hookimpl
def register_datasets() -> list[Component]:
    """Offer `curated`."""
    return [
        Component(
            name="curated",
            build=build,
            summary="A curated set that a study exported: its questions, answers and documents, in its own splits.",
            params=PARAMETERS,
            fingerprint=fingerprint,
            traits=traits,
        )
    ]
