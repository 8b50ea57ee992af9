"""Copies of what a cell's ranking and readers need, in a folder that depends on no store."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ragtally.api import RagtallyError
from ragtally.pipelines.choices import written
from ragtally.pipelines.ranking import PREPARED
from ragtally.steps import Task, prepare, retrieve
from ragtally.workspace import Workspace

_DOCUMENTS = ("documents.parquet",)


class ExportFiles:
    """Copies entries of the store, each once."""

    def __init__(self, folder: Path, workspace: Workspace) -> None:
        self.folder = folder
        self._workspace = workspace
        self._copied: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def copy(self, task: Task) -> str:
        """Copy the files of a task."""
        if task.address not in self._copied:
            number = self._counts[task.step] = self._counts.get(task.step, 0) + 1
            name = task.step if task.step == prepare.STEP else f"{task.step}_{number}"
            entry = self._workspace.entry(task)
            kept = _DOCUMENTS if task.step == prepare.STEP else None
            for source in sorted(entry.rglob("*")):
                inside = source.relative_to(entry)
                wanted = inside.name in kept if kept else str(inside) != "entry.json"
                if source.is_file() and wanted:
                    target = self.folder / name / inside
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, target)
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            self._copied[task.address] = name
        return self._copied[task.address]

    def ranking(self, hits: Task) -> dict[str, Any]:
        """Copy what a ranking needs."""
        choice = hits.choices["retriever"]
        traits = self._workspace.registry.traits(choice)
        if "evidence" in traits.reads:
            raise RagtallyError(
                f"{choice.name} looks at the gold evidence, so it has nothing to offer for a new question",
                hint="export a cell with another retriever",
            )
        if traits.prompts:
            raise RagtallyError(
                f"{choice.name} asks a language model to rank, which an exported pipeline cannot do",
                hint="export the cell of the retriever that it builds on",
            )
        (prepared,) = hits.inputs["prepare"]
        if self.copy(prepared) != PREPARED:
            raise AssertionError("documents have one folder")
        (chunked,) = hits.inputs["chunk"]
        described = {"retriever": written(choice), "limit": hits.settings["limit"], "chunk": self.copy(chunked)}
        if hits.step == retrieve.STEP:
            embedded = hits.inputs.get("embed", ())
            copied = self.copy(embedded[0]) if embedded else None
            return {**described, "index": self.copy(hits.inputs["index"][0]), "embed": copied}
        windows = hits.inputs.get("window", ())
        return {
            **described,
            "found": [self.ranking(task) for task in hits.inputs["hits"]],
            "window": self.copy(windows[0]) if windows else None,
        }
