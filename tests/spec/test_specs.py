"""The specs that come with ragtally are sound, and the one with a prompt of one's own runs as it stands."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from command_line import project_in
from model_server.fixture import running_server
from ragtally.registry import load_registry
from ragtally.spec.load import load_study

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_is_sound_and_named_as_its_study(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert load_study(path, load_registry(), with_splits=True).name == path.stem


def test_a_prompt_of_ones_own_runs_without_a_server(tmp_path: Path) -> None:
    project = project_in(tmp_path / "project")
    shutil.copytree(ROOT / "specs", project.folder / "specs")
    spec = (ROOT / "specs/own-prompt.yaml").read_text(encoding="utf-8")
    project.write("specs/own-prompt.yaml", spec.replace("questions: 200", "questions: 40"))
    done = project.ragtally("run", "--no-report", "specs/own-prompt.yaml")
    assert done.code == 0, done.err
    assert "words/bm25/top 3/shown/1 vote" in done.out


@pytest.mark.slow
def test_examples_are_written_graded_and_kept(tmp_path: Path) -> None:
    project = project_in(tmp_path / "project")
    spec = (ROOT / "specs/examples.yaml").read_text(encoding="utf-8").replace("questions: 12", "questions: 4")
    with running_server(bad_examples=0.3) as server:
        project.write(
            "specs/examples.yaml", spec.replace("usd_per_hour: 0", f"usd_per_hour: 0, api_base: '{server.url}'")
        )
        done = project.ragtally("run", "specs/examples.yaml")
    assert done.code == 0, done.err
    assert re.search(r"Of [\d,]+ examples that models were asked for, [1-9]", done.out)


def test_the_template_in_the_readme_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "specs/README.md").read_text(encoding="utf-8")
    (template,) = re.findall(r"```jinja\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "own.jinja").write_text(template, encoding="utf-8")
    spec = (ROOT / "specs/own-prompt.yaml").read_text(encoding="utf-8")
    spec = re.sub(r"  shown: .*\n", "", spec.replace("specs/own-prompt.jinja", "own.jinja")).replace(", shown", "")
    (tmp_path / "spec.yaml").write_text(spec, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert set(load_study("spec.yaml", load_registry()).readers) == {"built_in", "own", "floor"}
