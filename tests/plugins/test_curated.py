"""A curated set is a dataset; what is wrong with its folder is said with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragtally.api import DataError
from ragtally_curated.dataset import ExamplesFolder, fingerprint_of
from sample_examples import write_curated


def test_questions_answers_and_evidence(tmp_path: Path) -> None:
    dataset = ExamplesFolder(str(write_curated(tmp_path / "examples")), None)
    documents, questions = (batch for batch in dataset.batches())
    assert dataset.splits == ("train", "test")
    assert not dataset.labelled
    assert documents.documents.id == ["d0.md", "d1.md"]
    assert len(questions.questions.id) == len(questions.evidence.question) == 8
    chat = next(text for text in questions.questions.text if text.startswith("user: "))
    assert "assistant: " in chat
    assert all(questions.questions.references or [])


def test_labels_are_answers(tmp_path: Path) -> None:
    dataset = ExamplesFolder(str(write_curated(tmp_path / "examples", labels=True)), "chat")
    assert dataset.labelled
    assert dataset.answers == ("no", "yes")


def test_an_edited_line_is_another_dataset_and_a_broken_one_an_error(tmp_path: Path) -> None:
    folder = write_curated(tmp_path / "examples")
    before = fingerprint_of(str(folder), None)
    path = folder / "chat" / "train.jsonl"
    path.write_text(path.read_text().replace("Thing 0 is a thing", "It is"), encoding="utf-8")
    assert fingerprint_of(str(folder), None) != before
    path.write_text(path.read_text() + "{}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"train.jsonl:7: this is no example"):
        ExamplesFolder(str(folder), None)


@pytest.mark.parametrize(
    ("manifest", "form", "message"),
    [
        (None, None, "no exported examples"),
        ({"form": "other", "counts": {}}, None, "has no examples"),
        ({"form": "ragtally examples 1", "counts": {"chat": {}}}, "alpaca", "not exported as 'alpaca'"),
    ],
)
def test_another_folder_is_refused(
    tmp_path: Path, manifest: dict[str, object] | None, form: str | None, message: str
) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match=message):
        ExamplesFolder(str(tmp_path), form)
