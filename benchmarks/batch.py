"""30,000 calls by batches against a server on this machine: submit, leave, come back, read, export the base."""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from model_server.fixture import RunningServer, running_server

VOTES = 3
SPEC = """\
study: filtered
seed: 1
dataset: {{synthetic: {{questions: {questions}, distractors: 0, train_share: 0}}}}
sample: {{size: {size}, balance: {balance}}}
models:
  m: {{litellm: {{model: openai/m, api_base: {url}, max_tokens: 16, timeout: 60, price: {{input: 0.05, output: 0.1}},
                 delivery: batch, batch: {{calls: {calls}, poll_seconds: 0.5, settle_seconds: 2}}}}}}
readers:
  m: {{chat: {{model: m}}}}
label: {{voters: [m], votes: 3}}
base: {{from: [m], rule: unanimous, agree_with_gold: true}}
metrics: [accuracy]
"""
AGAIN = """\
study: again
dataset: {exported: {folder: kept, split: test}}
grid: {chunker: whole, retriever: bm25, top_k: 1}
metrics: [recall@1]
"""


@dataclass(frozen=True)
class Timing:
    seconds: float
    cpu: float
    peak_megabytes: float
    code: int


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"RAGTALLY_STORE": str(folder / "store"), "OPENAI_API_KEY": "none"}


def ragtally(folder: Path, *words: str, code: int = 0) -> Timing:
    start = time.perf_counter()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ragtally", *words], cwd=folder, env=environment(folder),
            stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode != code:
        sys.exit(f"ragtally {' '.join(words)} ended with {process.returncode}:\n{(folder / 'log').read_text()}")
    return Timing(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)


def show(what: str, timing: Timing) -> None:
    print(f"{what:44}{timing.seconds:8.1f} s{timing.cpu:8.1f} CPU s{timing.peak_megabytes:8.0f} MB")


def write_spec(folder: Path, server: RunningServer, size: int, calls: int, *, balance: bool) -> None:
    text = SPEC.format(
        questions=4 * size if balance else 2 * size, size=size, calls=calls, url=server.openai,
        balance=str(balance).lower(),
    )  # fmt: skip
    (folder / "spec.yaml").write_text(text, encoding="utf-8")


def call_counts(folder: Path, server: RunningServer) -> dict[str, int]:
    with sqlite3.connect(folder / "store" / "calls.sqlite") as connection:
        (rows,) = connection.execute("SELECT count(*) FROM calls").fetchone()
    counts = server.counts()
    names = ("successful", "distinct_keys", "batches")
    return {"stored": rows} | {f"server's {name}": counts[name] for name in names}


def full_size(size: int, calls: int, *, balance: bool) -> None:
    print(f"{size:,} questions, {VOTES} votes, {calls:,} calls a batch{', balanced' if balance else ''}")
    with running_server(any_model=True, skill=0.9) as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_spec(folder, server, size, calls, balance=balance)
        show("plan (makes the dataset and the prompts)", ragtally(folder, "plan", "spec.yaml"))
        label = ("run", "spec.yaml", "--stage", "label")
        show("submit and leave", ragtally(folder, *label, "--no-wait", code=3))
        submissions = count_submissions(folder)
        while server.counts(keys=False)["successful"] < submissions:
            time.sleep(0.2)
        show("come back: read, parse, vote, base, score", ragtally(folder, *label))
        show("nothing to do", ragtally(folder, *label))
        ragtally(folder, "run", "spec.yaml", "--stage", "prepare")
        show("export base as a dataset", ragtally(folder, "export", "base", "filtered", "--dataset", "kept"))
        (folder / "again.yaml").write_text(AGAIN, encoding="utf-8")
        show("a study of the exported dataset", ragtally(folder, "run", "again.yaml", "--stage", "bench"))
        counts = call_counts(folder, server)
        summary = json.loads((folder / "kept" / "dataset.json").read_text())
        megabytes = (folder / "store" / "calls.sqlite").stat().st_size / 1e6
    print(json.dumps(counts | {"questions kept": summary["questions"], "calls.sqlite MB": round(megabytes)}))
    assert counts["stored"] == counts["server's successful"] == counts["server's distinct_keys"] == submissions


def count_submissions(folder: Path) -> int:
    with sqlite3.connect(folder / "store" / "batches.sqlite") as connection:
        (calls,) = connection.execute("SELECT sum(calls) FROM batches").fetchone()
    return int(calls)


def survive(size: int = 1000, calls: int = 450) -> None:
    """Kill it before submitting, after acceptance, while waiting and while reading."""
    with running_server(any_model=True, hold_seconds=60) as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_spec(folder, server, size, calls, balance=False)
        ragtally(folder, "plan", "spec.yaml")

        def killed_when(condition: object) -> None:
            process = subprocess.Popen(
                [sys.executable, "-m", "ragtally", "run", "spec.yaml", "--stage", "label"], cwd=folder,
                env=environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            while process.poll() is None and not condition():  # type: ignore[operator]
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.wait()

        server.change(batch_faults={"hang": 1.0})
        killed_when(lambda: server.counts(keys=False)["by_fault"].get("hang"))
        server.change(batch_faults={}, batch_creations=["accept_and_hang"], batch_seconds=4)
        killed_when(lambda: server.counts(keys=False)["batches"] == 1)
        killed_when(lambda: server.counts(keys=False)["batches"] == 7)
        calls_file = folder / "store" / "calls.sqlite"
        killed_when(lambda: calls_file.exists() and _rows(calls_file) > size)
        ragtally(folder, "run", "spec.yaml", "--stage", "label")
        counts = call_counts(folder, server)
    print(f"\n{size * VOTES:,} calls in 7 batches, four SIGKILLs: {json.dumps(counts)}")
    assert counts["stored"] == counts["server's successful"] == counts["server's distinct_keys"] == size * VOTES
    assert counts["server's batches"] == 7


def _rows(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        try:
            (count,) = connection.execute("SELECT count(*) FROM calls").fetchone()
        except sqlite3.OperationalError:
            return 0
    return int(count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=10_000, help="how many questions")
    parser.add_argument("--calls", type=int, default=5_000, help="the most calls of one batch")
    parser.add_argument("--balance", action="store_true", help="as many questions of each class")
    parser.add_argument("--kills", action="store_true", help="only the kills")
    arguments = parser.parse_args()
    if not arguments.kills:
        full_size(arguments.size, arguments.calls, balance=arguments.balance)
    survive()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
