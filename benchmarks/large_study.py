"""A study of retrieval alone over ever larger made-up corpora: time and peak memory must grow with the corpus alone.

    python benchmarks/large_study.py [--largest 211000] [--memory 6] [--parts] [-- OPTIONS OF ragtally run]

Three sizes of the synthetic dataset (about 3.2 chunks per question), 1,000 questions asked, BM25 and exact dense search
over LSA vectors; each study in a fresh store and process. Then one more chunk size is added to the largest study: only
its own work may be done. Seconds per thousand chunks and the peak memory stand beside each other; exact dense search
compares every question with every chunk, so the questions asked stay the same. Memory is that of all processes together,
what they share counted once (PSS); more than `--memory` gigabytes are an error. CPU seconds are those of all of them
too: on a machine with other work they compare executors where seconds do not. What stands behind `--` goes to
`ragtally run`: `-- --executor local --local-workers 1`, say.

`--parts` ranks 190,000 chunks as a whole and cut into pieces of 20,000, and compares the bytes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SPEC = """\
study: large
seed: 20
dataset: {{synthetic: {{questions: {questions}, distractors: 0}}}}
sample: {{size: 1000}}
grid:
  chunker: [{{words: {{size: {sizes}, overlap: 0}}}}]
  retriever: [bm25, {{dense: {{embedder: {{lsa: {{dim: 128}}}}, distance: cosine}}}}]
metrics: [recall@10, mrr@10, ndcg@10]
"""
SIZES = (2_000, 20_000)
_PAUSE = 0.5


# How `--parts` cuts a corpus: as `ragtally run` does, with other bounds.
CUT = """\
from ragtally.steps import pieces
pieces.DOCUMENTS = pieces.CHUNKS = 20_000
from ragtally.cli import main
main()
"""


@dataclass(frozen=True)
class Run:
    """One run of the study.

    Attributes:
        seconds: Wall time of the whole process.
        peak: Largest memory of it and the processes that it starts, in bytes.
        cpu: CPU seconds of all of them, but for what each did in its last half second.
        steps: Seconds of the work of each step, in whatever process.
    """

    seconds: float
    peak: int
    cpu: float
    steps: dict[str, float]


def run(folder: Path, questions: int, sizes: str, options: Sequence[str] = (), program: Sequence[str] = ()) -> Run:
    """Run the study in a folder, whose store is kept."""
    folder.mkdir(exist_ok=True)
    spec = folder / "large.yaml"
    spec.write_text(SPEC.format(questions=questions, sizes=sizes))
    environment = os.environ | {"RAGTALLY_STORE": str(folder / "store")}
    program = program or [str(Path(sys.executable).with_name("ragtally"))]
    command = [*program, "run", str(spec), "--results", str(folder / "results"), *options]
    began, peak = time.perf_counter(), 0
    cpu: dict[int, float] = {}
    with (folder / "errors").open("w+") as errors:
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=errors) as process:
            while process.poll() is None:
                peak = max(peak, memory(process.pid, cpu))
                time.sleep(_PAUSE)
        seconds = time.perf_counter() - began
        if process.returncode:
            errors.seek(0)
            raise SystemExit(errors.read())
    timings = json.loads((folder / "results" / "large" / "timings.json").read_text())
    return Run(seconds, peak, sum(cpu.values()), timings["seconds_by_step"])


def memory(process: int, cpu: dict[int, float]) -> int:
    """What a process and those that it started hold, what several of them share once; notes their CPU seconds."""
    total = 0
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(process)
        for each in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += each.memory_full_info().pss
                times = each.cpu_times()
                cpu[each.pid] = times.user + times.system
    return total


def chunks(folder: Path) -> int:
    """Count the chunks of the study in a folder."""
    import numpy as np

    return sum(np.load(path, mmap_mode="r").shape[1] for path in (folder / "store" / "chunk").rglob("spans.npy"))


def compare_parts(folder: Path, options: Sequence[str]) -> None:
    """Rank as a whole and in parts, and compare."""
    names = ("whole", "parts")
    for name, program in zip(names, ([], [sys.executable, "-c", CUT]), strict=True):
        done = run(folder / name, 60_000, "[100]", options, program)
        print(f"{name}: {done.seconds:.1f} s, {done.peak / 1e6:,.0f} MB", flush=True)
    for step in ("chunk", "embed", "retrieve"):
        whole, parts = (folder / name / "store" / step for name in names)
        files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.suffix == ".npy")
        different = [path for path in files if (whole / path).read_bytes() != (parts / path).read_bytes()]
        if different or not files:
            raise SystemExit(f"{step}: {len(different)} of {len(files)} files differ")
        print(f"{step}: {len(files)} files of the same bytes")


def main() -> None:
    """Run all sizes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=211_000, help="questions of the largest study")
    parser.add_argument("--memory", type=float, default=math.inf, help="gigabytes that no study may exceed")
    parser.add_argument("--parts", action="store_true", help="compare rankings in parts with those of the whole")
    parser.add_argument("options", nargs="*", help="for `ragtally run`")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ragtally-large-") as name:
        if arguments.parts:
            compare_parts(Path(name), arguments.options)
        else:
            grow(Path(name), arguments.largest, arguments.memory, arguments.options)


def grow(parent: Path, largest: int, most: float, options: Sequence[str]) -> None:
    """Run all sizes, each in a fresh store."""
    columns = f"{'questions':>10} {'chunks':>9} {'seconds':>8} {'CPU s':>8} {'s/1,000 chunks':>15} {'peak MB':>8}"
    print(f"{columns}  seconds by step")
    for questions in (*(size for size in SIZES if size < largest), largest):
        folder = parent / str(questions)
        first = run(folder, questions, "[100]", options)
        count = chunks(folder)
        steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in first.steps.items() if seconds >= 0.05)
        print(
            f"{questions:>10,} {count:>9,} {first.seconds:>8.1f} {first.cpu:>8.1f} "
            f"{1000 * first.seconds / count:>15.3f} {first.peak / 1e6:>8,.0f}  {steps}",
            flush=True,
        )
        if first.peak > most * 1e9:
            raise SystemExit(f"{first.peak / 1e9:.1f} GB are more than {most:g}")
        if questions == largest:
            more = run(folder, questions, "[100, 200]", options)
            print(
                f"one more chunk size: {more.seconds:.1f} s, {more.seconds / first.seconds:.2f} of the first run, "
                f"{chunks(folder) - count:,} more chunks"
            )
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
