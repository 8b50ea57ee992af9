"""Where the results of a study lie, from what the user typed."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ragtally import analysis
from ragtally.analysis import Analysis, read_analysis
from ragtally.api import RagtallyError, did_you_mean
from ragtally.results import Results, load_results

DEFAULT_RESULTS = Path("data/results")


def folder_of(study: str, results: Path) -> Path:
    """Find the folder of a study's results."""
    folder = Path(study) if (Path(study) / "dataset.json").is_file() else results / study
    if not folder.is_dir():
        known = sorted(path.name for path in results.glob("*") if path.is_dir())
        hint = did_you_mean(study, known) if known else "run it first: ragtally run SPEC, or dvc repro"
        raise RagtallyError(f"there are no results of a study {study!r} below {results}", hint=hint)
    return folder


def results_of(folder: Path) -> Results:
    """Load the results in a folder."""
    return load_results(folder)


def verdict_on(results: Results) -> Analysis:
    """Take the verdict that lies beside results, or work it out where there is none on these very results."""
    kept = read_analysis(results.folder)
    if kept is not None:
        return kept
    # Resampling many cells takes seconds; the line is seen on a terminal alone, and goes away.
    with Console(stderr=True, highlight=False, markup=False).status("working out intervals and tests"):
        return analysis.analyze(results)
