"""An exported base is a dataset like others; what is wrong with its folder is said with its place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ragtally_exported
from command_line import Project, project_in
from ragtally.api import DataError, RagtallyError
from ragtally.engine.run import Folders, run_study
from ragtally.export.dataset import export_dataset
from ragtally.export.training import training_lines
from ragtally.registry import load_registry
from ragtally.store import Store
from ragtally.support.training_forms import FORMS, read_line
from ragtally.workspace import Workspace
from sample_squad import references, write_recorded, write_squad
from toy_study import Notes

SPEC = """\
study: small
seed: 3
dataset: {synthetic: {questions: 60, distractors: 1, split: test}}
readers: {always: {recorded: {path: ANSWERS, condition: gold_context}}}
label: {voters: [always], votes: 1}
base: {from: [always], rule: unanimous, agree_with_gold: true}
grid: {}
metrics: [accuracy]
"""
AGAIN = """\
study: again
dataset: {{exported: {{folder: {folder}}}}}
grid: {{chunker: whole, retriever: bm25, top_k: 1}}
metrics: [recall@1]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study whose base was labelled."""
    study = project_in(tmp_path_factory.mktemp("exported"))
    answers = ({"question": f"q{number:06d}", "vote": 0, "choice": "yes"} for number in range(60))
    path = study.write("answers.jsonl", "".join(json.dumps(answer) + "\n" for answer in answers))
    run(study, SPEC.replace("ANSWERS", str(path)), ("prepare", "label"))
    return study


def run(project: Project, spec: str, stages: tuple[str, ...]) -> Path:
    path = project.write("spec.yaml", spec)
    registry = load_registry()
    folders = Folders(project.folder / "results", project.folder / "resolved")
    return run_study(path, registry, Workspace(store(project), registry, Notes()), folders, stages)


def store(project: Project) -> Store:
    return Store(project.folder / "store")


@pytest.fixture(scope="module")
def folder(project: Project) -> Path:
    export = export_dataset(project.folder / "results/small", store(project), project.folder / "kept", "gold")
    return export.folder


def dataset_of(folder: Path, **parameters: Any) -> Any:
    return ragtally_exported.build(str(folder), **{"accept_silver": False, **parameters})


def test_it_holds_the_base_with_its_documents_and_evidence(project: Project, folder: Path) -> None:
    base = pl.read_parquet(project.folder / "results/small/base.parquet")
    summary = json.loads((folder / "dataset.json").read_text())
    batches = list(dataset_of(folder).batches())
    questions = [row for batch in batches for row in zip(batch.questions.id, batch.questions.label, strict=True)]
    assert questions == list(base.select("id", "label").iter_rows())
    evidence = {question for batch in batches for question in batch.evidence.question}
    assert evidence == {question for question, _ in questions}
    documents = {one for batch in batches for one in batch.documents.id}
    assert documents == {one for batch in batches for one in batch.evidence.document}
    assert len(documents) == summary["documents"] < 60
    assert dataset_of(folder).splits == ("test",)


def test_its_card_says_what_it_is(folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    summary = json.loads((folder / "dataset.json").read_text())
    expected = (
        f"dataset: {{exported: {{folder: data/datasets/{folder.name}",  # an absolute path is of one machine alone
        "unanimous",
        "`always`: `recorded(condition=gold_context)`",
        "| the base |",
        "Gold: those",
        f"{summary['questions']:,} questions of `synthetic`",
        "licence",
        "retrieval is easier",
    )
    for phrase in expected:
        assert phrase in card, card
    assert all(len(line) < 400 for line in card.splitlines())


def test_other_specs_name_it_and_the_place_does_not_count(project: Project, folder: Path, tmp_path: Path) -> None:
    results = run(project, AGAIN.format(folder=folder), ("prepare", "bench"))
    dataset = json.loads((results / "dataset.json").read_text())
    assert dataset["dataset"] == "exported"
    elsewhere = shutil.copytree(folder, tmp_path / "moved")
    (elsewhere / "README.md").write_text("another card")
    before = ragtally_exported.fingerprint({"folder": str(folder)})
    assert ragtally_exported.fingerprint({"folder": str(elsewhere)}) == before


def test_the_whole_corpus_can_go_along_and_an_earlier_export_is_replaced(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "kept"
    results = project.folder / "results/small"
    gold = export_dataset(results, store(project), out, "gold")
    content = {path.name: path.read_bytes() for path in out.iterdir()}
    whole = export_dataset(results, store(project), out, "all")
    assert whole.documents > gold.documents and whole.questions == gold.questions
    export_dataset(results, store(project), out, "gold")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == content
    assert [path.name for path in out.parent.iterdir()] == ["kept"]


def test_what_is_no_export_is_left_alone(project: Project, tmp_path: Path) -> None:
    (tmp_path / "own").write_text("mine")
    with pytest.raises(RagtallyError, match="something else"):
        export_dataset(project.folder / "results/small", store(project), tmp_path, "gold")
    with pytest.raises(RagtallyError, match="run the study again") as caught:
        export_dataset(project.folder / "results/small", Store(tmp_path / "empty"), tmp_path / "new", "gold")
    assert caught.value.location is not None


def test_silver_labels_must_be_accepted(folder: Path, tmp_path: Path) -> None:
    silver = shutil.copytree(folder, tmp_path / "silver")
    summary = json.loads((silver / "dataset.json").read_text())
    (silver / "dataset.json").write_text(json.dumps(summary | {"labels": "silver"}))
    with pytest.raises(DataError, match="silver") as caught:
        dataset_of(silver)
    assert "accept_silver: true" in str(caught.value)
    assert dataset_of(silver, accept_silver=True).labelled


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("dataset.json", None, "no exported dataset"),
        ("dataset.json", "{", "damaged"),
        ("dataset.json", "[]", "damaged"),
        ("dataset.json", '{"form": "ragtally dataset 9", "labels": "gold"}', "form"),
        ("questions.parquet", None, "damaged"),
        ("documents.parquet", "no parquet", "damaged"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, tmp_path: Path, name: str, content: str | None, message: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "damaged")
    (copy / name).unlink()
    if content is not None:
        (copy / name).write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        list(dataset_of(copy).batches())
    assert caught.value.location is not None


OPEN = """\
study: towns
seed: 7
dataset: {squad: {path: FOLDER/squad.json, language: pt}}
readers: {people: {recorded: {path: FOLDER/people.jsonl, condition: gold_context}}}
label: {voters: [people]}
base: {from: [people], rule: majority}
grid: {}
metrics: [accuracy]
"""
OPEN_AGAIN = """\
study: again
dataset: {{exported: {{folder: {folder}, language: pt}}}}
readers: {{floor: best_sentence}}
grading: {{contains: {{}}}}
grid: {{chunker: whole, retriever: bm25, top_k: 1, reader: floor}}
controls: [gold_context]
metrics: [accuracy, recall@1]
"""


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study with open answers, whose base leaves out one question."""
    study = project_in(tmp_path_factory.mktemp("open"))
    write_squad(study.folder / "squad.json")
    answers = {name: [texts[0] if texts else "Não posso responder"] for name, texts in references().items()}
    write_recorded(study.folder / "people.jsonl", answers | {"Arden-0": ["Ouse"]})
    run(study, OPEN.replace("FOLDER", str(study.folder)), ("prepare", "label"))
    return study


