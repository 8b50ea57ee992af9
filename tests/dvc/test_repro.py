"""`dvc repro`: what it makes, what it leaves alone, and how it goes on after a kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from dvc_project import ROOT, Project, steps


def test_the_results_are_outputs_and_the_second_run_does_nothing(finished: Project) -> None:
    assert set(finished.results()) == {
        "analysis.json", "answers.parquet", "base.json", "base.parquet", "cells.csv", "comparisons.json",
        "dataset.json", "judgments.parquet", "example_ballots.parquet", "examples.json", "examples.parquet",
        "examples/manifest.json", "funnel.csv", "metrics.json",
        "passages.parquet", "prompts.parquet", "plots/chunk_size.csv",
        "plots/confusion.csv", "plots/loss.csv",
        "plots/pareto_dollars.csv", "plots/pareto_seconds.csv", "questions.parquet", "rankings.parquet",
        "report.html", "summary.json", "train.json", "voters.csv",
    }  # fmt: skip
    lock = yaml.safe_load((finished.folder / "dvc.lock").read_text(encoding="utf-8"))
    outputs = {Path(out["path"]) for stage in lock["stages"].values() for out in stage["outs"]}
    folder = Path("data/results/small")
    of_study = {path.relative_to(folder).as_posix() for path in outputs if path.is_relative_to(folder)}
    # The files for training are one output, a folder.
    assert of_study == set(finished.results()) - {"examples/manifest.json"} | {"examples"}
    (finished.folder / "plugins" / "__pycache__").mkdir(exist_ok=True)
    (finished.folder / "plugins" / "__pycache__" / "any.pyc").touch()  # as running Python leaves behind
    started = time.monotonic()
    outcome = finished.dvc("repro")
    assert time.monotonic() - started < 15
    assert outcome.stages == []
    assert "Data and pipelines are up to date." in outcome.text
    assert "Data and pipelines are up to date." in finished.dvc("status").text
    assert finished.git("status", "--porcelain") == ""


def test_the_numbers_of_the_summary_and_the_specs_of_studies_show(finished: Project) -> None:
    table = json.loads(finished.dvc("metrics", "show", "--json").text)[""]["data"]
    assert set(table) == {"data/results/small/summary.json"}
    numbers = table["data/results/small/summary.json"]["data"]
    written = json.loads(finished.results()["summary.json"])
    assert numbers == {name: value for name, value in written.items() if value is not None}
    finished.write("specs/not-a-study.yaml", "study: another")
    parameters = json.loads(finished.dvc("params", "diff", "--all", "--json", "HEAD").text)
    (finished.folder / "specs" / "not-a-study.yaml").unlink()
    assert set(parameters) == {"params.yaml", "specs/small.yaml"}
    assert "base.rule" in parameters["specs/small.yaml"]


@pytest.mark.slow
def test_a_kill_in_the_bench_loses_nothing_that_was_done(finished: Project, tmp_path: Path) -> None:
    clone = finished.clone(tmp_path / "clone")
    first = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"],
        cwd=clone.folder,
        env=clone.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while "chunk" not in steps(clone.entries()):  # the first step of the bench; the others are still to come
        assert first.poll() is None
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    before = clone.entries()
    assert "cells.csv" not in clone.results()
    assert before.keys() < finished.entries().keys()

    second = clone.dvc("repro")

    assert second.stages == ["bench@small", "report@small"]
    assert clone.entries().items() >= before.items()
    assert clone.entries().keys() == finished.entries().keys()
    assert clone.results() == finished.results()
    assert clone.git("diff") == "", "the dvc.lock of two clones differs"
    assert clone.git("status", "--porcelain") == ""


def test_deleted_results_come_back_without_work(project: Project) -> None:
    before, results = project.entries(), project.results()
    shutil.rmtree(project.folder / "data" / "results" / "small")
    assert project.dvc("repro").stages == []
    assert project.results() == results
    assert project.entries() == before


def test_the_studies_in_the_box_are_named_as_in_their_specs() -> None:
    studies = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["studies"]
    assert "quickstart" in studies
    for name, study in studies.items():
        assert f"study: {name}" in (ROOT / study["spec"]).read_text(encoding="utf-8").splitlines()
