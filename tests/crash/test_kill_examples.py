"""A run that writes examples, killed in any of its steps while the server fails every tenth call, loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from model_server.fixture import RunningServer, running_server
from ragtally.curation.decisions import Choice, Decision, DecisionLog, text_of
from ragtally.examples.example import Turn, example_of
from toy_study import EXAMPLES

pytestmark = pytest.mark.slow

DRIVER = Path(__file__).with_name("driver.py")
POINTS = ("before", "written", "recorded")
SPEC = """\
study: tiny
seed: 3
dataset: {{table: {{documents: {docs}, converters: [whatsapp]}}}}
models:
  one: {{litellm: {{model: openai/one, api_base: {url}, temperature: 0.7, retries: 8, timeout: 1}}}}
  two: {{litellm: {{model: openai/two, api_base: {url}, temperature: 0.7, retries: 8, timeout: 1}}}}
examples:
  kinds: [question_answer]
  generators: [one, two]
  validate: {{from: [one, two], votes: 2, criteria: [grounded, clear]}}
  repair: 1
  evolve: {{ways: [rephrase]}}
  chats: {{assistant: [Ana]}}
  curate: {log}
  export: [chat, alpaca]
"""
EXPANDING = """\
  expand: {seeds}
  validate: {{from: [one, two], criteria: [clear]}}
"""
CHAT = """\
24/12/2025, 10:15 - Rui: Are you open today?
24/12/2025, 10:16 - Ana: Until noon.
"""
CHOICES: tuple[Choice, ...] = ("reject", "edit", "accept")
AFTER_DECISIONS = ("curate", "split", "export")
DECIDED_AT = "2026-11-28T19:00:00Z"


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
    (docs / "chat.txt").write_text(CHAT, encoding="utf-8")
    seeds = folder / "seeds.jsonl"
    rows = [{"question": f"What of number {number}?", "answer": f"It is {number}."} for number in range(4)]
    seeds.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    text = SPEC.format(docs=docs, url=server.openai, log=folder / "curation.csv")
    if step == "seed":
        text = text[: text.index("  validate")] + EXPANDING.format(seeds=seeds)
    (folder / "spec.yaml").write_text(text, encoding="utf-8")


def run(driver: subprocess.Popen[str], folder: Path, **kill: str) -> int:
    assert driver.stdin and driver.stdout
    driver.stdin.write(json.dumps({"folder": str(folder), "world": "real"} | kill) + "\n")
    driver.stdin.flush()
    return int(json.loads(driver.stdout.readline()))


def decide(folder: Path) -> None:
    """Reject one of the examples that are exported, edit another, and accept one that validators rejected."""
    table = pl.read_parquet(folder / "results" / "tiny" / "examples.parquet")
    rows = [*table.filter("included").head(2).to_dicts(), *table.filter(status="rejected").head(1).to_dicts()]
    decisions = []
    for row, choice in zip(rows, CHOICES, strict=True):
        text = text_of(example_of(row))
        edit = text._replace(turns=(*text.turns[:-1], Turn("assistant", "In my own words.")))
        decision = Decision(row["example"], choice, person="ana", at=DECIDED_AT, digest=text.digest)
        decisions.append(replace(decision, text=edit) if choice == "edit" else decision)
    DecisionLog(folder / "curation.csv").append(decisions)


def results(folder: Path) -> dict[str, bytes]:
    """The tables, and everything that is exported."""
    own = folder / "results" / "tiny"
    tables = [own / name for name in ("examples.parquet", "example_ballots.parquet", "funnel.csv")]
    exported = [path for path in sorted((own / "examples").rglob("*")) if path.is_file()]
    return {path.relative_to(own).as_posix(): path.read_bytes() for path in [*tables, *exported]}


@pytest.mark.parametrize("step", ["ask", *EXAMPLES])
def test_every_example_is_paid_once_and_the_bytes_are_the_same(
    driver: subprocess.Popen[str], server: RunningServer, tmp_path: Path, step: str
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
        write(folder, server, step)
    server.control("POST", "reset")
    assert run(driver, whole) == 0
    if step in AFTER_DECISIONS:
        decide(whole)
        assert run(driver, whole) == 0
        shutil.copy(whole / "curation.csv", parts)
    calls = server.counts()
    assert calls["successful"] == calls["distinct_keys"]
    server.control("POST", "reset")
    for point in POINTS:
        assert run(driver, parts, step=step, point=point) == -signal.SIGKILL
    assert run(driver, parts) == 0
    again = server.counts()
    # Killed between calls, not in the middle of one: none is answered twice.
    assert again["successful"] == again["distinct_keys"] == calls["distinct_keys"]
    files = results(whole)
    assert "examples/chat/train.jsonl" in files
    assert results(parts) == files
    if step in AFTER_DECISIONS:
        assert b"In my own words." in b"".join(files[name] for name in files if name.endswith(".jsonl"))
