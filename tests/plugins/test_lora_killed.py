"""A real model is tuned on CPU by `ragtally run`, killed, and goes on to the same losses."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from plugins.packaged_model import smollm2

pytestmark = pytest.mark.slow  # Tunes 135 million parameters for some minutes.
SPEC = """\
study: tuned
dataset:
  table:
    questions: questions.csv
    documents: documents
    columns: {question: question, answer: answer, document: document, evidence: evidence, split: split}
    answers: [yes, no]
    split: test
readers:
  tuned:
    lora: {base: BASE, device: cpu, threads: 1, epochs: 2, batch: 2, accumulation: 1, rate: 1e-3, dev: 0.2,
      checkpoint_every: 2, max_new_tokens: 4, train: {split: train}}
controls: [gold_context]
grid: {chunker: {words: {size: 30}}, retriever: bm25, top_k: 1, reader: [tuned]}
metrics: [accuracy]
"""


def write_study(folder: Path, base: Path) -> Path:
    documents = folder / "documents"
    documents.mkdir(parents=True)
    with (folder / "questions.csv").open("w", newline="", encoding="utf-8") as handle:
        rows = csv.writer(handle)
        rows.writerow(["question", "answer", "document", "evidence", "split"])
        for number in range(20):
            answer = ("yes", "no")[number % 2]
            verb = "fell" if answer == "yes" else "did not fall"
            text = f"In ward {number} the fever {verb} within two days."
            (documents / f"{number}.txt").write_text(text, encoding="utf-8")
            split = "train" if number < 16 else "test"
            rows.writerow([f"Did the fever fall in ward {number}?", answer, f"{number}.txt", text, split])
    (folder / "spec.yaml").write_text(SPEC.replace("BASE", str(base)), encoding="utf-8")
    return folder


def start(folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "ragtally", "run", "spec.yaml", "--no-report"]
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)


def losses(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "data" / "results" / "tuned" / "plots" / "loss.csv")


def test_a_model_that_is_killed_while_it_trains_comes_to_the_same_losses(tmp_path: Path) -> None:
    base = smollm2()
    killed, whole = write_study(tmp_path / "killed", base), write_study(tmp_path / "whole", base)
    process = start(killed)
    checkpoints = killed / "data" / "store" / "checkpoints"
    until = time.monotonic() + 900
    while not list(checkpoints.glob("*/checkpoints/checkpoint/progress.json")):
        assert process.poll() is None and time.monotonic() < until, (killed / "log.txt").read_text()
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    steps = losses(killed)["step"].max()
    assert start(killed).wait() == 0, (killed / "log.txt").read_text()
    assert start(whole).wait() == 0, (whole / "log.txt").read_text()
    assert losses(killed).equals(losses(whole))
    assert steps is not None and losses(whole)["step"].max() > steps  # type: ignore[operator]
    assert not list(checkpoints.iterdir())
    train = losses(whole).filter(pl.col("part") == "train")["loss"]
    assert train[-1] < train[0]
    answers = [pl.read_parquet(folder / "data/results/tuned/answers.parquet") for folder in (killed, whole)]
    assert answers[0].equals(answers[1])
    assert answers[0]["verdict"].null_count() == 0
