"""Members in files: arrays alone, no pickle, and the same member always gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from ragtally import DataError, Location
from ragtally_specialist.logistic import Logistic
from ragtally_specialist.model import Member

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PARTS = ("classes", "weight", "intercept")
_ARRAYS = {"shares": 1, "word": 1, "word_frequency": 1, "gram": 1, "gram_weight": 1}


def write_member(member: Member, answers: tuple[str, ...], file: Path) -> None:
    """Write a member."""
    content: dict[str, Any] = {name: getattr(member, name) for name in _ARRAYS}
    content |= {"answers": np.array(answers), "features": np.array(member.features)}
    content["contexts"] = np.array(member.contexts)
    for name in ("judge", "classifier"):
        regression: Logistic | None = getattr(member, name)
        if regression is not None:
            content |= {f"{name}_{part}": getattr(regression, part) for part in _PARTS}
    with file.open("wb") as stream:
        np.savez_compressed(stream, **content)


def read_member(file: Path) -> tuple[Member, tuple[str, ...]]:
    """Read what `write_member` wrote."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            content = {name: archive[name] for name in archive.files}
        arrays = {name: _array(content, name, dimensions) for name, dimensions in _ARRAYS.items()}
        member = Member(
            **arrays,
            features=str(content["features"]),
            contexts=int(content["contexts"]),
            judge=_regression(content, "judge"),
            classifier=_regression(content, "classifier"),
        )
        return member, tuple(str(answer) for answer in _array(content, "answers", 1))
    except (OSError, BadZipFile, EOFError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"no specialist's model can be read from here: {error}",
            location=Location(str(file)),
            hint="remove the file's folder and train again: ragtally run SPEC --stage train",
        ) from error


def _array(content: dict[str, NDArray[Any]], name: str, dimensions: int) -> NDArray[Any]:
    if content[name].ndim != dimensions:
        raise ValueError(f"{name} has {content[name].ndim} dimensions instead of {dimensions}")
    return content[name]


def _regression(content: dict[str, NDArray[Any]], name: str) -> Logistic | None:
    if f"{name}_classes" not in content:
        return None
    classes, weight, intercept = (_array(content, f"{name}_{part}", 1 + (part == "weight")) for part in _PARTS)
    return Logistic(classes, weight, intercept)
