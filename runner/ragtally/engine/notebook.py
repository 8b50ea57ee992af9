"""Running a study from Python, as from a notebook."""

from __future__ import annotations

from pathlib import Path

from ragtally.engine.study import Folders, run_study
from ragtally.registry import load_registry
from ragtally.results import Results, load_results
from ragtally.store import Store, find_store
from ragtally.workspace import Progress, Workspace


def run(
    spec: str | Path,
    *,
    results: str | Path = "data/results",
    resolved: str | Path = "data/resolved",
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Results:
    """Run a study and load its results; what is done already is not done again.

    Args:
        spec: The spec's path.
        results: Below it, the folder of each study's results.
        resolved: Below it, the folder of each study's slices, one a stage.
        store: Where finished work lies; left out, the store of the project (see `ragtally.store.find_store`).
        progress: Is told how it goes; nobody where left out.

    Returns:
        The results.

    Raises:
        RagtallyError: If the spec, the data, a plugin or a folder is not as it must be.
    """
    registry = load_registry()
    root = find_store(Path.cwd()) if store is None else Path(store)
    workspace = Workspace(Store(root), registry, progress or _Silent())
    folder = run_study(Path(spec), registry, workspace, Folders(Path(results), Path(resolved)))
    return load_results(folder.name, folder.parent)


class _Silent:
    def start(self, step: str, total: int, done: int) -> None:
        pass

    def advance(self, step: str, label: str) -> None:
        pass

    def measure(self, what: str, total: int, done: int, label: str = "") -> None:
        pass

    def warn(self, message: str) -> None:
        pass

    def finish(self) -> None:
        pass
