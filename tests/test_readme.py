"""What the README shows works as it is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import pages
from command_line import SMALL_SPEC, project_in

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TRANSLATION = (ROOT / "README.pt.md").read_text(encoding="utf-8")
QUICKSTART = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")


def _blocks(page: str) -> list[str]:
    blocks = [textwrap.dedent(block) for block in re.findall(r"(?:^(?:    .*)?\n)+", page, re.M)]
    return [block.strip("\n") + "\n" for block in blocks if block.strip()]


def _block(starting: str) -> str:
    (block,) = [block for block in _blocks(README) if block.startswith(starting)]
    return block


def test_the_answer_shown_is_one_of_the_tables() -> None:
    answer = textwrap.indent(_block("The answer"), "    ")
    assert answer in QUICKSTART, "make pages, and copy the answer into the README"


def test_the_translation_shows_the_same_commands_and_code() -> None:
    def without_comments(page: str) -> list[str]:
        return [re.sub(r" +#.*", "", block) for block in _blocks(page)]

    assert without_comments(TRANSLATION) == without_comments(README), "bring README.pt.md up to date"


def test_the_translation_has_the_same_sections_and_links() -> None:
    def links(page: str) -> list[str]:
        return sorted(set(re.findall(r"\]\(([^)]+)\)", page)) - {"README.md", "README.pt.md"})

    assert links(TRANSLATION) == links(README), "bring README.pt.md up to date"
    assert len(re.findall(r"^## ", TRANSLATION, re.M)) == len(re.findall(r"^## ", README, re.M))
    assert "](README.md)" in TRANSLATION and "](README.pt.md)" in README


def test_the_translation_names_the_same_files_keys_and_commands() -> None:
    def names(page: str) -> set[str]:
        text = re.sub(r"^    .*$", "", page, flags=re.M)
        return set(re.findall(r"`([^`\n]+)`", text)) - {"name: {parameters}", "nome: {parâmetros}"}

    missing = names(README) - names(TRANSLATION)
    assert not missing, "bring README.pt.md up to date"


@pytest.mark.slow
def test_the_tables_shown_are_those_that_the_quickstart_prints(tmp_path: Path) -> None:
    places = ["--results", str(tmp_path / "results"), "--resolved", str(tmp_path / "resolved")]
    environment = os.environ | {"RAGTALLY_STORE": str(tmp_path / "store"), "COLUMNS": "80"}
    ragtally = [sys.executable, "-m", "ragtally"]
    options: dict[str, Any] = {"cwd": ROOT, "env": environment, "capture_output": True, "text": True, "check": True}
    subprocess.run([*ragtally, "run", "specs/quickstart.yaml", *places], **options)
    show = [*ragtally, "show", "quickstart", *places[:2]]
    screen, tables = (subprocess.run([*show, *more], **options).stdout for more in ((), ("--all",)))
    # The paths of the files differ with the folder of the results.
    unlike = re.compile(r"^ *every (number in full|table: ).*?\n\n", re.MULTILINE | re.DOTALL)
    assert unlike.sub("", pages.page(screen, tables)) == unlike.sub("", QUICKSTART), "make pages"


def test_the_spec_is_sound(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    project.write("my.yaml", _block("study: my-study"))
    outcome = project.ragtally("check", "my.yaml")
    assert outcome.code == 0, outcome.err


def test_the_plugin_works_in_a_spec(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    project.write("site/my_module.py", _block("from ragtally import Component"))
    entry = _block("[project.entry-points.ragtally]").replace("project.entry-points.", "").replace('"', "")
    project.write("site/my_package-1.0.dist-info/entry_points.txt", entry)
    project.write("site/my_package-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: my_package\nVersion: 1.0\n")
    project.write("my.yaml", _block("study: my-study").replace("rule: unanimous", "rule: first"))
    outcome = project.ragtally("check", "my.yaml", PYTHONPATH=str(tmp_path / "site"))
    assert outcome.code == 0, outcome.err


def test_the_python_example_runs(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    project.write("my.yaml", SMALL_SPEC.replace("study: small", "study: my-study"))
    done = subprocess.run(
        [sys.executable, "-c", _block("import ragtally") + "\nprint(len(lost), results.study)"],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    assert "right with evidence" in printed[0]
    wrong, study = printed[-1].split()
    assert int(wrong) > 0
    assert study == "my-study"


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", README))
def test_links_lead_somewhere(target: str) -> None:
    path, _, heading = target.partition("#")
    assert (ROOT / path).exists()
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(encoding="utf-8"), re.M) if heading else []
    assert not heading or heading in {words.lower().replace(" ", "-") for words in headings}
