"""The verdict that was written beside the results: as good as a new one while it still rests on the same."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

from pydantic import TypeAdapter

from ragtally.analysis.analysis import Analysis
from ragtally.api import file_hash
from ragtally.api.address import address
from ragtally.results.load import RESULT_FILES, Results
from ragtally.store import write_json

FILE_NAME = "verdict.json"
_RESTS_ON = "rests_on"
_PACKAGE = Path(__file__).parent.parent
_JUDGING = ("api", "relevance.py", "voting.py", "analysis")
_LIBRARIES = ("numpy", "polars", "scipy")


def keep_verdict(verdict: Analysis, results: Results, folder: Path) -> None:
    """Write a verdict as `verdict.json`."""
    write_json(folder / FILE_NAME, verdict.as_json() | {_RESTS_ON: rests_on(results.folder)})


def kept_verdict(folder: Path) -> Analysis | None:
    """Read the verdict beside the results."""
    try:
        data = json.loads((folder / FILE_NAME).read_bytes())
        told = data.pop(_RESTS_ON)
        return TypeAdapter(Analysis).validate_python(data) if told and told == rests_on(folder) else None
    # What is no JSON object, or no verdict of this version, is none; pydantic's errors are ValueErrors.
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def rests_on(folder: Path) -> str | None:
    """Hash what a verdict follows from: the results, the code that judges, and the libraries that it computes
    with.
    """
    if not all((folder / name).is_file() for name in RESULT_FILES):
        return None
    code = [path for name in _JUDGING for path in sorted({_PACKAGE / name, *(_PACKAGE / name).rglob("*.py")})]
    return address(
        {
            "results": {name: file_hash(folder / name) for name in RESULT_FILES},
            "code": {str(path.relative_to(_PACKAGE)): file_hash(path) for path in code if path.is_file()},
            "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        }
    )
