"""1,000 pages of PDF beside Haystack's converter alone, and 100,000 questions of a workbook with their evidence.

The pages are read three times by each in turn, and the ratio of CPU seconds is the best of the three. The questions
are read in a fresh process, with the seconds and the peak memory of all of it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ |= {"HAYSTACK_TELEMETRY_ENABLED": "False"}
_TESTS = Path(__file__).parent.parent / "tests"
sys.path.insert(0, str(_TESTS))

import xlsxwriter
from haystack.components.converters import PyPDFToDocument

from ragtally_converters import default_converters
from sample_files import write_pdf
from sample_table import HEAD

PAGES, QUESTIONS, FILES = 1_000, 100_000, 50
LIMIT_SECONDS, LIMIT_MEGABYTES = 20, 1_000
_READ = """
import re, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from sample_table import COLUMNS, build, parameters
folder = Path(sys.argv[2])
dataset = build(parameters(folder / "q.xlsx", folder / "docs") | {"columns": COLUMNS | {"page": None}})
evidence = sum(len(batch.evidence) for batch in dataset.batches())
peak = re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())
print(evidence, int(peak[1]) / 1024)
"""


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of some work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def read_pages(folder: Path) -> None:
    """Print how long the pages take, and how much of what Haystack's converter takes."""
    pages = [[f"Line {line} of page {page}: prices, dates and names." for line in range(45)] for page in range(PAGES)]
    path = write_pdf(folder / "a.pdf", pages)
    own, other = default_converters()[".pdf"].build(), PyPDFToDocument()
    ratios = []
    for _ in range(3):
        haystack = seconds(lambda: other.run(sources=[path]))
        mine = seconds(lambda: own.convert(path))
        ratios.append((mine / haystack, mine, haystack))
    ratio, mine, haystack = min(ratios)
    print(f"{PAGES:,} pages: {mine:.1f} s, Haystack's converter {haystack:.1f} s; ratio {ratio:.2f} (at most 1.05)")


def read_questions(folder: Path) -> None:
    """Print how long the questions take, and the memory of their process."""
    (folder / "docs").mkdir()
    for file in range(FILES):
        lines = [f"The sentence {row} stands here." for row in range(file, 5_000, FILES)]
        (folder / "docs" / f"d{file}.txt").write_text("\n".join(lines), encoding="utf-8")
    with xlsxwriter.Workbook(str(folder / "q.xlsx"), {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Questions")
        sheet.write_row(0, 0, HEAD)
        for row in range(QUESTIONS):
            text = f"Is the question number {row} as long as those that people ask?"
            quote, document = f"sentence {row % 5_000} stands", f"d{row % FILES}.txt"
            sheet.write_row(row + 1, 0, [row, text, "yes" if row % 3 else "no", quote, document, 1, "test"])
    start = time.perf_counter()
    command = [sys.executable, "-c", _READ, str(_TESTS), str(folder)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wall = time.perf_counter() - start
    evidence, megabytes = map(float, re.findall(r"[\d.]+", output))
    print(
        f"{evidence:,.0f} questions of a workbook: {wall:.1f} s (at most {LIMIT_SECONDS}), "
        f"{megabytes:,.0f} MB (at most {LIMIT_MEGABYTES:,})"
    )


def main() -> None:
    """Read both."""
    with tempfile.TemporaryDirectory() as name:
        read_pages(Path(name))
        read_questions(Path(name))


if __name__ == "__main__":
    main()
