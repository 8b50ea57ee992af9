"""A dataset is checked once, and what is wrong with it is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ragtally.api import DataError, DatasetBatch, Documents, Evidence, PluginError, Questions
from ragtally.store import read_json
from ragtally.tables import load_all_questions, load_documents, load_evidence, load_texts
from toy_study import NOTHING, batch

DOCUMENTS = {"a": "It was yes.", "b": "It was no."}
QUESTIONS = {"one": ("yes", "test"), "two": ("no", "train")}
EVIDENCE = [("one", "a", 7, 10), ("two", "b", 7, 9)]


def with_evidence(span: tuple[Any, ...]) -> DatasetBatch:
    graded = [(*other, 1) if len(span) == 5 else other for other in EVIDENCE]
    return batch(DOCUMENTS, QUESTIONS, [*graded, span])  # type: ignore[list-item]


def with_questions(**questions: tuple[str | None, Any]) -> DatasetBatch:
    return batch(DOCUMENTS, QUESTIONS | questions, EVIDENCE)


def with_documents(documents: Documents) -> DatasetBatch:
    return DatasetBatch(documents, NOTHING.questions, NOTHING.evidence)


GOOD = batch(DOCUMENTS, QUESTIONS, EVIDENCE)
WRONG: dict[str, tuple[list[DatasetBatch], str]] = {
    "a question id twice": ([GOOD, replace(NOTHING, questions=GOOD.questions)], "question id 'one' comes twice"),
    "a document id twice": ([GOOD, with_documents(GOOD.documents)], "document id 'a' comes twice"),
    "a question without an id": ([with_questions(**{"": ("yes", "test")})], "a question has no id"),
    "a document without an id": ([GOOD, with_documents(Documents([""], ["x"], [[]], [[]]))], "a document has no id"),
    "a document without a text": (
        [GOOD, with_documents(Documents(["c"], [None], [[]], [[]]))],  # type: ignore[list-item]
        "document 'c' has no text",
    ),
    "a question without words": (
        [GOOD, replace(NOTHING, questions=Questions(["x"], [None], [None], ["test"]))],  # type: ignore[list-item]
        "question 'x' has no text",
    ),
    "a label outside": ([with_questions(three=("perhaps", "test"))], "question 'three' has the label 'perhaps'"),
    "a split outside": ([with_questions(three=("yes", "dev"))], "question 'three' has the split 'dev'"),
    "no split": ([with_questions(three=("yes", None))], "question 'three' has the split None"),
    "evidence past the end": (
        [with_evidence(("one", "b", 0, 11))],
        "question 'one' has evidence at 0-11, outside of 'b'",
    ),
    "evidence before the start": ([with_evidence(("two", "b", -1, 3))], "question 'two' has evidence at -1-3"),
    "empty evidence": ([with_evidence(("two", "a", 3, 3))], "question 'two' has evidence at 3-3, outside of 'a'"),
    "evidence without an offset": ([with_evidence(("two", "a", None, 3))], "question 'two' has evidence at None-3"),
    "evidence of nobody": ([with_evidence(("nine", "a", 0, 2))], "evidence for the question 'nine'"),
    "evidence nowhere": ([with_evidence(("one", "z", 0, 2))], "question 'one' points to the document 'z'"),
    "evidence of grade 0": ([with_evidence(("two", "a", 3, 4, 0))], "question 'two' has evidence of the grade 0"),
    "evidence of no grade": ([with_evidence(("two", "a", 3, 4, None))], "evidence of the grade None"),
    "no document": ([replace(GOOD, documents=NOTHING.documents)], "the corpus is empty"),
    "nothing": ([NOTHING], "the corpus is empty"),
    "no batch": ([], "the corpus is empty"),
    "a section outside": (
        [GOOD, with_documents(Documents(["c"], ["text"], [[0, 2]], [[2, 5]]))],
        "document 'c' has a section at 2-5, outside",
    ),
    "sections that do not match": (
        [GOOD, with_documents(Documents(["c"], ["text"], [[0, 2]], [[2]]))],
        "document 'c' has not as many ends of sections as starts",
    ),
}


@pytest.mark.parametrize(("batches", "message"), WRONG.values(), ids=WRONG)
def test_wrong_data_is_named(make_ground: Callable[..., Any], batches: list[DatasetBatch], message: str) -> None:
    ground = make_ground(batches)
    with pytest.raises(DataError) as error:
        ground.do(ground.dataset)
    assert message in error.value.message
    assert "dataset given" in error.value.message
    assert error.value.hint
    assert not ground.bench.store.complete("prepare", ground.dataset.address)


def test_answers_in_free_text_are_no_classes(make_ground: Callable[..., Any]) -> None:
    answers = [f"answer {row}" for row in range(9)]

    def study(labels: list[str]) -> DatasetBatch:
        return batch(DOCUMENTS, {f"q{row}": (label, "test") for row, label in enumerate(labels)}, [])

    free = make_ground([study([*answers, "answer 0"])], "free", answers=tuple(answers))
    with pytest.raises(DataError, match="10 labelled questions have 9 different labels") as error:
        free.do(free.dataset)
    assert "into a few classes" in str(error.value.hint)
    # With a class that two questions in three share it is a small study.
    few = make_ground([study([*answers[:6], *["answer 0"] * 12])], "few", answers=tuple(answers))
    few.do(few.dataset)


UNEVEN = {
    "columns of two lengths": Questions(["x", "y"], ["What?"], [None], ["test"]),
    "a number for a word": Questions(["x"], [7], [None], ["test"]),  # type: ignore[list-item]
}


@pytest.mark.parametrize("questions", UNEVEN.values(), ids=UNEVEN)
def test_broken_columns_are_the_plugins_fault(make_ground: Callable[..., Any], questions: Questions) -> None:
    ground = make_ground([replace(GOOD, questions=questions)])
    with pytest.raises(PluginError, match="the dataset given yields questions"):
        ground.do(ground.dataset)


def test_offsets_count_characters_and_pieces_may_come_in_any_order(
    make_ground: Callable[..., Any], small: DatasetBatch
) -> None:
    pieces = [
        replace(NOTHING, evidence=small.evidence),
        replace(NOTHING, questions=small.questions),
        NOTHING,
        replace(NOTHING, documents=small.documents),
    ]
    ground = make_ground(pieces)
    folder = ground.do(ground.dataset)
    questions, texts = load_all_questions(folder), load_texts(folder)
    evidence = load_evidence(folder)
    rows = zip(evidence.question, evidence.document, evidence.start, evidence.end, strict=True)
    said = [(questions["id"][int(q)], texts[d][start:end]) for q, d, start, end in rows]
    assert said == [("one", "yes"), ("one", "ä\U0001f600"), ("one", "It"), ("two", "no"), ("three", "Nobody")]
    assert questions["label"].to_list() == ["yes", "no", "maybe"]
    documents = load_documents(folder)
    assert list(documents.id) == ["a", "b", "c", "d"] and list(documents.text) == texts
    assert list(documents.section_ends) == [[len(text)] for text in texts]
    assert read_json(folder / "dataset.json") == {
        "answers": ["yes", "no", "maybe"],
        "splits": ["train", "test"],
        "documents": 4,
        "questions": 3,
        "left_out": {},
    }


def test_grades_are_kept_and_what_was_left_out_is_added_up(make_ground: Callable[..., Any]) -> None:
    spans: list[Any] = [("two", "b", 7, 9, 1), ("one", "a", 7, 10, 3), ("one", "a", 7, 10, 2)]
    graded = batch(DOCUMENTS, QUESTIONS, spans)
    pieces = [
        replace(graded, left_out={"rows of nobody": 2, "questions": 1}),
        replace(NOTHING, evidence=Evidence(["one"], ["a"], [0], [2]), left_out={"rows of nobody": 3}),
    ]
    ground = make_ground(pieces)
    folder = ground.do(ground.dataset)
    evidence = load_evidence(folder)
    columns = (evidence.question, evidence.document, evidence.start, evidence.grade)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == [
        (0, 0, 0, 1),
        (0, 0, 7, 2),
        (0, 0, 7, 3),
        (1, 1, 7, 1),
    ]
    assert evidence.grade.dtype == "int32"
    assert read_json(folder / "dataset.json")["left_out"] == {"questions": 1, "rows of nobody": 5}
    sampled = load_evidence(ground.do(ground.sample(split="train")))
    assert sampled.grade is not None and sampled.grade.tolist() == [1]


def test_questions_may_lack_labels_and_evidence(make_ground: Callable[..., Any]) -> None:
    ground = make_ground([batch(DOCUMENTS, {"one": (None, "test")}, [])])
    folder = ground.do(ground.dataset)
    assert load_all_questions(folder)["label"].to_list() == [None]
    assert load_evidence(folder).question.dtype == "int32"
    assert len(Evidence([], [], [], [])) == len(load_evidence(folder).question) == 0


def test_sections_may_be_missing_in_all_documents(make_ground: Callable[..., Any]) -> None:
    bare = Documents(["a", "b"], list(DOCUMENTS.values()), [[], []], [[], []])
    ground = make_ground([replace(GOOD, documents=bare)])
    assert list(load_documents(ground.do(ground.dataset)).section_starts) == [[], []]


def test_names_of_sections_are_there_for_documents_that_have_them(make_ground: Callable[..., Any]) -> None:
    plain = batch({"b": "It was no."}, {"two": ("no", "test")}, [])
    questions = batch({}, {"one": ("yes", "test")}, [])
    named = replace(
        questions, documents=Documents(["a"], ["It was yes."], [[0, 3]], [[2, 6]], [["page 1", "page 2"]])
    )
    ground = make_ground([named, plain])
    assert load_documents(ground.do(ground.dataset)).section_names == [["page 1", "page 2"], None]
    unlike = replace(named.documents, section_names=[["page 1"]])
    with pytest.raises(DataError, match="has not as many names of sections as starts"):
        ground = make_ground([replace(named, documents=unlike)], "unlike")
        ground.do(ground.dataset)


def test_without_names_of_sections_there_is_no_column(make_ground: Callable[..., Any], small: DatasetBatch) -> None:
    ground = make_ground([small])
    assert load_documents(ground.do(ground.dataset)).section_names is None
