"""Settings and keys: from the process' environment, completed by the nearest `.env`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from dotenv import dotenv_values


def environment() -> dict[str, str]:
    """Read the environment and `.env`; neither is changed.

    The file is looked for from the working directory up to the root of the git repository, or in the working
    directory alone where there is no repository. The process' environment wins.

    Returns:
        Values by variable.
    """
    return {**_from_file(Path.cwd()), **os.environ}


def first_value(names: Sequence[str], values: Mapping[str, str]) -> str | None:
    """Return the first of several variables that is not empty.

    Args:
        names: Variables, the most important first.
        values: What `environment` returned.

    Returns:
        The value; None where all are missing or empty.
    """
    return next((values[name] for name in names if values.get(name)), None)


def _from_file(start: Path) -> dict[str, str]:
    for folder in (start, *start.parents) if _in_repository(start) else (start,):
        path = folder / ".env"
        if path.is_file():
            # Without interpolation: a `$` in a password is a `$`.
            return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
        if (folder / ".git").exists():
            break
    return {}


def _in_repository(start: Path) -> bool:
    return any((folder / ".git").exists() for folder in (start, *start.parents))
