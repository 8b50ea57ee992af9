"""`dvc plots show`: axes named by the metric, counts in the confusion map, on a page that needs no network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chromium import PROGRAM, Chromium
from dvc_project import ROOT, Project
from ragtally.present.plots import plots_page


@pytest.mark.slow
def test_the_plots_are_drawn_without_network(project: Project, tmp_path: Path) -> None:
    project.edit("specs/small.yaml", "reader: [floor]", "reader: [counts]")
    project.dvc("repro")

    plots = json.loads(project.dvc("plots", "show", "--json").text)["data"]
    by_name = {Path(name).name: plot["content"] for name, drawn in plots.items() for plot in drawn}
    encoding = by_name["chunk_size.csv"]["encoding"]
    assert (encoding["x"]["title"], encoding["y"]["title"]) == ("chunk size", "accuracy")
    _, counts = by_name["confusion.csv"]["spec"]["layer"]
    assert counts["encoding"]["text"]["field"] == "questions"

    if PROGRAM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    project.dvc("plots", "show")
    page = project.folder / "dvc_plots" / "index.html"
    browser = Chromium(tmp_path / "browser")
    try:
        browser.open(page)
        browser.until("document.querySelectorAll('canvas, svg').length >= 2")
        assert browser.requests == [page.resolve().as_uri()]
        assert browser.errors == []
        # What costs nothing is no chart, and leaves no place for one.
        assert browser.run("document.querySelectorAll('body > div').length") == 2
    finally:
        browser.close()


def test_the_page_is_generated() -> None:
    page = ROOT / ".dvc" / "plots" / "page.html"
    assert page.read_text(encoding="utf-8") == plots_page(), "run `make generated`"
