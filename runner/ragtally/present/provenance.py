"""Where a report comes from: spec, sources, versions; and what a paper says about it: methods, citation."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ragtally import __version__
from ragtally.analysis import Analysis
from ragtally.present.cells import AXES, Cells
from ragtally.present.numbers import count
from ragtally.registry import Registry
from ragtally.results import Results
from ragtally.support.package_versions import versions_with_requirements

_DISTRIBUTION = "ragtally"
# What no number depends on: another version of it must not make another report of the same results.
_NO_PART_OF_THE_RESULTS = ("dvc.lock", "**/dvc.lock", "tests", "docs", "benchmarks", "*.md", "**/*.md")
_SOURCES = (":(top)", *(f":(top,exclude){path}" for path in _NO_PART_OF_THE_RESULTS))


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a report comes from."""

    spec: str | None = None  # The spec's text; None where it was not given
    # A hash of the names and contents of the repository's files that the study lies in; None without one. A commit
    # would depend on how the repository was got: a shallow clone has another last commit of the same files.
    sources: str | None = None
    changed: bool = False  # Whether there were changes that were not committed
    python: str = ""  # The version of Python
    # Versions of the packages that numbers may depend on, by name.
    packages: Mapping[str, str] = field(default_factory=dict)
    # What the retrievers of the study do and their distances measure, by name, as their plugins say it.
    meanings: Mapping[str, str] = field(default_factory=dict)
    citation: str = ""  # Whom to cite for the dataset, as its plugin says it; empty where it says nothing


def gather_provenance(
    folder: Path,
    spec: Path | None = None,
    meanings: Mapping[str, str] | None = None,
    citation: str = "",
    packages: Iterable[str] = (),
) -> Provenance:
    """Spec, sources and versions of what made a report; `packages` are those that the study's components need."""
    files = _git(folder, "ls-files", "--stage", "--full-name", "--", *_SOURCES)
    changed = bool(files and _git(folder, "status", "--porcelain", "--untracked-files=no", "--", *_SOURCES))
    sources = sha256(files.encode()).hexdigest() if files else None
    text = spec.read_text(encoding="utf-8") if spec is not None else None
    # What else is installed makes no other report of the same results.
    versions = versions_with_requirements({_DISTRIBUTION, *packages})
    return Provenance(text, sources, changed, platform.python_version(), versions, meanings or {}, citation)


def retriever_meanings(results: Results, registry: Registry) -> dict[str, str]:
    """What the retrievers of a study do, and what their distances measure."""
    meanings = {}
    for name in dict.fromkeys(results.cells["retriever"].drop_nulls()):
        entry = registry.find("retriever", name)
        if entry is None:
            continue
        distance = entry.component.params.get("distance", {}).get("description")
        meanings[name] = f"{entry.component.summary}{f' Its distances: {distance}' if distance else ''}"
    return meanings


def _git(folder: Path, *words: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(folder), *words]
    try:
        process = subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return process.stdout.strip() if process.returncode == 0 else ""


def dataset_citation(results: Results, registry: Registry) -> str:
    """Whom to cite for the dataset, as its plugin says it."""
    # The results show a dataset with its parameters: `synthetic(questions=1000)`.
    entry = registry.find("dataset", str(results.dataset["dataset"]).partition("(")[0])
    return "" if entry is None else entry.component.citation


def citation(results: Results, provenance: Provenance) -> str:
    """Whom to cite for the dataset, or that nobody knows."""
    unknown = (
        f"ragtally knows no citation for the dataset {results.dataset['dataset']}: cite what its authors ask for."
    )
    return provenance.citation or unknown


def methods(results: Results, analysis: Analysis, cells: Cells) -> str:
    """The paragraph on the methods, for a paper."""
    dataset, corpus = results.dataset, results.dataset["corpus"]
    sample = dataset["questions"]["sampled"]
    split = f" of the split “{dataset['split']}”" if dataset["split"] else ""
    answers = ", ".join(results.answer_names) or "open"
    sentences = [
        f"We evaluated retrieval-augmented question answering with ragtally {__version__} on"
        f" {count(sample, 'question')}{split} of {dataset['dataset']} (answers: {answers}),"
        f" retrieving from {count(corpus['documents'], 'document')}; the seed was {results.comparisons['seed']}."
    ]
    if results.has_base:
        base = results.base["funnel"]["stages"]["base"]["questions"]
        sentences.append(
            f"A base of {base:,} of these questions was kept: {_base_of(results)}. Votes that are measured are never"
            " those that selected the base."
        )
    grid = cells.of_kind("grid")
    if grid:
        axes = [f"{axis.replace('_', ' ')} ({number})" for axis in AXES if (number := len(_labels(cells, axis))) > 1]
        over = f" over {', '.join(axes)}" if axes else ""
        sentences.append(f"The grid has {count(len(grid), 'cell')}{over}, each asked the same questions.")
    if analysis.metric is not None:
        sentences.append(
            f"The deciding metric is {analysis.metric}. Intervals have {analysis.confidence:.0%} confidence: Wilson’s"
            " and Newcombe’s for shares of independent questions and their differences, the jackknife for other"
            " differences, otherwise a seeded bootstrap that resamples questions (those that share a document"
            " together). Cells are set apart from the best with one error rate for all of them together, by a"
            " bootstrap of the maximum."
        )
    if tests := sorted({test for family in analysis.families for test in family.tests}):
        level = analysis.families[0].level
        sentences.append(
            f"Declared comparisons are paired ({'; '.join(tests)}), with Holm’s correction at the level {level:g}."
        )
    if any(set_analysis.held_out for set_analysis in analysis.sets.values()):
        sentences.append("The cell was selected on one half of the questions and scored on the other.")
    return " ".join(sentences)


def _base_of(results: Results) -> str:
    by = results.base["selection"]
    voters = ", ".join(by["voters"])
    text = (
        f"those on which the votes of {voters} ({by['votes']} each, given the gold context) came to a verdict by"
        f" the rule {by['rule']}"
    )
    if by["agree_with_gold"]:
        text += ", and it was the gold label"
    if by["exclude_closed_book_right"]:
        closed_book_readers = ", ".join(by["exclude_closed_book_right"])
        text += f"; without those that {closed_book_readers} answered right with no context"
    return text


def _labels(cells: Cells, axis: str) -> set[str]:
    return {cells.labels[axis][name] for name in cells.of_kind("grid") if name in cells.labels[axis]}
