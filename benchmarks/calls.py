"""3,000 calls of a language model against a server on this machine, beside plain aiohttp as the floor."""

from __future__ import annotations

import argparse
import asyncio
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

import aiohttp

from model_server.fixture import RunningServer, running_server

QUESTIONS, VOTES = 1000, 3
CALLS = QUESTIONS * VOTES
SPEC = """\
study: calls
seed: 1
dataset: {{synthetic: {{questions: {twice}, distractors: 0, split: test}}}}
models:
  m: {{litellm: {{model: openai/m, api_base: {url}, max_tokens: 16, concurrency: {concurrency}, timeout: {timeout},
                 price: {{input: 0.05, output: 0.1}}}}}}
readers:
  m: {{chat: {{model: m}}}}
label: {{voters: [m], votes: {votes}}}
grid: {{}}
metrics: [accuracy]
"""


@dataclass(frozen=True)
class Timing:
    seconds: float
    cpu: float
    peak_megabytes: float
    code: int


def ragtally(folder: Path, *words: str) -> Timing:
    environment = os.environ | {"RAGTALLY_STORE": str(folder / "store"), "OPENAI_API_KEY": "none"}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "ragtally", *words], cwd=folder, env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    return Timing(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)


def write_spec(folder: Path, server: RunningServer, concurrency: int, timeout: float) -> None:
    text = SPEC.format(
        twice=2 * QUESTIONS, url=server.openai, concurrency=concurrency, timeout=timeout, votes=VOTES
    )  # fmt: skip
    (folder / "spec.yaml").write_text(text, encoding="utf-8")


def wire_seconds(server: RunningServer) -> float:
    counts = server.counts()
    return float(counts["last_answer"] - counts["first_request"])


async def floor(server: RunningServer, concurrency: int) -> None:
    words = "word " * 400
    waiting = iter(range(CALLS))
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work() -> None:
            for number in waiting:
                body = {
                    "model": "m",
                    "messages": [{"role": "user", "content": f"{number} {words}"}],
                    "max_tokens": 16,
                }
                async with session.post(f"{server.openai}/chat/completions", json=body) as answer:
                    await answer.json()

        await asyncio.gather(*(work() for _ in range(concurrency)))


def compare(concurrency: int, latency: float) -> None:
    ideal = CALLS * latency / concurrency
    with running_server(any_model=True, latency=latency) as server, tempfile.TemporaryDirectory() as name:
        before = resource.getrusage(resource.RUSAGE_SELF)
        asyncio.run(floor(server, concurrency))
        after = resource.getrusage(resource.RUSAGE_SELF)
        floor_cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        floor_seconds = wire_seconds(server)
        server.reset()
        folder = Path(name)
        write_spec(folder, server, concurrency, 60)
        assert ragtally(folder, "plan", "spec.yaml").code == 0
        first = ragtally(folder, "run", "spec.yaml", "--stage", "label")
        assert first.code == 0
        own_seconds, successes = wire_seconds(server), server.counts()["successful"]
        again = ragtally(folder, "run", "spec.yaml", "--stage", "label")
        for part in ("ask", "parse", "vote", "base", "score"):
            subprocess.run(["rm", "-rf", str(folder / "store" / part)], check=True)
        replay = ragtally(folder, "run", "spec.yaml", "--stage", "label")
        assert server.counts()["successful"] == successes == CALLS
    print(f"\n{CALLS} calls, {concurrency} in flight, {latency * 1000:.0f} ms each; ideal {ideal:.2f} s")
    print(f"{'':34}{'ragtally':>10}{'aiohttp':>10}")
    print(f"{'first to last request / ideal':34}{own_seconds / ideal:10.2f}{floor_seconds / ideal:10.2f}")
    cpu = 1000 * (first.cpu - again.cpu) / CALLS
    print(f"{'CPU ms a call (start-up left out)':34}{cpu:10.2f}{1000 * floor_cpu / CALLS:10.2f}")
    print(f"{'whole process / ideal':34}{first.seconds / ideal:10.2f}")
    print(f"{'peak memory, MB':34}{first.peak_megabytes:10.0f}")
    print(f"{'all found in the call store, s':34}{replay.seconds:10.2f}")
    print(f"{'nothing to do, s':34}{again.seconds:10.2f}")


def survive() -> None:
    with (
        running_server(any_model=True, latency=0.05, mix=0.1, retry_after=0.2, hold_seconds=4.0) as server,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        write_spec(folder, server, 64, 2)
        environment = os.environ | {"RAGTALLY_STORE": str(folder / "store"), "OPENAI_API_KEY": "none"}
        for successes in (500, 1200, 2000):
            process = subprocess.Popen(
                [sys.executable, "-m", "ragtally", "run", "spec.yaml"], cwd=folder, env=environment,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            while server.counts()["successful"] < successes:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
        last = ragtally(folder, "run", "spec.yaml")
        assert last.code == 0
        with sqlite3.connect(folder / "store" / "calls.sqlite") as connection:
            (rows,) = connection.execute("SELECT count(*) FROM calls").fetchone()
        counts = server.counts()
    print(f"\n{CALLS} calls with 10 % of all faults and three SIGKILLs, 64 in flight")
    print(json.dumps({"stored": rows, "answered by the server": counts["successful"], "most in flight": 3 * 64}))
    assert rows == CALLS <= counts["successful"] <= CALLS + 3 * 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", action="store_true", help="only the faults and kills")
    if not parser.parse_args().kills:
        compare(64, 0.1)
        compare(256, 0.3)
    survive()


if __name__ == "__main__":
    main()
