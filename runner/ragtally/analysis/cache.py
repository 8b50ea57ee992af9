"""The analysis that was written beside the results: as good as a new one while results and code are the same."""

from __future__ import annotations

import json
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ragtally.analysis.analysis import Analysis
from ragtally.api import file_hash
from ragtally.api.address import address
from ragtally.results.load import LOADED_FILES, Results
from ragtally.results.metrics import metrics_from_json
from ragtally.store import read_json, write_json

FILE_NAME = "analysis.json"
_INPUTS = "inputs"
_PACKAGE = Path(__file__).parent.parent
_CODE = ("api", "support", "metrics.py", "relevance.py", "voting.py", "analysis")
_LIBRARIES = ("numpy", "polars", "scipy")


def write_analysis(analysis: Analysis, results: Results, folder: Path) -> None:
    """Write an analysis as `analysis.json`."""
    write_json(folder / FILE_NAME, analysis.as_json() | {_INPUTS: inputs_hash(results.folder)})


def read_analysis(folder: Path) -> Analysis | None:
    """Read the analysis beside the results; None where there is none of these results by this code."""
    try:
        data = json.loads((folder / FILE_NAME).read_bytes())
        inputs = data.pop(_INPUTS)
        return TypeAdapter(Analysis).validate_python(data) if inputs and inputs == inputs_hash(folder) else None
    # What is no JSON object, or not an analysis of this version, is none; pydantic's errors are ValueErrors.
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def inputs_hash(folder: Path) -> str | None:
    """Hash what an analysis follows from: the results, the code that computes it, metrics' plugins, and libraries."""
    if not all((folder / name).is_file() for name in LOADED_FILES):
        return None
    code = [path for name in _CODE for path in sorted({_PACKAGE / name, *(_PACKAGE / name).rglob("*.py")})]
    return address(
        {
            "results": {name: file_hash(folder / name) for name in LOADED_FILES},
            "metrics": _metric_plugins(folder),
            "code": {str(path.relative_to(_PACKAGE)): file_hash(path) for path in code if path.is_file()},
            "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        }
    )


def _metric_plugins(folder: Path) -> dict[str, Any]:
    """Hash the modules that metrics come from; None for one that is not installed."""
    modules = {info.plugin for info in metrics_from_json(read_json(folder / "comparisons.json")["metrics"])}
    return {name: _module_hash(name) for name in sorted(name for name in modules if name)}


def _module_hash(module: str) -> dict[str, str] | None:
    # Looked up, not imported: a cached analysis is read in no time.
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    files = sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
    return {path.relative_to(origin.parent).as_posix(): file_hash(path) for path in files}
