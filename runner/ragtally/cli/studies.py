"""What commands on a finished study share: where its results lie, from what the user typed, and its analysis."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragtally.api import RagtallyError, did_you_mean
from ragtally.cli import lazy
from ragtally.cli.console import status

if TYPE_CHECKING:
    from ragtally.analysis import Analysis
    from ragtally.results import Results
    from ragtally.store import Store
    from ragtally.workspace import Progress

DEFAULT_RESULTS = Path("data/results")

results_option = click.option(
    "--results", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_RESULTS, show_default=True,
    help="Below it, the folder of each study's results.",
)  # fmt: skip
shared_option = click.option(
    "--shared-store", metavar="URL",
    help="A folder, s3://BUCKET/PREFIX or the like in which finished work is looked for and shared; none for none. "
    "[default: RAGTALLY_SHARED_STORE, else the machine's settings]",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def project_store(progress: Progress, shared_store: str | None = None) -> Store:
    """The project's store, with the one that is shared with other machines where there is one."""
    url = lazy.store.find_shared_store(shared_store, lambda: lazy.executors.machine_settings().shared_store)
    store = lazy.workspace.open_store(lazy.store.find_store(Path.cwd()), url, progress)

    def finish() -> None:
        # Who presses Ctrl-C does not want to wait.
        is_interrupted = sys.exc_info()[0] is KeyboardInterrupt
        if store.tier is not None and not is_interrupted and (error := store.tier.flush()):
            progress.warn(str(error))

    click.get_current_context().call_on_close(finish)
    return store


def folder_of(study: str, results: Path) -> Path:
    """The folder of a study's results."""
    folder = Path(study) if (Path(study) / "dataset.json").is_file() else results / study
    if not folder.is_dir():
        studies = sorted(path.name for path in results.glob("*") if path.is_dir())
        hint = did_you_mean(study, studies) if studies else "run it first: ragtally run SPEC, or dvc repro"
        raise RagtallyError(f"there are no results of a study {study!r} below {results}", hint=hint)
    return folder


def analysis_of(folder: Path, results: Results | None = None) -> Analysis:
    """The analysis beside results, or a new one where none was written from these very results.

    Results with their single questions need not be loaded again.
    """
    analysis = lazy.analysis.read_analysis(folder)
    if analysis is not None:
        return analysis
    # Resampling many cells takes seconds.
    with status("working out intervals and tests"):
        return lazy.analysis.analyze(results or lazy.results.load_results(folder))