def test_a_base_of_open_answers_is_a_dataset_again(towns: Project) -> None:
    out = towns.folder / "open"
    export = export_dataset(towns.folder / "results/towns", store(towns), out, "gold")
    expected = {name: texts for name, texts in references().items() if name != "Arden-0"}
    assert export.questions == len(expected)
    (questions,) = (batch.questions for batch in dataset_of(out).batches() if len(batch.questions))
    assert dict(zip(questions.id, questions.references, strict=True)) == expected
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "language: pt}}" in card and "graded right" in card and "of 4 questions" in card
    results = run(towns, OPEN_AGAIN.format(folder=out), ("prepare", "label", "bench"))
    cells = pl.read_csv(results / "cells.csv")
    # A sentence of the paragraph holds every answer; of four questions there is none, and so no gold context.
    assert cells.filter(pl.col("condition") == "gold_context")["accuracy"].to_list() == [1.0]


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_base_of_open_answers_is_learnt_from(towns: Project, form: str) -> None:
    expected = references()
    for with_context in (True, False):
        lines = training_lines(towns.folder / "results/towns", store(towns), form, with_context=with_context)
        assert len(lines) == len(expected) - 1
        for line in lines:
            example = read_line(line, None if FORMS[form].has_sources else {"id": "?"})
            texts = expected.get(example.id)
            if texts is None:
                continue
            assert example.turns[-1].text == (texts[0] if texts else "Não posso responder")
            if with_context and texts:
                assert texts[0] in (example.input or example.turns[0].text)
            elif not with_context:
                assert example.input is None


def test_the_command_writes_lines_to_learn_from(towns: Project, project: Project) -> None:
    done = towns.ragtally("export", "base", "towns", "--train", "alpaca", "--results", "results")
    first = json.loads(done.out.splitlines()[0])
    assert (first["instruction"], first["output"]) == ("How many people live in Arden?", "1000")
    assert first["input"].startswith("Arden lies on the river Tarn.")
    # Labels are learnt likewise.
    lines = training_lines(project.folder / "results/small", store(project), "alpaca", with_context=True)
    assert {line["output"] for line in lines} == {"yes"}
    for words in (["--no-context"], ["--train", "chat", "--dataset", "x"]):
        assert towns.ragtally("export", "base", "towns", "--results", "results", *words).code == 2
