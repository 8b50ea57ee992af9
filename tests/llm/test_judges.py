"""Judges on a server: asked within the plan, live and in batches, found out by people, and corrected."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command_line import Project, project_in
from model_server.fixture import RunningServer
from ragtally.results import load_results
from sample_squad import references, write_recorded, write_squad

from .conftest import KEY

Start = Callable[..., RunningServer]
SPEC = """\
study: towns
seed: 3
dataset: {squad: {path: squad.json}}
models:
  small: {litellm: {model: openai/small, api_base: URL, temperature: 0.7, max_tokens: 200, MORE
                    price: {input: 1, output: 2}}}
readers: {floor: best_sentence}
grading: {exact: {}, judges: {from: [small], votes: 3, sheet: raw/graded.csv}}
budget: {usd: 1}
grid: {chunker: whole, retriever: [bm25, random], top_k: 1, reader: floor}
controls: [gold_context]
metrics: [accuracy, judged]
"""


def project_with(tmp_path: Path, server: RunningServer, more: str = "") -> Project:
    project = project_in(tmp_path / "project")
    project.environment["OPENAI_API_KEY"] = KEY
    write_squad(project.folder / "squad.json")
    project.write("spec.yaml", SPEC.replace("URL", server.openai).replace("MORE", more))
    return project


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", "delivery: batch, batch: {poll_seconds: 0.05},"])
def test_a_judge_that_errs_is_found_out_by_people(tmp_path: Path, start: Start, more: str) -> None:
    server = start(skill=0.7)
    project = project_with(tmp_path, server, more)
    plan = project.ragtally("plan", "--json", "spec.yaml")
    (row,) = json.loads(plan.out)["models"]
    assert row["name"] == "small as judge" and row["dollars"] > 0
    assert project.ragtally("run", "--no-report", "spec.yaml").code == 0
    assert server.counts()["successful"] == row["calls"]
    assert project.ragtally("grade", "towns", "--sample", "100", "--out", "raw/sheet.csv").code == 0
    sheet = project.folder / "raw" / "sheet.csv"
    rows = list(csv.DictReader(sheet.read_text(encoding="utf-8-sig").splitlines()))
    for each in rows:
        each["grade"] = "right" if each["right answers"].casefold() in each["answer"].casefold() else "wrong"
    with sheet.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert project.ragtally("grade", "towns", "--read", "raw/sheet.csv").code == 0
    assert project.ragtally("run", "spec.yaml").code == 0
    assert server.counts()["successful"] == row["calls"]
    analysis: dict[str, Any] = json.loads(project.results("towns")["analysis.json"])
    (judge,) = analysis["judges"]["judges"]
    assert judge["accuracy"]["low"] < 0.784 < judge["accuracy"]["high"]
    # All were graded: what is corrected is what people say.
    for name, cell in analysis["sets"]["all"]["cells"].items():
        by_people = cell["corrections"]["judged"]["value"]
        assert by_people == pytest.approx(1.0 if "random" not in name else by_people)
    shown = project.ragtally("show", "towns", "--all").out
    assert re.search(r"Judges beside people, who graded \d+ answers", shown) and "corrected" in shown


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", "delivery: batch, batch: {poll_seconds: 0.05},"])
def test_a_server_pools_votes_that_are_paid_once(tmp_path: Path, start: Start, more: str) -> None:
    server = start(skill=1.0)
    project = project_with(tmp_path, server, more)
    right = {question: texts[0] for question, texts in references().items() if texts}
    votes = {question: ["Nothing", f"It is {text}", text] for question, text in right.items()}
    write_recorded(project.folder / "people.jsonl", votes)
    text = (project.folder / "spec.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("readers: {", "readers: {people: {recorded: {path: people.jsonl, condition: gold_context}}, "),
        ("exact: {}, judges: {", "contains: {}, judges: {pools_votes: true, "),
        ("reader: floor", "reader: [floor, people], votes: [1, 3]"),
    ):
        text = text.replace(old, new)
    project.write("spec.yaml", text)
    (row,) = json.loads(project.ragtally("plan", "--json", "spec.yaml").out)["models"]
    assert project.ragtally("run", "--no-report", "spec.yaml").code == 0
    paid = server.counts()["successful"]
    assert 9 * len(votes) <= paid <= row["calls"]
    table = load_results(project.folder / "data" / "results" / "towns").answers
    pooled = table.filter(table["cell"] == "gold_context/people/3 votes")
    verdicts = dict(pooled.select("question", "verdict").iter_rows())
    assert {question: verdicts[question] for question in votes} == {name: cast[1] for name, cast in votes.items()}
    assert "pool" in project.ragtally("store", "paid").out
    assert project.ragtally("run", "--no-report", "spec.yaml").code == 0
    assert server.counts()["successful"] == paid
