"""What plugins/README.md says is true: its plugin runs and conforms, and nothing is left out."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import ragtally.testing
from ragtally.api import KINDS, Component
from ragtally.testing.component import KEYWORDS

README = (Path(__file__).parents[2] / "plugins" / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_example_is_a_plugin_that_passes_its_suites(tmp_path: Path) -> None:
    plugin, tests = blocks("python")
    (tmp_path / "ragtally_keywords.py").write_text(plugin)
    (tmp_path / "test_keywords.py").write_text(tests)
    project = tomllib.loads(blocks("toml")[0])["project"]
    information = tmp_path / "ragtally_keywords-1.0.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = "".join(f"{key} = {value}\n" for key, value in project["entry-points"]["ragtally"].items())
    (information / "entry_points.txt").write_text(f"[ragtally]\n{points}")
    (tmp_path / "test_offered.py").write_text(
        "from ragtally.registry import load_registry\n\n\n"
        "def test_offered():\n    assert load_registry().find('reader', 'keywords').plugin == 'ragtally_keywords'\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d\d passed", done.stdout)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_hook_is_documented(kind: object) -> None:
    assert f"| `{kind.hook}` |" in README  # type: ignore[attr-defined]


def test_no_hook_is_documented_that_does_not_exist() -> None:
    assert set(re.findall(r"`(register_\w+)`", README)) == {kind.hook for kind in KINDS.values()}


@pytest.mark.parametrize("keyword", sorted(KEYWORDS))
def test_every_keyword_is_documented(keyword: str) -> None:
    assert f'`"{keyword}": ' in README


@pytest.mark.parametrize("suite", [name for name in ragtally.testing.__all__ if name != "ComponentSuite"])
def test_every_suite_is_documented(suite: str) -> None:
    assert f"`{suite}`" in README


def test_every_field_of_a_component_is_documented() -> None:
    fields = ", ".join(Component.__dataclass_fields__)
    assert f"`Component({fields})`" in README.replace("\n", " ")


@pytest.mark.parametrize("file", sorted(set(re.findall(r"`(api/\w+\.py)`", README))))
def test_every_contract_is_where_it_is_said_to_be(file: str) -> None:
    assert (Path(__file__).parents[2] / "runner" / "ragtally" / file).is_file()
