"""A small grid in a fresh store: six BM25 combinations (two tokenizers x top 3, 5, 10) over 1,000 questions, scored.

Over PubMedQA's labelled set where RAGTALLY_PUBMEDQA names its folder, else over made-up studies of the same size.
What is measured is the whole command `ragtally run`, start-up included. Beside it: the same command again, when
everything is found in the store, which is what start-up takes; and the interpreter's own start.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

MADE_UP = "synthetic: {questions: 1000, distractors: 0}"
SPEC = """\
study: grid
seed: 20
dataset: {%s}
grid:
  chunker: [sections]
  retriever: [{bm25: {tokenizer: [words, hyphenated]}}]
  top_k: [3, 5, 10]
metrics: [recall@3, recall@5, recall@10, mrr@10, ndcg@10]
"""


@dataclass(frozen=True)
class Timing:
    seconds: float
    cpu: float


def measure(folder: Path, *command: str) -> Timing:
    environment = os.environ | {"RAGTALLY_STORE": str(folder / "store"), "COLUMNS": "200"}
    start = time.perf_counter()
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit((folder / "output").read_text())
    return Timing(seconds, usage.ru_utime + usage.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    dataset = "pubmedqa: {subset: labeled}" if os.environ.get("RAGTALLY_PUBMEDQA") else MADE_UP
    first, again, start = [], [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "grid.yaml").write_text(SPEC % dataset, encoding="utf-8")
            command = [sys.executable, "-m", "ragtally", "run", "--no-report", "grid.yaml"]
            first.append(measure(folder, *command))
            again.append(measure(folder, *command))
            start.append(measure(folder, sys.executable, "-c", ""))
            with (folder / "data/results/grid/cells.csv").open(encoding="utf-8", newline="") as file:
                cells = list(csv.DictReader(file))
    rows = {"six combinations, fresh store": first, "again, all found": again, "the interpreter alone": start}
    print(f"\n{dataset}: medians of {runs}, in seconds; AutoRAG takes about 49 for the same on an idle machine")
    print(f"{'':32}{'wall':>8}{'CPU':>8}{'ratio':>8}")
    whole = median(one.seconds for one in first)
    for name, times in rows.items():
        seconds = median(one.seconds for one in times)
        print(f"{name:32}{seconds:8.2f}{median(one.cpu for one in times):8.2f}{seconds / whole:8.2f}")
    for cell in cells:
        if cell["recall@10"]:
            print(f"{cell['cell']:32} recall@10 {float(cell['recall@10']):.3f}  mrr@10 {float(cell['mrr@10']):.3f}")


if __name__ == "__main__":
    main()
