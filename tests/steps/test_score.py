"""Scores are those of a hand count, on all questions and on the base; what is not scored says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest

from ground import Fixed, Ground, hits, scripted_readers
from ragtally.api import Answers, Choice, Component, Hits, Score
from ragtally.plan.score import score_task
from ragtally.steps import Task
from ragtally.tables import load_scores
from toy_study import batch

TEXT = "0123456789" * 2
LABELS = {"q0": "yes", "q1": "yes", "q2": "no", "q3": "no", "q4": "maybe"}
VOTER = {"q0": "yes", "q1": "no", "q2": "no", "q3": "no", "q4": "maybe"}
"""Right on q0, q2, q3 and q4: these are the base, rows 0, 2, 3 and 4."""
SAID = Answers(
    ["Answer: yes", None, "who knows", None, None],
    [None, "no", None, "no", None],
    [None, None, None, None, "timed out"],
)
"""Right, wrong, unparsed, right, failed."""
EVIDENCE = [("q0", "d0", 0, 4), ("q1", "d1", 0, 20), ("q2", "d2", 5, 15), ("q3", "d3", 18, 20)]
"""Chunks are of 10 characters, two a document: chunk 2n and 2n + 1 are document n. q4 has no evidence."""
FOUND = hits([[0, 1], [4, 2], [4, 6], [6, 7], [0, -1]])
METRICS = ("accuracy", "coverage", "unparsed_share", "accuracy_of_covered")


@pytest.fixture
def make(make_ground: Callable[..., Ground]) -> Callable[..., Ground]:
    def make(labels: dict[str, Any] = LABELS, result: Hits = FOUND) -> Ground:
        asked = {name: (label, "test") for name, label in labels.items()}
        data = batch({f"d{row}": TEXT for row in range(5)}, asked, EVIDENCE)
        readers = scripted_readers(
            voter=VOTER, reader=lambda reading, vote: take(SAID, [int(name[1]) for name in reading.id])
        )
        fixed = {"retriever": [Component("fixed", lambda: Fixed(result), "Fixed.")]}
        return make_ground([data], components=readers | fixed)

    return make


def take(answers: Answers, rows: Sequence[int]) -> Answers:
    return Answers(*([column[row] for row in rows] for column in (answers.text, answers.choice, answers.error)))


def base_of(ground: Ground) -> Task:
    return ground.base(ground.verdicts(["voter"]))


def answer_metrics(*names: str) -> list[Choice]:
    return [Choice("metric", name) for name in names or METRICS]


def numbers(scores: dict[str, Score]) -> dict[str, tuple[Fraction | None, int]]:
    return {
        name: (None if result.value is None else Fraction(result.value).limit_denominator(1000), result.denominator)
        for name, result in scores.items()
    }


@pytest.mark.parametrize("asked_on_base", [False, True])
def test_answers_are_scored_as_counted_by_hand(make: Callable[..., Ground], asked_on_base: bool) -> None:
    ground = make()
    sets = ("base",) if asked_on_base else ("all", "base")
    verdicts = ground.verdicts(["reader"], base=base_of(ground) if asked_on_base else None)
    task = score_task(
        ground.bench.factory,
        ground.sample(),
        answer_metrics(),
        question_sets=sets,
        verdicts=verdicts,
        base=base_of(ground),
    )
    result = load_scores(ground.do(task))
    expected = {
        "all": {
            "questions": (Fraction(5), 5),
            "accuracy": (Fraction(2, 5), 5),
            "coverage": (Fraction(3, 5), 5),
            "unparsed_share": (Fraction(1, 5), 5),
            "accuracy_of_covered": (Fraction(2, 3), 3),
        },
        "base": {
            "questions": (Fraction(4), 4),
            "accuracy": (Fraction(2, 4), 4),
            "coverage": (Fraction(2, 4), 4),
            "unparsed_share": (Fraction(1, 4), 4),
            "accuracy_of_covered": (Fraction(1), 2),
        },
    }
    assert {name: numbers(scores) for name, scores in result.items()} == {name: expected[name] for name in sets}


def test_what_is_not_scored_has_every_name_and_a_reason(make: Callable[..., Ground]) -> None:
    ground = make()
    task = score_task(
        ground.bench.factory,
        ground.sample(),
        answer_metrics("accuracy", "precision"),
        question_sets=("all", "base"),
        verdicts=ground.verdicts(["reader"]),
        base=base_of(ground),
        not_scored={"base": "it selected the base"},
    )
    result = load_scores(ground.do(task))
    assert result["all"]["accuracy"].value == pytest.approx(0.4)
    names = ["accuracy", "precision[yes]", "precision[no]", "precision[maybe]"]
    assert result["base"] == {"questions": Score(4.0, 4)} | {
        name: Score(None, 4, "it selected the base") for name in names
    }


def test_without_gold_labels_only_the_base_is_scored_on_its_silver_ones(make: Callable[..., Ground]) -> None:
    ground = make(dict.fromkeys(LABELS))
    silver = ground.base(ground.verdicts(["voter"]), agree_with_gold=False)
    task = score_task(
        ground.bench.factory,
        ground.sample(),
        answer_metrics("accuracy"),
        question_sets=("all", "base"),
        verdicts=ground.verdicts(["reader"]),
        base=silver,
    )
    result = load_scores(ground.do(task))
    assert result["all"]["accuracy"] == Score(None, 5, "the questions have no gold label")
    assert result["base"]["accuracy"] == Score(0.6, 5)  # q0, q1 and q3 say what the voter said


def retrieval_scores(ground: Ground, top_k: int) -> dict[str, dict[str, Score]]:
    ranking = ground.hits(Choice("retriever", "fixed"), 2, Choice("chunker", "pieces", {"size": 10}))
    relevance = ground.relevance(ranking)
    task = score_task(
        ground.bench.factory,
        ground.sample(),
        [Choice("metric", "recall@k", {"k": 2})],
        question_sets=("all", "base"),
        base=base_of(ground),
        relevance=relevance,
        context_relevance=relevance,
        context=ground.context(ranking, top_k=top_k),
        top_k=top_k,
    )
    return load_scores(ground.do(task))


def test_retrieval_is_scored_as_counted_by_hand(make: Callable[..., Ground]) -> None:
    result = {name: numbers(scores) for name, scores in retrieval_scores(make(), top_k=2).items()}
    # Relevant chunks and those result: q0 {0} all, q1 {2, 3} one, q2 {4, 5} one, q3 {7} all; q4 has none to find.
    # Evidence result: 4 of 4, 10 of 20, 5 of 10, 2 of 2. Two chunks could hold it all.
    assert result["all"] == {
        "questions": (Fraction(5), 5),
        "recall@2": (Fraction(3, 4), 4),
        "context_document_hit": (Fraction(1), 4),
        "context_evidence": (Fraction(3, 4), 4),
        "context_evidence_ceiling": (Fraction(1), 4),
        "context_mean_words": (Fraction(9, 5), 5),
    }
    assert result["base"] == {
        "questions": (Fraction(4), 4),
        "recall@2": (Fraction(5, 6), 3),
        "context_document_hit": (Fraction(1), 3),
        "context_evidence": (Fraction(5, 6), 3),
        "context_evidence_ceiling": (Fraction(1), 3),
        "context_mean_words": (Fraction(7, 4), 4),
    }


def test_the_context_columns_count_what_the_reader_got(make: Callable[..., Ground]) -> None:
    result = numbers(retrieval_scores(make(), top_k=1)["all"])
    assert result["recall@2"] == (Fraction(3, 4), 4)
    # Of the first hits alone: q0 all, q1 another document, q2 half, q3 its document without the evidence.
    assert result["context_document_hit"] == (Fraction(3, 4), 4)
    assert result["context_evidence"] == (Fraction(3, 8), 4)
    # One chunk of 10 characters could hold: 4 of 4, 10 of 20, 5 of 10, 2 of 2.
    assert result["context_evidence_ceiling"] == (Fraction(3, 4), 4)
    assert result["context_mean_words"] == (Fraction(1), 5)


def test_where_no_question_has_evidence_there_is_a_reason(make_ground: Callable[..., Ground]) -> None:
    data = batch({"a": TEXT}, {"q0": ("yes", "test")}, [])
    fixed = {"retriever": [Component("fixed", lambda: Fixed(hits([[0, 1]])), "Fixed.")]}
    ground = make_ground([data], components=scripted_readers(voter=VOTER) | fixed)
    scores = retrieval_scores(ground, top_k=2)["all"]
    assert scores["context_evidence"] == Score(None, 0, "no question has evidence")
    assert scores["recall@2"].value is None and scores["recall@2"].reason


def test_a_metric_of_answers_is_not_asked_about_retrieval_alone(make: Callable[..., Ground]) -> None:
    ground = make()
    task = score_task(ground.bench.factory, ground.sample(), answer_metrics(), question_sets=("all",))
    assert numbers(load_scores(ground.do(task))["all"]) == {"questions": (Fraction(5), 5)}
