"""Where the store lies: one for all copies of a project, so that no copy does the work of another again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ragtally.support.environment import environment

VARIABLE = "RAGTALLY_STORE"
SHARED_VARIABLE = "RAGTALLY_SHARED_STORE"
NO_SHARED_STORE = "none"
_FOLDER = Path("data") / "store"
_DVC_COPIES = (".dvc", "tmp", "exps")


def find_store(start: Path) -> Path:
    """Find the store's folder from anywhere in a project."""
    # The environment's `RAGTALLY_STORE` wins. Otherwise it is `data/store` beside the repository's common git folder,
    # which all of its worktrees share; a copy that `dvc exp run --temp` or `--queue` made below `.dvc/tmp/exps` is
    # taken for the project that it is a copy of. Without git it is below `start`.
    folder = os.environ.get(VARIABLE)
    if folder:
        return Path(folder).expanduser().absolute()
    return _project(_original(start.absolute())) / _FOLDER


def find_shared_store(url: str | None = None, fallback: Callable[[], str | None] = lambda: None) -> str | None:
    """The URL of the store that this machine shares: this, else the environment's, else another; None for none."""
    url = environment().get(SHARED_VARIABLE) if url is None else url
    url = fallback() if url is None else url
    return None if url in (None, "", NO_SHARED_STORE) else url


def _original(folder: Path) -> Path:
    parts = folder.parts
    for index in range(len(parts) - len(_DVC_COPIES)):
        if parts[index : index + len(_DVC_COPIES)] == _DVC_COPIES:
            return Path(*parts[:index])
    return folder


def _project(folder: Path) -> Path:
    for candidate in (folder, *folder.parents):
        git = candidate / ".git"
        if git.is_dir():
            return candidate
        if git.is_file():
            return _common_project(candidate, git)
    return folder


def _common_project(worktree: Path, git_file: Path) -> Path:
    """Follow a worktree's `.git` file to the repository that it belongs to (gitrepository-layout(5))."""
    target = git_file.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    git_folder = (worktree / target).resolve()
    common = git_folder / "commondir"
    if not common.is_file():
        return worktree
    return (git_folder / common.read_text(encoding="utf-8").strip()).resolve().parent
