"""The report of a made-up study of 5,000 questions and 100 cells: its size, and how soon a browser shows it.

    python benchmarks/report.py [--questions 5000] [--cells 100] [--folder FOLDER]

Every answer is drawn from a seed, so that only size and time mean anything. Chromium (Debian's package) is driven by
the tests' own driver; without it, only the size is told.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from chromium import PROGRAM, Chromium
from synthetic_results import synthetic_results

from ragtally.analysis import analyze
from ragtally.present.page import write_report
from ragtally.present.provenance import gather_provenance


def main() -> None:
    """Make the study, write its report, and open it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=5_000)
    parser.add_argument("--cells", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.mkdtemp()))
    arguments = parser.parse_args()
    start = time.perf_counter()
    results = synthetic_results(
        arguments.folder, arguments.questions, arguments.cells, shown=200, sizes=5, readers=4, words=100
    )
    ready, analysis = time.perf_counter(), analyze(results)
    analysis_end = time.perf_counter()
    page = write_report(results, analysis, arguments.folder, gather_provenance(Path.cwd()))
    report_end = time.perf_counter()
    print(
        f"made in {ready - start:.1f} s, judged in {analysis_end - ready:.1f} s, written in {report_end - analysis_end:.1f} s"
    )
    print(f"report.html: {page.stat().st_size / 1e6:.1f} MB (at most 20)")
    if PROGRAM is None:
        print("no Chromium: not opened")
        return
    browser = Chromium(Path(tempfile.mkdtemp()))
    try:
        for _ in range(3):
            browser.open(page)
            took = browser.run("performance.getEntriesByType('navigation')[0].loadEventEnd")
            browser.run("document.getElementById('explorer').scrollIntoView()")
            start = time.perf_counter()
            browser.until("document.getElementById('explorer-view').dataset.ready === 'yes'", 60)
            print(
                f"loaded in {took / 1e3:.2f} s (at most 2); the explorer in {time.perf_counter() - start:.2f} s more"
            )
        print(f"the console complains of: {browser.errors or 'nothing'}")
    finally:
        browser.close()


if __name__ == "__main__":
    main()
