"""The dataset `squad`: what it takes from a file, what it leaves out, and how it says what is wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ragtally.api import Choice, DataError
from ragtally.registry import load_registry
from sample_squad import TOWNS, paragraph, references, squad, write_squad

XQUAD = os.environ.get("RAGTALLY_XQUAD")


def dataset(path: Path, **parameters: Any) -> Any:
    registry = load_registry()
    return registry.build(registry.complete(Choice("dataset", "squad", {"path": str(path), "seed": 1, **parameters})))


def test_paragraphs_are_documents_and_answers_references_with_their_places(tmp_path: Path) -> None:
    batches = list(dataset(write_squad(tmp_path / "s.json")).batches())
    texts = {one: text for each in batches for one, text in zip(each.documents.id, each.documents.text, strict=True)}
    assert list(texts.values()) == [paragraph(row)["context"] for row in range(len(TOWNS))]
    found = {
        one: texts_of
        for each in batches
        for one, texts_of in zip(each.questions.id, each.questions.references or (), strict=True)
    }
    assert found == references()
    for each in batches:
        columns = (each.evidence.question, each.evidence.document, each.evidence.start, each.evidence.end)
        for question, document, start, end in zip(*columns, strict=True):
            assert texts[document][start:end] in found[question]


def test_the_whole_paragraph_may_be_evidence(tmp_path: Path) -> None:
    first, *_ = dataset(write_squad(tmp_path / "s.json"), evidence="paragraph").batches()
    lengths = dict(zip(first.documents.id, map(len, first.documents.text), strict=True))
    spans = zip(first.evidence.document, first.evidence.start, first.evidence.end, strict=True)
    assert all((start, end) == (0, lengths[document]) for document, start, end in spans)


def test_questions_on_paragraphs_that_are_left_out_have_no_reference(tmp_path: Path) -> None:
    path = write_squad(tmp_path / "s.json")
    documents: dict[float, set[str]] = {}
    for share in (0.0, 0.3, 0.5):
        batches = list(dataset(path, leave_out=share).batches())
        documents[share] = {one for each in batches for one in each.documents.id}
        assert sum(each.left_out.get("paragraphs left out of the corpus", 0) for each in batches) == share * 10
        answerable = {
            one
            for each in batches
            for one, texts in zip(each.questions.id, each.questions.references or (), strict=True)
            if texts
        }
        with_evidence = {one for each in batches for one in each.evidence.question}
        assert answerable == with_evidence
        assert sum(len(each.questions) for each in batches) == len(references())
    # A larger share leaves out what a smaller one does.
    assert documents[0.5] < documents[0.3] < documents[0.0]


def changed(key: str, value: Any) -> dict[str, Any]:
    content = squad()
    content["data"][0]["paragraphs"][0]["qas"][0][key] = value
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "the file has no list 'data'"),
        ({"data": [{}]}, r"data\[0\] has no list 'paragraphs'"),
        (changed("id", ""), r"data\[0\]\.paragraphs\[0\]\.qas\[0\] has no text 'id'"),
        (changed("question", 3), "has no text 'question'"),
        (changed("answers", None), "has no list 'answers'"),
        (changed("answers", [{"text": "Tarn", "answer_start": 0}]), "'Tarn' does not stand at answer_start 0"),
        (changed("answers", [{"text": "Tarn"}]), "does not stand at answer_start None"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        list(dataset(write_squad(tmp_path / "s.json", content)).batches())
    assert str(error.value.location) == str(tmp_path / "s.json")
    assert error.value.hint


def test_a_file_that_is_no_json_or_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("{")
    with pytest.raises(DataError, match="it is no JSON"):
        list(dataset(tmp_path / "s.json").batches())
    with pytest.raises(DataError, match="the questions cannot be read"):
        list(dataset(tmp_path / "missing.json").batches())


@pytest.mark.skipif(not XQUAD, reason="RAGTALLY_XQUAD names no folder with the data set")
@pytest.mark.parametrize("language", ["en", "es", "zh"])
def test_xquad_is_read_whole(language: str) -> None:
    path = Path(str(XQUAD)) / f"xquad.{language}.json"
    batches = list(dataset(path).batches())
    assert sum(len(each.documents) for each in batches) == 240
    assert sum(len(each.questions) for each in batches) == 1190
    texts = [texts for each in batches for texts in each.questions.references or ()]
    assert all(len(each) == 1 for each in texts)
    answers = json.loads(path.read_text(encoding="utf-8"))
    first = answers["data"][0]["paragraphs"][0]["qas"][0]
    assert texts[0] == [first["answers"][0]["text"]]
