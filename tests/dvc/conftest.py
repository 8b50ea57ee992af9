"""Projects in which everything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvc_project import Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose small study has run; its path holds a space. Not to be changed: `project` is a copy."""
    project = Project.make(tmp_path_factory.mktemp("dvc") / "a project")
    outcome = project.dvc("repro")
    assert outcome.stages == [
        f"{stage}@small" for stage in ("resolve", "prepare", "examples", "train", "label", "bench", "report")
    ]
    project.commit("Its results")
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    return finished.copy(tmp_path / "project")
