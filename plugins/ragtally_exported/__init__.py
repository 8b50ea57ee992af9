"""The dataset `exported`: a folder that `ragtally export base --dataset` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragtally.hookspecs import hookimpl
from ragtally.kinds import Component

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
    """Build the dataset.

    Args:
        folder: The folder.
        accept_silver: Whether labels that are verdicts may stand for gold labels.

    Returns:
        The dataset.

    Raises:
        DataError: If the folder is no such dataset, or its labels are silver and that is not accepted.
    """
    from ragtally_exported.dataset import ExportedFolder

    return ExportedFolder(folder, accept_silver=accept_silver)


def fingerprint(parameters: Mapping[str, Any]) -> str:
    """Hash the files that the dataset reads.

    Args:
        parameters: The dataset's parameters.

    Returns:
        A hash of their content.

    Raises:
        DataError: If a file is missing.
    """
    from ragtally_exported.dataset import fingerprint_of

    return fingerprint_of(parameters["folder"])


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
        )
    ]
