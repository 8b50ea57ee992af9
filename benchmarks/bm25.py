"""BM25 over made-up chunks of about 100 words, 1,000 questions, top 10, beside other libraries; ratios to ragtally.

Each contestant runs in a fresh process of its own. Seconds hold imports, compilation or the loading of what was
compiled, indexing and searching, but not the interpreter's start and the reading of the texts. ragtally also saves
its index and loads it again, as it does in a study.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
QUESTIONS = 1000
SMALL = ("ragtally", "bm25s, numba", "bm25s, numpy", "bm25s's index, scipy product", "tantivy", "rank_bm25")
MIDDLE = SMALL[:-1]
LARGE = ("ragtally", "bm25s, numba", "tantivy")
SLOW = {"bm25s, numba": 3_400, "rank_bm25": 3_400, "bm25s, numpy": 200_000, "bm25s's index, scipy product": 200_000}
"""From how many chunks on a contestant runs once only."""


@dataclass(frozen=True)
class Timing:
    index: float
    search: float
    cpu: float
    megabytes: float
    hits: list[list[int]]

    @property
    def seconds(self) -> float:
        return self.index + self.search


def run(name: str, folder: Path, **environment: str) -> Timing:
    process = subprocess.run(
        [sys.executable, str(HERE / "bm25_contestants.py"), name, str(folder)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return Timing(**json.loads(process.stdout))


def compare(chunks: int, contestants: tuple[str, ...], runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: a child's peak memory starts from its parent's.
        subprocess.run([sys.executable, str(HERE / "corpus.py"), name, str(chunks), str(QUESTIONS)], check=True)
        compile_first = run("ragtally", folder, NUMBA_CACHE_DIR=str(folder / "compiled"))
        run("ragtally", folder)
        # One of each in turn, so that a machine that gets slower does so for all.
        runs_of = {one: 1 if chunks >= SLOW.get(one, sys.maxsize) else runs for one in contestants}
        timings: dict[str, list[Timing]] = {one: [] for one in contestants}
        for turn in range(runs):
            for one in contestants:
                if turn < runs_of[one]:
                    timings[one].append(run(one, folder))
    print(f"\n{chunks:,} chunks, {QUESTIONS:,} questions, top 10; medians of {runs}, in seconds")
    print(f"{'':30}{'index':>8}{'search':>8}{'both':>8}{'ratio':>8}{'CPU':>8}{'peak MB':>9}{'same best':>11}")
    own = timings["ragtally"]
    base = median(one.seconds for one in own)
    for name, times in timings.items():
        columns = [median(getattr(one, column) for one in times) for column in ("index", "search", "seconds")]
        cpu, megabytes = median(one.cpu for one in times), median(one.megabytes for one in times)
        pairs = zip(times[0].hits, own[0].hits, strict=True)
        same = sum(rows[:1] == own_rows[:1] for rows, own_rows in pairs) / QUESTIONS
        print(
            f"{name + (' (one run)' if len(times) < runs else ''):30}"
            + "".join(f"{seconds:8.2f}" for seconds in columns)
            + f"{columns[2] / base:8.2f}{cpu:8.2f}{megabytes:9.0f}{same:11.1%}"
        )
    print(f"{'ragtally, nothing compiled yet':30}{compile_first.index:8.2f}{compile_first.search:8.2f}"
          f"{compile_first.seconds:8.2f}{compile_first.seconds / base:8.2f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="700,000 chunks too")
    parser.add_argument("--small", action="store_true", help="3,400 chunks only")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    compare(3_400, SMALL, arguments.runs)
    if not arguments.small:
        compare(200_000, MIDDLE, arguments.runs)
    if arguments.large:
        compare(700_000, LARGE, 1)


if __name__ == "__main__":
    main()
