"""A study that uses a third party's reader and vote rule, without a change to the core."""

from __future__ import annotations

import csv
from pathlib import Path

from command_line import project_in

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


def test_a_study_with_a_third_partys_reader_and_rule(tmp_path: Path, sample_plugin_path: Path) -> None:
    project = project_in(tmp_path)
    project.write("study.yaml", SPEC)
    outcome = project.ragtally("run", "--no-report", "study.yaml", PYTHONPATH=str(sample_plugin_path))
    assert outcome.code == 0, outcome.err
    text = (tmp_path / "data/results/third-party/cells.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["reader"] == "negation"]
    assert {row["rule"] for row in rows} == {"majority", "first_ballot"}
    assert all(row["coverage"] == "1.0" and row["questions"] == "20" for row in rows)
    assert "ragtally-sample-plugin" in project.ragtally("plugins", PYTHONPATH=str(sample_plugin_path)).out


def test_without_the_plugin_the_same_spec_says_what_is_missing(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    project.write("study.yaml", SPEC)
    outcome = project.ragtally("check", "study.yaml")
    assert outcome.code == 2
    assert "negation_words" in outcome.err
    assert "first_ballot" in outcome.err
