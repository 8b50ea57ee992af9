"""The scripts of the charts: kept between processes, and bundled again where they cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import altair
import pytest
import vl_convert

from ragtally.analysis import Analysis
from ragtally.present.cells import cells_of
from ragtally.present.charts import specification, vega
from ragtally.present.page import sections
from ragtally.results import Results


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    bundles: list[str] = []

    def bundle(snippet: str, vl_version: str) -> str:
        bundles.append(snippet)
        return f"/* {vl_version} */\r\n{snippet}"

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(vl_convert, "javascript_bundle", bundle)
    vega.cache_clear()
    yield bundles
    vega.cache_clear()


def test_it_is_bundled_once(bundled: list[str], tmp_path: Path) -> None:
    first = vega()
    vega.cache_clear()
    assert vega() == first
    assert len(bundled) == 1 and "\r" not in first
    assert [path.suffix for path in (tmp_path / "cache" / "ragtally").iterdir()] == [".js"]


def test_another_version_is_bundled_again(bundled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    vega()
    monkeypatch.setattr("ragtally.present.charts.version", lambda name: "0.0")
    vega.cache_clear()
    vega()
    assert len(bundled) == 2


def test_where_nothing_can_be_cached_it_is_bundled_each_time(bundled: list[str], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    for _ in range(2):
        assert "vegaEmbed" in vega()
        vega.cache_clear()
    assert len(bundled) == 2


def test_a_bundle_that_ends_its_element_early_is_refused(bundled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda *_, **__: "</Script>")
    with pytest.raises(AssertionError, match="ends its script"):
        vega()


def test_every_chart_is_one_of_vega_lites(results: Results, analysis: Analysis) -> None:
    cells = cells_of(results.cells, results.metrics, analysis.question_set, analysis)
    charts = [chart for part in sum(sections(results, analysis, cells), ()) for chart in part.charts]
    assert {chart.kind for chart in charts} >= {"waterfall", "curve", "scatter", "readers"}
    for chart in charts:
        # Written without a check, which takes as long as drawing it.
        altair.Chart.from_dict(specification(chart), validate=True)
