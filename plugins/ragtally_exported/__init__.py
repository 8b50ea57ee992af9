"""The dataset `exported`: a folder that `ragtally export base --dataset` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragtally import Component, DataError, DatasetTraits, hookimpl

if TYPE_CHECKING:
    from ragtally_exported.dataset import ExportedFolder

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "folder": {
        "type": "string",
        "minLength": 1,
        "description": "The folder that `ragtally export base --dataset` wrote.",
        "x-ragtally-identity": False,
    },
    "accept_silver": {
        "type": "boolean",
        "default": False,
        "description": "Whether labels that are verdicts of voters may stand for gold labels.",
        "x-ragtally-identity": False,
    },
}


def build(folder: str, accept_silver: bool) -> ExportedFolder:
    """Build the dataset."""
    from ragtally_exported.dataset import ExportedFolder

    return ExportedFolder(folder, accept_silver=accept_silver)


def fingerprint(parameters: Mapping[str, Any]) -> str:
    """Hash the files that the dataset reads."""
    from ragtally_exported.dataset import fingerprint_of

    return fingerprint_of(parameters["folder"])


def _traits(parameters: Mapping[str, Any]) -> DatasetTraits:
    from ragtally_exported.dataset import is_open

    try:
        return DatasetTraits("open" if is_open(parameters["folder"]) else "labels")
    except DataError:
        # What is wrong with the folder is told where the dataset is read.
        return DatasetTraits()


@hookimpl
def register_datasets() -> list[Component]:
    """Offer `exported`."""
    return [
        Component(
            name="exported",
            build=build,
            summary="A base exported as a dataset: questions that voters could answer, with their documents.",
            params=PARAMETERS,
            fingerprint=fingerprint,
            traits=_traits,
        )
    ]
