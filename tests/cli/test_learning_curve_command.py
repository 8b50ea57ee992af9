"""`ragtally advise --learning-curve`: learning curves of readers that train, without a look at a test question."""

from __future__ import annotations

import json

import pytest

from command_line import Outcome, Project, in_process, project_in

SPEC = """\
study: advice
seed: 3
dataset: {synthetic: {questions: 520, split: test}}
readers:
  words: specialist
  folded: {classifier: {parts: {end: {last_sentences: 1}}, thresholds: tuned, folds: 8}}
  floor: majority_class
  echo: {chat: {model: none}}
models: {none: {echo: {}}}
grid: {reader: [words, floor]}
controls: [gold_context]
"""


def advise(project: Project, *words: str) -> Outcome:
    store = project.environment["RAGTALLY_STORE"]
    return in_process(
        project.folder,
        "advise",
        "specs/advice.yaml",
        "--learning-curve",
        "--draws",
        "1",
        *words,
        RAGTALLY_STORE=store,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = project_in(tmp_path_factory.mktemp("advise"))
    project.write("specs/advice.yaml", SPEC)
    return project


def test_a_curve_says_what_more_examples_bring_and_cost(project: Project) -> None:
    outcome = advise(project, "--reader", "floor", "--usd-per-example", "0.5")
    assert outcome.code == 0, outcome.err
    assert [line.split()[:2] for line in outcome.out.splitlines() if line.startswith("floor  ")] == [
        ["floor", "50"], ["floor", "100"], ["floor", "208"],
    ]  # fmt: skip
    assert "with twice the examples, 416, it would be right on" in " ".join(outcome.out.split())
    # The commonest label is the same from 50 examples on.
    assert "No number of examples beyond 208 brings one point more." in " ".join(outcome.out.split())


def test_it_says_what_could_not_be_measured_and_why(project: Project) -> None:
    outcome = advise(project, "--reader", "folded", "--json")
    assert outcome.code == 0, outcome.err
    (reader,) = json.loads(outcome.out)["learning_curves"]
    assert "not with 50 examples: there are" in reader["notes"][0]
    assert "too few for 8 folds" in reader["notes"][0]
    assert reader["curve"] is None or len(reader["curve"]["points"]) >= 3
    # What was measured is taken from the store.
    (again,) = json.loads(advise(project, "--reader", "folded", "--json").out)["learning_curves"]
    assert again == reader


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("echo", "'echo' is no reader of this study that trains", "folded"),
        ("wrods", "'wrods'", "did you mean 'words'"),
    ],
)
def test_a_reader_that_does_not_train_has_no_curve(project: Project, name: str, message: str, hint: str) -> None:
    outcome = advise(project, "--reader", name)
    assert outcome.code == 2 and message in outcome.err and hint in outcome.err


def test_options_of_curves_need_the_curves(project: Project) -> None:
    outcome = in_process(project.folder, "advise", "specs/advice.yaml", "--reader", "words")
    assert outcome.code == 2 and "give --learning-curve or --probe too" in outcome.err


def test_votes_on_the_base_come_first(project: Project) -> None:
    spec = SPEC.replace("words: specialist", "words: {specialist: {train: {split: train, from: base}}}")
    spec += "label: {voters: [echo]}\nbase: {from: [echo], rule: majority}\n"
    project.write("specs/advice.yaml", spec)
    outcome, others = advise(project, "--reader", "words"), advise(project, "--reader", "words", "--reader", "floor")
    project.write("specs/advice.yaml", SPEC)
    assert outcome.code == 2 and "the votes on that are not there yet" in outcome.err
    assert "ragtally run specs/advice.yaml --stage train" in outcome.err
    # It does not keep another reader from having a curve.
    told = " ".join(others.out.split())
    assert others.code == 0 and "floor: with twice the examples" in told
    assert "words: words learns from the base of its split" in told
