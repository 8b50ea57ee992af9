"""The engine's README leads to modules and folders that exist, and stays short where it promises to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("README", "CALLS", "ANALYSIS", "RESULTS")
README = (ROOT / "runner" / "README.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    return README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_the_walk_names_one_module_per_hop() -> None:
    hops = re.findall(r"^\| \w+ \| `([^`]+)` \|", section("The walk of a question"), re.MULTILINE)
    assert 8 <= len(hops) <= 15
    for module in hops:
        assert (ROOT / "runner" / "ragtally" / module).is_file(), module


def test_the_places_to_add_things_exist() -> None:
    places = re.findall(r"`([\w./]+)`", section("Where things go"))
    assert {"plugins/ragtally_echo.py", "runner/ragtally/steps"} <= set(places)
    for place in places:
        if "/" in place:
            assert (ROOT / place).exists(), place


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / "runner" / f"{page}.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / "runner" / target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_files_named_in_the_text_exist(page: str) -> None:
    text = (ROOT / "runner" / f"{page}.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:tests|benchmarks|specs|plugins)/[\w/.-]+\.\w+|[a-z]+/[\w]+\.py)`", text):
        assert any((folder / path).exists() for folder in (ROOT, ROOT / "runner" / "ragtally")), path
