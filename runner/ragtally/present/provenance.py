"""Where a report comes from: spec, commit, versions."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from ragtally.registry import Registry
from ragtally.results import Results

_GROUP = "ragtally"
_WITHOUT_LOCKS = (":(top)", ":(top,exclude)dvc.lock", ":(top,exclude)**/dvc.lock")
_ENGINE = (
    "aiohttp", "altair", "bm25s", "haystack-ai", "litellm", "numba", "numpy", "ollama", "polars", "pystemmer",
    "scikit-learn", "scipy", "sentence-transformers", "skops", "torch", "vl-convert-python",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a report comes from."""

    spec: str | None = None  # The spec's text; None where it was not given
    # The last commit of the repository that the study lies in, those of DVC's locks alone left out, so that
    # committing results does not change them; None without one.
    commit: str | None = None
    changed: bool = False  # Whether files differed from it
    python: str = ""  # The version of Python
    # Versions of the packages that numbers may depend on, by name.
    packages: Mapping[str, str] = field(default_factory=dict)
    # What the retrievers of the study do and their distances measure, by name, as their plugins say it.
    meanings: Mapping[str, str] = field(default_factory=dict)


def gather_provenance(
    folder: Path, spec: Path | None = None, meanings: Mapping[str, str] | None = None
) -> Provenance:
    """Find out where a report comes from."""
    commit = _git(folder, "log", "-1", "--format=%H", "--", *_WITHOUT_LOCKS)
    changed = bool(commit and _git(folder, "status", "--porcelain", "--untracked-files=no", "--", *_WITHOUT_LOCKS))
    text = spec.read_text(encoding="utf-8") if spec is not None else None
    plugins = {point.dist.name for point in metadata.entry_points(group=_GROUP) if point.dist is not None}
    names = sorted({_GROUP, *_ENGINE, *plugins})
    found = {name: version for name in names if (version := _version(name)) is not None}
    return Provenance(text, commit or None, changed, platform.python_version(), found, meanings or {})


def retriever_meanings(results: Results, registry: Registry) -> dict[str, str]:
    """Say what the retrievers of a study do, and what their distances measure."""
    told = {}
    for name in dict.fromkeys(results.cells["retriever"].drop_nulls()):
        found = registry.find("retriever", name)
        if found is None:
            continue
        distance = found.component.params.get("distance", {}).get("description")
        told[name] = f"{found.component.summary}{f' Its distances: {distance}' if distance else ''}"
    return told


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(folder: Path, *words: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(folder), *words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
