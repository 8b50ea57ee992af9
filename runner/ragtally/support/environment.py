"""Settings and keys: from the process' environment, completed by the nearest `.env`."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dotenv import dotenv_values

from ragtally.api import DataError, Location


def environment() -> dict[str, str]:
    """Read the environment and `.env`; neither is changed.

    The file is looked for from the working directory up to the root of the git repository, or in the working
    directory alone where there is no repository. The process' environment wins.

    Returns:
        Values by variable.

    Raises:
        DataError: If `.env` cannot be read, or is not UTF-8.
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


@contextmanager
def environment_with(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the process' environment for libraries that read nothing else; restored afterwards.

    Args:
        values: Values by variable.
    """
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _from_file(start: Path) -> dict[str, str]:
    for folder in (start, *start.parents) if _in_repository(start) else (start,):
        path = folder / ".env"
        if path.is_file():
            # Without interpolation: a `$` in a password is a `$`.
            stream = io.StringIO(_text_of(path))
            return {name: value for name, value in dotenv_values(stream=stream, interpolate=False).items() if value}
        if (folder / ".git").exists():
            break
    return {}


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            "this file is not UTF-8 (Windows PowerShell's > writes UTF-16)",
            location=Location(str(path)),
            hint="save it as UTF-8; in PowerShell: Get-Content .env | Out-File -Encoding utf8 new.env",
        ) from error
    except OSError as error:
        raise DataError(f"cannot read: {error.strerror}", location=Location(str(path))) from error


def _in_repository(start: Path) -> bool:
    return any((folder / ".git").exists() for folder in (start, *start.parents))
