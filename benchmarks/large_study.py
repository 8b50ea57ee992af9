"""A study of retrieval alone over ever larger made-up corpora: time and peak memory must grow with the corpus alone.

    python benchmarks/large_study.py [--largest 211000]

Three sizes of the synthetic dataset (about 3.4 chunks per question), 1,000 questions asked, BM25 and exact dense search
over LSA vectors; each study in a fresh store and process. Then one more chunk size is added to the largest study: only
its own work may be done. Seconds per thousand chunks and the peak memory stand beside each other; exact dense search
compares every question with every chunk, so the questions asked stay the same.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Run:
    """One run of the study.

    Attributes:
        seconds: Wall time of the whole process.
        peak: Largest resident memory of the process, in bytes.
        steps: Seconds of the work of each step.
    """

    seconds: float
    peak: int
    steps: dict[str, float]


def run(folder: Path, questions: int, sizes: str) -> Run:
    """Run the study in a folder, whose store is kept."""
    spec = folder / "large.yaml"
    spec.write_text(SPEC.format(questions=questions, sizes=sizes))
    environment = os.environ | {"RAGTALLY_STORE": str(folder / "store")}
    command = [
        str(Path(sys.executable).with_name("ragtally")),
        "run",
        str(spec),
        "--results",
        str(folder / "results"),
    ]
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr
        output: list[bytes] = []
        reading = threading.Thread(target=lambda: output.extend(process.stderr or ()))
        reading.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        reading.join()
    seconds = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(b"".join(output).decode())
    timings = json.loads((folder / "results" / "large" / "timings.json").read_text())
    return Run(seconds, usage.ru_maxrss * 1024, timings["seconds_by_step"])


def chunks(folder: Path) -> int:
    """Count the chunks of the study in a folder."""
    import numpy as np

    return sum(np.load(path, mmap_mode="r").shape[1] for path in (folder / "store" / "chunk").rglob("spans.npy"))


def main() -> None:
    """Run all sizes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=211_000, help="questions of the largest study")
    largest = parser.parse_args().largest
    print(f"{'questions':>10} {'chunks':>9} {'seconds':>8} {'s/1,000 chunks':>15} {'peak MB':>8}  seconds by step")
    for questions in (*(size for size in SIZES if size < largest), largest):
        folder = Path(tempfile.mkdtemp(prefix="ragtally-large-"))
        try:
            first = run(folder, questions, "[100]")
            count = chunks(folder)
            steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in first.steps.items() if seconds >= 0.05)
            print(
                f"{questions:>10,} {count:>9,} {first.seconds:>8.1f} {1000 * first.seconds / count:>15.3f} "
                f"{first.peak / 1e6:>8,.0f}  {steps}",
                flush=True,
            )
            if questions == largest:
                more = run(folder, questions, "[100, 200]")
                print(
                    f"one more chunk size: {more.seconds:.1f} s, {more.seconds / first.seconds:.2f} of the first run, "
                    f"{chunks(folder) - count:,} more chunks"
                )
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
