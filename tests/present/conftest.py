"""A made-up study with its analysis and its page, once; everything in it holds what could break a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtally.analysis import Analysis, analyze
from ragtally.present.page import write_report
from ragtally.present.provenance import Provenance
from ragtally.results import Results
from synthetic_results import synthetic_results

SPICE = "</script><script>window.broken=1</script><img src=x onerror='window.broken=2'>&amp;\"'"


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return synthetic_results(
        tmp_path_factory.mktemp("made"), questions=60, cells=12, shown=12, sizes=3, readers=2, spice=SPICE
    )


@pytest.fixture(scope="session")
def analysis(results: Results) -> Analysis:
    return analyze(results)


@pytest.fixture(scope="session")
def page(results: Results, analysis: Analysis) -> Path:
    provenance = Provenance(
        f"study: made-up # {SPICE}",
        "0" * 40,
        changed=True,
        python="3.11",
        packages={"numpy": "2"},
        meanings={"bm25": f"Words. {SPICE}"},
    )
    return write_report(results, analysis, results.folder, provenance)
