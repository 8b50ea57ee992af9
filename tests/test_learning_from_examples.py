"""Readers that learn from examples, from documents to the report: curated or not, and in another study."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from command_line import Project, project_in
from model_server.fixture import running_server
from plugins.packaged_model import smollm2

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
SPEC = """\
study: written
seed: 5
dataset: {synthetic: {questions: 24, split: test, answers: [yes, no]}}
models:
  one: {litellm: {model: openai/one, api_base: URL, price: {input: 1, output: 2}, retries: 0}}
  two: {litellm: {model: openai/two, api_base: URL, price: {input: 1, output: 2}, retries: 0}}
examples:
  kinds: [label, question_answer]
  labels: [yes, no]
  generators: [one]
  validate: {from: [two], criteria: [clear]}
  language: en
readers:
  curated: {classifier: {train: {from: examples}}}
  raw: {classifier: {train: {from: examples, curation: none}}}
  gold: classifier
grid: {chunker: whole, retriever: bm25, top_k: 1, reader: [curated, raw, gold]}
controls: [gold_context]
metrics: [accuracy, macro_f1]
compare: [{baseline: {train: {curation: none}}}]
"""
AGAIN = """\
study: again
dataset: {curated: {folder: data/results/written/examples, split: test, answers: [yes, no]}}
readers: {words: {classifier: {parts: {all: {text: question}}}}, floor: majority_class}
grid: {reader: [words, floor]}
controls: [closed_book]
"""
TUNED = """\
study: tuned
dataset:
  table:
    questions: questions.csv
    documents: docs
    columns: {question: question, references: answer, document: document}
examples: {expand: seeds.jsonl, language: en, near_duplicates: 1}
readers:
  tuned:
    lora:
      {base: BASE, targets: [q_proj, v_proj], epochs: 2, dev: 0, rate: 1e-3, device: cpu, max_new_tokens: 8,
       train: {from: examples}}
grid: {reader: tuned}
controls: [gold_context]
"""


def run(project: Project, spec: str) -> Path:
    outcome = project.ragtally("run", f"specs/{spec}.yaml", OPENAI_API_KEY="none")
    assert outcome.code == 0, outcome.err
    return project.folder / "data" / "results" / spec


def test_what_curation_is_worth_is_what_the_page_says(tmp_path: Path) -> None:
    project = project_in(tmp_path / "project")
    shutil.copytree(ROOT / "specs", project.folder / "specs")
    folder = run(project, "curation")
    (family,) = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))["families"]
    (one,) = family["comparisons"]
    assert (one["cell"], one["baseline"]) == ("closed_book/curated/1 vote", "closed_book/as_they_came/1 vote")
    page = " ".join((ROOT / "specs" / "README.md").read_text(encoding="utf-8").split())
    interval = [100 * one["difference"][name] for name in ("value", "low", "high")]
    assert "{:+.1f} points [{:+.1f}, {:+.1f}]".format(*interval) in page
    assert "What readers learn from" in (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study whose models wrote labels and questions from documents, and whose readers learnt the labels."""
    project = project_in(tmp_path_factory.mktemp("written"))
    with running_server(any_model=True) as server:
        project.write("specs/written.yaml", SPEC.replace("URL", server.openai))
        run(project, "written")
        paid = server.counts(keys=False)["requests"]
        run(project, "written")
        assert server.counts(keys=False)["requests"] == paid
    return project


def test_readers_learn_from_what_models_wrote_and_from_no_document_of_the_test(project: Project) -> None:
    folder = project.folder / "data" / "results" / "written"
    models = json.loads((folder / "train.json").read_text(encoding="utf-8"))["models"]
    examples = pl.read_parquet(folder / "examples.parquet")
    for name in ("curated", "raw"):
        model = models[f"{name} measure vote 1"]
        assert model["written"] == len(examples) == model["examples"] + sum(model["left_out"].values())
        assert model["left_out"]["of a kind that holds no answer as the study's are"] > 10
        assert model["left_out"]["from a document that such a question is about"] > 10
        assert min(model["examples_by_class"].values()) > 3
    report = re.sub(r"\s+", " ", (folder / "report.html").read_text(encoding="utf-8"))
    assert "examples, curated (" in report and "examples, not curated (" in report
    cells = pl.read_csv(folder / "cells.csv")["cell"]
    assert cells.str.starts_with("whole/bm25/top 1/curated").any()


def test_another_study_learns_from_the_exported_set(project: Project) -> None:
    project.write("specs/again.yaml", AGAIN)
    lines = project.folder / "data/results/written/examples/chat"
    for path in lines.glob("*.jsonl"):  # A set of labels alone has answers
        kept = [line for line in path.read_text(encoding="utf-8").splitlines() if '"kind": "label"' in line]
        path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    folder = run(project, "again")
    model = json.loads((folder / "train.json").read_text(encoding="utf-8"))["models"]["words measure vote 1"]
    count = sum(1 for line in (lines / "train.jsonl").read_text(encoding="utf-8").splitlines() if line)
    assert (model["split"], model["examples"]) == ("train", count)


def test_a_language_model_is_tuned_on_a_handful_of_words(tmp_path: Path) -> None:
    project = project_in(tmp_path / "tuned")
    rows = []
    for number, animal in enumerate(("otter", "heron")):
        project.write(f"docs/{animal}.txt", f"The {animal} lives at river {number}.")
        rows.append(f"Where does the {animal} live?,at river {number},{animal}.txt")
    project.write("questions.csv", "\n".join(["question,answer,document", *rows, ""]))
    seeds = [
        {"question": f"Who sleeps in house {number}?", "answer": f"Nobody sleeps in house {number}."}
        for number in range(8)
    ]
    project.write("seeds.jsonl", "\n".join(map(json.dumps, seeds)))
    project.write("specs/tuned.yaml", TUNED.replace("BASE", str(smollm2())))
    # A process of its own, since this takes minutes on a busy machine.
    command = [sys.executable, "-m", "ragtally", "run", "specs/tuned.yaml"]
    done = subprocess.run(
        command, cwd=project.folder, env=os.environ | project.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    folder = project.folder / "data" / "results" / "tuned"
    model = json.loads((folder / "train.json").read_text(encoding="utf-8"))["models"]["tuned measure vote 1"]
    assert (model["from"], model["written"]) == ("examples", 8)
    assert model["examples"] == 8 - sum(model["left_out"].values()) >= 4
    losses = pl.read_csv(folder / "plots" / "loss.csv").filter(part="train")["loss"]
    assert losses[-1] < losses[0]
    answers = pl.read_parquet(folder / "answers.parquet")
    assert len(answers) == 2 and answers["verdict"].null_count() == 0
