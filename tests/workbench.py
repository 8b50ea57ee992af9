"""A place to do work in, in the made-up world."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ragtally.engine.run import STAGES, Folders, run_study
from ragtally.plan import StudyPlan, plan_study
from ragtally.registry import Registry
from ragtally.spec.load import load_study
from ragtally.spec.study import Study
from ragtally.steps import Task, TaskFactory
from ragtally.store import Store
from ragtally.workspace import Workspace
from toy_study import SPEC, Notes


@dataclass
class Bench:
    """A place to do work in.

    Attributes:
        folder: Everything lies below it.
        registry: The components.
        notes: What progress was told.
    """

    folder: Path
    registry: Registry
    notes: Notes = field(default_factory=Notes)

    @property
    def store(self) -> Store:
        """The store as another process would find it, with nothing verified yet."""
        return Store(self.folder / "store")

    @property
    def factory(self) -> TaskFactory:
        return TaskFactory(self.registry)

    @property
    def location(self) -> Workspace:
        return Workspace(self.store, self.registry, self.notes)

    @property
    def folders(self) -> Folders:
        return Folders(self.folder / "results", self.folder / "resolved")

    def do(self, task: Task) -> Path:
        """Do a task and all that it reads; say where its entry lies."""
        return self.location.entry(task)

    def spec(self, text: str = SPEC) -> Path:
        path = self.folder / "spec.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def study(self, text: str = SPEC) -> Study:
        return load_study(self.spec(text), self.registry)

    def plan(self, text: str = SPEC) -> StudyPlan:
        return plan_study(self.study(text), self.registry)

    def run(self, text: str = SPEC, stages: tuple[str, ...] = STAGES) -> Path:
        return run_study(self.spec(text), self.registry, self.location, self.folders, stages)
