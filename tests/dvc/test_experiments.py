"""`dvc exp run`: in the workspace, in a copy, from the queue; all of them share the one store."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dvc_project import Project, steps

RULE = ("--set-param", "specs/small.yaml:base.rule=unanimous")


def shown(project: Project) -> dict[str, dict[str, Any]]:
    """What `dvc exp show` has: by name, parameters and metrics; the workspace and the commit among them."""
    lines = project.dvc("exp", "show", "--json").text.splitlines()
    (table,) = [json.loads(line) for line in lines if line.startswith("[")]
    found: dict[str, dict[str, Any]] = {}
    for row in table:
        for entry in (row, *(one for group in row["experiments"] or () for one in group["revs"])):
            data = entry["data"]
            found[entry["name"] or "workspace"] = {
                "rule": data["params"]["specs/small.yaml"]["data"]["base"]["rule"],
                "metrics": data["metrics"]["data/results/small/summary.json"]["data"],
            }
    return found


@pytest.mark.slow
def test_in_a_copy_and_then_in_the_workspace(project: Project) -> None:
    before, results = project.entries(), project.results()

    copied = project.dvc("exp", "run", "--temp", "--name", "in-a-copy", *RULE)

    assert copied.stages == ["resolve@small", "label@small", "bench@small", "report@small"]
    after = project.entries()
    assert after.items() >= before.items()
    assert steps(after.keys() - before.keys()) == {"vote", "base", "score"}
    assert not list((project.folder / ".dvc" / "tmp").rglob("entry.json"))
    assert project.results() == results
    assert project.git("status", "--porcelain") == ""

    project.dvc("exp", "run", "--name", "in-place", *RULE)

    assert project.entries() == after
    assert "rule: unanimous" in (project.folder / "specs" / "small.yaml").read_text(encoding="utf-8")
    assert project.results() != results
    assert "Data and pipelines are up to date." in project.dvc("status").text
    table = shown(project)
    assert table["main"]["rule"] == "majority"
    assert {table[name]["rule"] for name in ("workspace", "in-a-copy", "in-place")} == {"unanimous"}
    assert table["in-a-copy"]["metrics"] == table["in-place"]["metrics"] != {}


@pytest.mark.slow
def test_from_the_queue(project: Project) -> None:
    before, results = project.entries(), project.results()
    project.dvc("exp", "run", "--queue", "--name", "queued", *RULE)
    assert project.entries() == before

    project.dvc("exp", "run", "--run-all")

    assert steps(project.entries().keys() - before.keys()) == {"vote", "base", "score"}
    assert project.results() == results
    assert project.git("status", "--porcelain") == ""
    assert shown(project)["queued"]["rule"] == "unanimous"
