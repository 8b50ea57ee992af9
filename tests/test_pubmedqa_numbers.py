"""The published numbers of PubMedQA's labelled set come out of the specs in the box."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest

from command_line import Project, project_in

DATA = os.environ.get("RAGTALLY_PUBMEDQA", "")
SPECS = Path(__file__).parent.parent / "specs"

pytestmark = pytest.mark.skipif(
    not DATA, reason="needs PubMedQA's labelled set: RAGTALLY_PUBMEDQA names no folder that holds it"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project_in(tmp_path_factory.mktemp("pubmedqa"))


@pytest.fixture(scope="module")
def printed(project: Project) -> str:
    cells = ("--cell", "/floor/", "--cell", "/annotators")
    outcome = project.ragtally("run", str(SPECS / "pubmedqa.yaml"), *cells, RAGTALLY_PUBMEDQA=DATA, COLUMNS="200")
    assert outcome.code == 0, outcome.err
    return outcome.out


@pytest.mark.parametrize(
    ("reader", "accuracy", "macro_f1"),
    [
        ("floor", "55.2", "23.7"),
        ("annotators_from_context", "78.0", "72.2"),
        ("annotators_with_conclusion", "90.4", "84.2"),
    ],
)
def test_accuracy_and_macro_f1_on_the_500_test_questions(
    printed: str, reader: str, accuracy: str, macro_f1: str
) -> None:
    """Jin et al. 2019, table 5: majority class, and the annotators without and with the conclusion."""
    all_questions = printed.split("(all, 500 questions)", 1)[1]
    (line,) = [line.split() for line in all_questions.splitlines() if line.split()[:1] == [reader]]
    assert line[3:] == [accuracy, "%", macro_f1, "%"]


def test_the_classifier_chosen_on_the_training_half(project: Project) -> None:
    """What the table of specs/README.md says; the grid comes to these settings, and takes minutes to."""
    words = ("run", str(SPECS / "specialists.yaml"), "--cell", "gold_context/chosen_from_gold/1 vote")
    outcome = project.ragtally(*words, RAGTALLY_PUBMEDQA=DATA, COLUMNS="200")
    assert outcome.code == 0, outcome.err
    all_questions = outcome.out.split("(all, 500 questions)", 1)[1]
    (line,) = [line for line in all_questions.splitlines() if line.startswith("chosen_from_gold")]
    assert re.findall(r"([\d.]+) %", line)[:2] == ["61.0", "42.2"]


def test_bm25_over_the_sections_of_all_1000_questions(project: Project) -> None:
    spec = (SPECS / "pubmedqa-retrieval.yaml").read_text(encoding="utf-8")
    for unwanted in ("    - words: {size: [64, 128], overlap: 0}\n", "    - sentences: {size: 3, overlap: 1}\n"):
        spec = spec.replace(unwanted, "")
    project.write("specs/sections.yaml", spec)
    outcome = project.ragtally("run", "--no-report", "specs/sections.yaml", RAGTALLY_PUBMEDQA=DATA)
    assert outcome.code == 0, outcome.err
    text = (project.folder / "data/results/pubmedqa-retrieval/cells.csv").read_text(encoding="utf-8")
    rows = {row["cell"]: row for row in csv.DictReader(text.splitlines())}
    assert rows["sections/bm25"]["questions"] == "1000"
    assert float(rows["sections/bm25"]["recall@10"]) == pytest.approx(0.773, abs=0.0005)
    assert float(rows["sections/bm25"]["mrr@10"]) == pytest.approx(0.966, abs=0.0005)
    assert float(rows["sections/oracle"]["recall@10"]) == 1
    assert float(rows["sections/random"]["recall@10"]) < 0.02
