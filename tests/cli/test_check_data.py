"""`ragtally check --data` finds planted duplicates and leaks with their shares, and shows text as text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from command_line import SMALL_SPEC, Outcome, Project, in_process, project_in
from sample_pubmedqa import record, write

SPEC = """\
study: planted
dataset: {pubmedqa: {subset: labeled, split: test, path: data/raw/made, answers: [yes, no]}}
readers:
  tiny: {specialist: {train: {split: train}}}
grid: {chunker: sections, retriever: bm25, top_k: 1, reader: tiny}
"""
ALL_SPLITS = """\
study: all
dataset: {pubmedqa: {subset: labeled, path: data/raw/made, answers: [yes, no]}}
grid: {chunker: sections, retriever: bm25}
metrics: [recall@3]
"""
EVIL = "[bold]Is <b>this</b> \x1b[31m\u202e &amp; text[/bold] [red]or markup?"
STUDY = "Two hundred patients took the drug for a year and their pain fell by a third in nearly all of them"
"""A document of 19 shingles; another last word leaves 18 in common of 20."""


def _records() -> dict[str, dict[str, Any]]:
    """Questions 1 to 6 are in train, 11 to 18 in test."""
    told = {
        1: ("Does zumab lower the pain of patients with gout?", "yes", STUDY),
        2: ("Is one planted twice in train?", "no", "Alpha beta gamma delta."),
        3: ("is one planted twice in train", "no", "Epsilon zeta eta theta."),
        4: (EVIL, "yes", "Iota kappa lambda mu."),
        5: ("Do fins grow back in zebrafish?", "yes", "Nu xi omicron pi."),
        6: ("Can ice be warm, and why?", "maybe", "Rho sigma tau upsilon."),
        11: ("Does zumab lower the pain of patients with gout?", "yes", "Phi chi psi omega."),
        12: ("Does zumab lower the pain in patients with gout?", "no", "One two three four."),
        13: ("Was this asked in no other place?", "no", f"{STUDY[:-5]} some."),
        14: (EVIL + " Yes.", "yes", "Five six seven eight."),
        15: ("Which question is alone?", "yes", "Nine ten eleven twelve."),
        16: ("And which one is alone too, would you say?", "no", "Nine, ten; eleven TWELVE"),
        17: ("???", "yes", "Thirteen fourteen fifteen sixteen."),
        18: ("Is this dropped for its answer?", "maybe", "Seventeen eighteen nineteen twenty."),
    }  # fmt: skip
    return {
        str(number): {**record(number, label), "QUESTION": question, "CONTEXTS": [text]}
        for number, (question, label, text) in told.items()
    }


def ragtally(project: Project, *words: str) -> Outcome:
    return in_process(project.folder, *words, RAGTALLY_STORE=project.environment["RAGTALLY_STORE"])


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = project_in(tmp_path_factory.mktemp("planted"))
    records = _records()
    write(project.folder / "data/raw/made/ori_pqal.json", records)
    truth = {name: row["final_decision"] for name, row in records.items() if int(name) > 10}
    write(project.folder / "data/raw/made/test_ground_truth.json", truth)
    project.write("planted.yaml", SPEC)
    return project


@pytest.fixture(scope="module")
def shown(planted: Project) -> Outcome:
    """What a terminal of 80 columns shows, by a process of its own."""
    outcome = planted.ragtally("check", "--data", "planted.yaml", COLUMNS="80")
    assert outcome.code == 0, outcome.err
    return outcome


@pytest.fixture(scope="module")
def printed(planted: Project, shown: Outcome) -> str:
    assert "prepare: 0 of 1" in shown.err
    outcome = ragtally(planted, "check", "--data", "--json", "--pairs", "9", "planted.yaml")
    assert outcome.code == 0, outcome.err
    return outcome.out


@pytest.fixture
def report(printed: str) -> dict[str, Any]:
    (only,) = json.loads(printed)
    return dict(only)


def ids(pairs: list[dict[str, Any]]) -> list[tuple[str, str, float]]:
    return [(pair["first"], pair["second"], pair["similarity"]) for pair in pairs]


def test_duplicates_of_the_dataset_are_counted(report: dict[str, Any]) -> None:
    documents, questions = report["documents"], report["questions"]
    assert ids(documents.pop("pairs")) == [("15", "16", 1.0), ("1", "13", 0.9)]
    assert documents == {
        "texts": 14, "without_words": 0, "exact": 2, "near": 4, "groups": 2, "largest_group": 2,
    }  # fmt: skip
    # 12 has "in" for "of": 8 of 10 words in common with 1 and 11; 14 has one word more than the ten of 4.
    assert ids(questions.pop("pairs")) == [
        ("1", "11", 1.0), ("2", "3", 1.0), ("4", "14", round(10 / 11, 4)), ("12", "1", 0.8),
    ]  # fmt: skip
    assert questions == {
        "texts": 14, "without_words": 1, "exact": 4, "near": 7, "groups": 3, "largest_group": 3,
    }  # fmt: skip


def test_leaks_from_the_split_that_is_learnt_from_are_counted_of_those_asked(report: dict[str, Any]) -> None:
    assert report["study_questions"] == 7
    (overlap,) = report["overlaps"]
    assert ids(overlap.pop("question_pairs")) == [
        ("11", "1", 1.0), ("14", "4", round(10 / 11, 4)), ("12", "1", 0.8),
    ]  # fmt: skip
    assert ids(overlap.pop("document_pairs")) == [("13", "1", 0.9)]
    assert overlap == {
        "split": "train", "split_questions": 6, "readers": ["tiny"],
        "study_questions_inside": 0, "study_questions": 7,
        "same_question": 1, "near_question": 3, "same_document": 0, "near_document": 1, "any_overlap": 4,
    }  # fmt: skip


def test_contradictory_labels_and_copied_evidence_are_counted(report: dict[str, Any]) -> None:
    labels = report["contradictions"]
    assert ids(labels.pop("pairs")) == [("1", "12", 0.8), ("11", "12", 0.8)]
    assert labels == {
        "dataset_labels": 14, "dataset_contradictions": 3, "study_labels": 7, "study_contradictions": 2,
    }  # fmt: skip
    assert report["copied_evidence"] == {"study_questions": 7, "exact": 2, "near": 3}


def test_the_threshold_can_be_chosen(planted: Project) -> None:
    outcome = ragtally(planted, "check", "--data", "--json", "--similarity", "0.95", "planted.yaml")
    (only,) = json.loads(outcome.out)
    assert only["similarity"] == 0.95
    assert only["questions"]["near"] == only["questions"]["exact"] == 4


def test_tables_show_counts_pairs_and_what_to_do_in_80_columns(shown: Outcome) -> None:
    assert max(map(len, shown.out.splitlines())) <= 80
    plain = " ".join(shown.out.split())
    assert "planted.yaml: ok (study planted)" in plain
    assert "nearly the same question is in train 3 (42.9 %) 7" in plain
    assert "any of these 4 (57.1 %) 7" in plain
    assert "nearly the same question has another label 2 (28.6 %) 7" in plain
    assert "1.000 11 test, yes Does zumab lower the pain" in plain
    assert "Learning from train: tiny." in plain
    assert "questions without a word, compared with nothing: 1" in plain


def test_text_stays_text(shown: Outcome, report: dict[str, Any]) -> None:
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out
    assert r"[bold]Is <b>this</b> \x1b[31m\u202e" in shown.out
    (pair,) = [pair for pair in report["questions"]["pairs"] if pair["first"] == "4"]
    assert pair["first_text"] == EVIL


def test_the_second_look_prepares_nothing(planted: Project, shown: Outcome) -> None:
    again = ragtally(planted, "check", "--data", "planted.yaml")
    assert again.out.split() == shown.out.split()
    assert "to do" not in again.err


def test_specs_of_one_dataset_are_reported_one_by_one(planted: Project) -> None:
    planted.write("all.yaml", ALL_SPLITS)
    planted.write("made.yaml", SMALL_SPEC)
    outcome = ragtally(planted, "check", "--data", "--json", "planted.yaml", "all.yaml", "made.yaml")
    assert outcome.code == 0, outcome.err
    planted_report, all_report, made_report = json.loads(outcome.out)
    assert planted_report["questions"] == all_report["questions"]
    assert [overlap["split"] for overlap in all_report["overlaps"]] == ["train", "test"]
    train = all_report["overlaps"][0]
    assert (train["study_questions_inside"], train["study_questions"], train["near_question"], train["readers"]) == (
        5,
        7,
        3,
        [],
    )
    assert made_report["dataset"] == "synthetic"
    assert made_report["documents"]["texts"] > 60


def test_json_without_data_names_the_studies(planted: Project) -> None:
    outcome = ragtally(planted, "check", "--json", "planted.yaml")
    assert json.loads(outcome.out) == [{"spec": "planted.yaml", "study": "planted"}]


@pytest.mark.parametrize(
    "words",
    [
        ["--data", "--similarity", "0.2"],
        ["--data", "--similarity", "nan"],
        ["--data", "--pairs", "-1"],
        ["--similarity", "0.9"],
        ["--pairs", "3"],
    ],
)
def test_a_wrong_option_ends_with_2(planted: Project, words: list[str]) -> None:
    outcome = ragtally(planted, "check", *words, "planted.yaml")
    assert outcome.code == 2
    assert words[-2] in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("replaced", "by", "location"),
    [("study: planted", "stuyd: planted", "bad.yaml:1:1"), ("raw/made", "raw/none", "data/raw/none: ")],
)
def test_an_error_in_a_spec_or_in_the_data_ends_with_2(
    planted: Project, replaced: str, by: str, location: str
) -> None:
    planted.write("bad.yaml", SPEC.replace(replaced, by))
    outcome = ragtally(planted, "check", "--data", "planted.yaml", "bad.yaml")
    assert outcome.code == 2
    assert location in outcome.err
    assert "Traceback" not in outcome.err
