"""Write a study's report."""

from __future__ import annotations

from pathlib import Path

from ragtally.compare import Results, Verdict, keep_verdict
from ragtally.report.cells import cells_of
from ragtally.report.page import report_page
from ragtally.report.plots import plot_tables
from ragtally.report.provenance import Provenance
from ragtally.store import write_csv, write_text


def write_report(results: Results, verdict: Verdict, folder: Path, provenance: Provenance) -> Path:
    """Write `verdict.json`, the tables of `plots/`, and `report.html`."""
    # The same results give the same bytes of `verdict.json` and `plots/`.
    page = report_page(results, verdict, provenance)
    keep_verdict(verdict, results, folder)
    for name, columns in plot_tables(results, verdict, cells_of(results, verdict)).items():
        write_csv(folder / "plots" / name, columns)
    write_text(folder / "report.html", page)
    return folder / "report.html"
