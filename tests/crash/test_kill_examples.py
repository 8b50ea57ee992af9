"""A run that writes examples, killed in any of its steps while the server fails every tenth call, loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_server.fixture import RunningServer, running_server
from toy_study import EXAMPLES

pytestmark = pytest.mark.slow

DRIVER = Path(__file__).with_name("driver.py")
POINTS = ("before", "written", "recorded")
SPEC = """\
study: tiny
seed: 3
dataset: {{table: {{documents: {docs}}}}}
models:
  one: {{litellm: {{model: openai/one, api_base: {url}, temperature: 0.7, retries: 8, timeout: 1}}}}
  two: {{litellm: {{model: openai/two, api_base: {url}, temperature: 0.7, retries: 8, timeout: 1}}}}
examples:
  kinds: [question_answer]
  generators: [one, two]
  validate: {{from: [one, two], votes: 2, criteria: [grounded, clear]}}
  repair: 1
  evolve: {{ways: [rephrase]}}
"""
EXPANDING = """\
  expand: {seeds}
  validate: {{from: [one, two], criteria: [clear]}}
"""
FILES = ("examples.parquet", "example_ballots.parquet", "funnel.csv")


@pytest.fixture(scope="module")
def driver() -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENAI_API_KEY": "none"}
    command = [sys.executable, str(DRIVER)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(any_model=True, mix=0.1, bad_examples=0.4, retry_after=0.01) as running:
        yield running


def write(folder: Path, server: RunningServer, step: str) -> None:
    docs = folder / "docs"
    docs.mkdir()
    for animal in ("otter", "heron", "badger"):
        text = f"The {animal} lives by the river and hunts at dawn. It weighs {len(animal)} pounds in spring."
        (docs / f"{animal}.md").write_text(text, encoding="utf-8")
    seeds = folder / "seeds.jsonl"
    rows = [{"question": f"What of number {number}?", "answer": f"It is {number}."} for number in range(4)]
    seeds.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    text = SPEC.format(docs=docs, url=server.openai)
    if step == "seed":
        text = text[: text.index("  validate")] + EXPANDING.format(seeds=seeds)
    (folder / "spec.yaml").write_text(text, encoding="utf-8")


def run(driver: subprocess.Popen[str], folder: Path, **kill: str) -> int:
    assert driver.stdin and driver.stdout
    driver.stdin.write(json.dumps({"folder": str(folder), "world": "real"} | kill) + "\n")
    driver.stdin.flush()
    return int(json.loads(driver.stdout.readline()))


def results(folder: Path) -> dict[str, bytes]:
    return {name: (folder / "results" / "tiny" / name).read_bytes() for name in FILES}


# Chats need no call.
@pytest.mark.parametrize("step", ["ask", *(step for step in EXAMPLES if step != "converse")])
def test_every_example_is_paid_once_and_the_bytes_are_the_same(
    driver: subprocess.Popen[str], server: RunningServer, tmp_path: Path, step: str
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
        write(folder, server, step)
    server.control("POST", "reset")
    assert run(driver, whole) == 0
    calls = server.counts()
    assert calls["successful"] == calls["distinct_keys"]
    server.control("POST", "reset")
    for point in POINTS:
        assert run(driver, parts, step=step, point=point) == -signal.SIGKILL
    assert run(driver, parts) == 0
    again = server.counts()
    # Killed between calls, not in the middle of one: none is answered twice.
    assert again["successful"] == again["distinct_keys"] == calls["distinct_keys"]
    assert results(parts) == results(whole)
