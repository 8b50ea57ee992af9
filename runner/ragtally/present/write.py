"""Write a study's report."""

from __future__ import annotations

from pathlib import Path

from ragtally.analysis import Analysis, write_analysis
from ragtally.present.cells import cells_of
from ragtally.present.page import report_page
from ragtally.present.plots import plot_tables
from ragtally.present.provenance import Provenance
from ragtally.results import Results
from ragtally.store import write_csv, write_text


def write_report(results: Results, verdict: Analysis, folder: Path, provenance: Provenance) -> Path:
    """Write `analysis.json`, the tables of `plots/`, and `report.html`."""
    # The same results give the same bytes of `analysis.json` and `plots/`.
    page = report_page(results, verdict, provenance)
    write_analysis(verdict, results, folder)
    for name, columns in plot_tables(results, verdict, cells_of(results, verdict)).items():
        write_csv(folder / "plots" / name, columns)
    write_text(folder / "report.html", page)
    return folder / "report.html"
