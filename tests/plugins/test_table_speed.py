"""How long large tables and documents take, and how much memory; the limits leave room for a busy machine."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from ragtally_converters import default_converters
from sample_files import write_pdf
from sample_table import HEAD

ROWS = 100_000
_READ = """
import re, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from sample_table import COLUMNS, build, parameters
start = time.process_time()
columns = COLUMNS | {"page": None}
dataset = build(parameters(Path(sys.argv[2]), Path(sys.argv[3])) | {"columns": columns})
found = sum(len(batch.evidence) for batch in dataset.batches())
# Not ru_maxrss, in which a process inherits what the one that started it had.
peak = re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())
print(found, time.process_time() - start, int(peak[1]) / 1024)
"""


@pytest.mark.slow  # Writing the workbook takes longest
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="only Linux says how much memory a process took")
def test_a_hundred_thousand_rows_within_20_seconds_and_1_gb(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for file in range(50):
        lines = [f"Der Satz {row} steht hier." for row in range(file, 5_000, 50)]
        (tmp_path / "docs" / f"d{file}.txt").write_text("\n".join(lines))
    with xlsxwriter.Workbook(str(tmp_path / "q.xlsx"), {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Fragen")
        sheet.write_row(0, 0, HEAD)
        for row in range(ROWS):
            text = f"Ist die Frage Nummer {row} lang genug, um echt zu sein, oder etwa nicht?"
            quote, document = f"Satz {row % 5_000} steht", f"d{row % 50}.txt"
            sheet.write_row(row + 1, 0, [row, text, "ja" if row % 3 else "nein", quote, document, 1, "test"])
    command = [sys.executable, "-c", _READ, str(Path(__file__).parents[1]), str(tmp_path / "q.xlsx")]
    done = subprocess.run([*command, str(tmp_path / "docs")], capture_output=True, text=True, check=True)
    evidence, seconds, megabytes = map(float, done.stdout.split())
    assert evidence == ROWS
    assert seconds < 20
    assert megabytes < 1_000


@pytest.mark.slow  # Haystack takes seconds to import, and every page some milliseconds
def test_pages_are_read_as_fast_as_by_haystacks_converter_alone(tmp_path: Path) -> None:
    from haystack.components.converters import PyPDFToDocument

    pages = [[f"Zeile {line} der Seite {page}: die Größe zählt." for line in range(45)] for page in range(300)]
    path = write_pdf(tmp_path / "a.pdf", pages)
    own, other = default_converters()[".pdf"].build(), PyPDFToDocument()

    def seconds(work: Callable[[], object]) -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    ratios = []
    for _ in range(3):
        before = seconds(lambda: other.run(sources=[path]))
        ratios.append(seconds(lambda: own.convert(path)) / before)
    assert min(ratios) < 1.05
