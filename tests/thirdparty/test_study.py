"""Studies that use a third party's reader, vote rule and metrics, without a change to the core."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import project_in

SOURCE = Path(__file__).parent / "sample_plugin"

SPEC = """\
study: third-party
dataset: {synthetic: {questions: 40, distractors: 1, split: test}}
readers:
  negation: negation_words
grid:
  chunker: whole
  retriever: bm25
  top_k: 1
  reader: [negation]
  votes: [1, 3]
  rule: [majority, first_ballot]
controls: [closed_book, gold_context]
metrics: [accuracy, coverage, unparsed_share]
"""


@pytest.fixture(scope="module")
def sample_plugin_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample plugin installed by pip; put it on PYTHONPATH to have the plugin."""
    folder = tmp_path_factory.mktemp("thirdparty")
    source, target = folder / "source", folder / "installed"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *offline, "--target", str(target), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"the sample plugin cannot be installed:\n{done.stdout}{done.stderr}"
    return target


def test_a_study_with_a_third_partys_reader_and_rule(tmp_path: Path, sample_plugin_path: Path) -> None:
    project = project_in(tmp_path)
    project.write("study.yaml", SPEC)
    outcome = project.ragtally("run", "--no-report", "study.yaml", PYTHONPATH=str(sample_plugin_path))
    assert outcome.code == 0, outcome.err
    text = (tmp_path / "data/results/third-party/cells.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["reader"] == "negation"]
    assert {row["rule"] for row in rows} == {"majority", "first_ballot"}
    assert all(row["coverage"] == "1.0" and row["questions"] == "20" for row in rows)
    offered = json.loads(project.ragtally("plugins", "--json", PYTHONPATH=str(sample_plugin_path)).out)
    own = [(row["kind"], row["name"], row["distribution"]) for row in offered if row["plugin"] == "ragtally_sample"]
    names = [
        ("reader", "negation_words"),
        ("rule", "first_ballot"),
        ("metric", "balanced_f1"),
        ("metric", "yes_rate"),
    ]
    assert own == [(*name, "ragtally-sample-plugin 1.2.0") for name in names]


def test_without_the_plugin_the_same_spec_says_what_is_missing(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    project.write("study.yaml", SPEC)
    outcome = project.ragtally("check", "study.yaml")
    assert outcome.code == 2
    assert "negation_words" in outcome.err
    assert "first_ballot" in outcome.err


METRICS_SPEC = """\
study: third-party-metrics
dataset: {synthetic: {questions: 160, distractors: 1, split: test, answers: [yes, no]}}
readers:
  negation: negation_words
  words: {specialist: {features: tfidf}}
grid:
  chunker: whole
  retriever: [bm25, random]
  top_k: 1
  reader: [negation, words]
metrics: [yes_rate, balanced_f1, accuracy]
compare:
  - {metric: balanced_f1, baseline: {retriever: random}}
  - {metric: yes_rate, baseline: {retriever: random}}
"""


@pytest.mark.slow
def test_a_third_partys_metrics_have_intervals_and_tests_and_decide(tmp_path: Path, sample_plugin_path: Path) -> None:
    project, plugin = project_in(tmp_path), {"PYTHONPATH": str(sample_plugin_path)}
    project.write("study.yaml", METRICS_SPEC)
    assert project.ragtally("run", "--no-report", "study.yaml", **plugin).code == 0
    analysis = json.loads(project.ragtally("show", "third-party-metrics", "--json", **plugin).out)
    # The share of one answer is neither good nor bad, so the first metric that is decides.
    assert analysis["metric"] == "balanced_f1"
    assert analysis["units"]["yes_rate"] == "share"
    (of_set,) = analysis["sets"].values()
    grid = {name: cell["metrics"] for name, cell in of_set["cells"].items() if cell["kind"] == "grid"}
    assert analysis["chosen_cell"] == max(grid, key=lambda name: grid[name]["balanced_f1"]["value"])
    for metrics in grid.values():
        for name in ("yes_rate", "balanced_f1"):
            assert metrics[name]["low"] < metrics[name]["value"] < metrics[name]["high"]
            assert metrics[name]["denominator"] == of_set["questions"]
    balanced, rate = analysis["families"]
    best = next(pair for pair in balanced["comparisons"] if pair["cell"] == analysis["chosen_cell"])
    assert best["difference"]["low"] > 0
    assert best["distinguishable"]
    assert best["significance"]["test"].startswith("randomisation")
    assert rate["comparisons"][0]["significance"]["test"] == "exact McNemar"
    shown = project.ragtally("show", "third-party-metrics", **plugin).out
    assert "balanced_f1" in shown
    compared = project.ragtally(
        "compare", f"third-party-metrics:{analysis['chosen_cell']}", f"third-party-metrics:{best['baseline']}",
        "--metric", "balanced_f1", **plugin,
    )  # fmt: skip
    assert "A and B differ by more than chance" in compared.out

    # Where the plugin is not installed, its values stay, without an interval, and another metric decides.
    without = json.loads(project.ragtally("show", "third-party-metrics", "--json").out)
    alone = without["sets"][analysis["question_set"]]["cells"][analysis["chosen_cell"]]["metrics"]
    assert without["metric"] == "accuracy"
    assert alone["balanced_f1"]["value"] == grid[analysis["chosen_cell"]]["balanced_f1"]["value"]
    assert alone["balanced_f1"]["low"] is None
    assert "no installed plugin offers the metric 'balanced_f1'" in alone["balanced_f1"]["reason"]
