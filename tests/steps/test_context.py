"""What stands before the reader under each condition."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ground import Ground
from ragtally.api import Choice, DataError, DatasetBatch, Reading
from ragtally.steps import Task
from ragtally.tables import (
    load_evidence,
    load_hits,
    load_passages,
    load_questions,
    load_reading,
    load_relevance,
    load_texts,
    load_words,
)
from toy_study import batch, toy_dataset


def reading(ground: Ground, task: Task, sample: Task | None = None) -> Reading:
    sample = sample or ground.sample()
    return load_reading(ground.do(task), ground.do(ground.dataset), ground.do(sample))


def words(ground: Ground, task: Task) -> list[int]:
    return load_words(ground.do(task)).tolist()


def test_gold_context_is_a_questions_own_documents_whole(
    make_ground: Callable[..., Ground], small: DatasetBatch
) -> None:
    ground = make_ground([small])
    task = ground.control("gold_context")
    result = reading(ground, task)
    texts = dict(zip(small.documents.id, small.documents.text, strict=True))
    assert list(result.id) == ["one", "two", "three"]
    assert list(result.question) == list(small.questions.text)
    assert result.answers == ("yes", "no", "maybe")
    assert [list(passages) for passages in result.passages] == [[texts["a"], texts["b"]], [texts["b"]], [texts["c"]]]
    assert words(ground, task) == [5 + 3, 3, 2]


def test_closed_book_is_nothing(make_ground: Callable[..., Ground], small: DatasetBatch) -> None:
    ground = make_ground([small])
    task = ground.control("closed_book")
    assert [list(passages) for passages in reading(ground, task).passages] == [[], [], []]
    assert words(ground, task) == [0, 0, 0]


def test_only_the_questions_wanted_are_read(make_ground: Callable[..., Ground], small: DatasetBatch) -> None:
    ground = make_ground([small])
    rows = load_questions(ground.do(ground.sample())).with_row_index("at")["at"].to_numpy()[[2, 0]]
    folders = [ground.do(task) for task in (ground.control("gold_context"), ground.dataset, ground.sample())]
    result = load_reading(*folders, rows)
    assert list(result.id) == ["three", "one"]
    assert [len(passages) for passages in result.passages] == [1, 2]
    bare = load_reading(None, *folders[1:], rows)
    assert [list(passages) for passages in bare.passages] == [[], []]


@pytest.mark.parametrize("seed", range(5))
def test_a_wrong_context_is_one_document_of_another_question(
    make_ground: Callable[..., Ground], small: DatasetBatch, seed: int
) -> None:
    ground = make_ground([small])
    own = {"one": {"a", "b"}, "two": {"b"}, "three": {"c"}}
    by_text = dict(zip(small.documents.text, small.documents.id, strict=True))
    result = reading(ground, ground.control("wrong_context", seed=seed))
    for name, passages in zip(result.id, result.passages, strict=True):
        (shown,) = (by_text[text] for text in passages)
        assert shown not in own[name]
        assert shown != "d"  # a distractor is nobody's context


def test_the_wrong_context_does_not_depend_on_what_else_is_asked(make_ground: Callable[..., Ground]) -> None:
    ground = make_ground(toy_dataset(20).given)

    def wrong(sample: Task) -> dict[str, str]:
        result = reading(ground, ground.control("wrong_context", sample), sample)
        return {name: passages[0] for name, passages in zip(result.id, result.passages, strict=True)}

    everybody, few = wrong(ground.sample()), wrong(ground.sample(size=6, seed=2))
    assert few.items() <= everybody.items()
    assert len(set(everybody.values())) > 5


def test_another_seed_is_another_wrong_context(make_ground: Callable[..., Ground]) -> None:
    ground = make_ground(toy_dataset(20).given)
    result = {str(reading(ground, ground.control("wrong_context", seed=seed)).passages) for seed in range(3)}
    assert len(result) == 3
    assert ground.control("gold_context", seed=1).address == ground.control("gold_context", seed=2).address


@pytest.mark.parametrize("condition", ["gold_context", "wrong_context"])
def test_a_question_without_evidence_has_no_gold_context(make_ground: Callable[..., Ground], condition: str) -> None:
    asked = {"one": ("yes", "test"), "two": ("no", "test")}
    ground = make_ground([batch({"a": "Text.", "b": "Text."}, asked, [("one", "a", 0, 3)])])
    with pytest.raises(DataError, match="question 'two' has no evidence"):
        ground.do(ground.control(condition))


def test_one_context_alone_has_no_wrong_one(make_ground: Callable[..., Ground]) -> None:
    asked = {"one": ("yes", "test"), "two": ("no", "test")}
    spans = [("one", "a", 0, 3), ("two", "a", 0, 3)]
    ground = make_ground([batch({"a": "Text.", "b": "Text."}, asked, spans)])
    with pytest.raises(DataError, match="no other question"):
        ground.do(ground.control("wrong_context"))


@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_retrieved_context_is_the_first_hits_in_their_order(make_ground: Callable[..., Ground], top_k: int) -> None:
    ground = make_ground(toy_dataset(12).given)
    hits_task = ground.hits(Choice("retriever", "shared_words"), 4)
    task = ground.context(hits_task, top_k=top_k)
    result = reading(ground, task)
    hits = load_hits(ground.do(hits_task)).passage
    texts = load_texts(ground.do(ground.dataset))
    pieces = [text[start : start + 60] for text in texts for start in range(0, len(text), 60)]
    expected = [[pieces[row] for row in rows[:top_k] if row >= 0] for rows in hits.tolist()]
    assert [list(passages) for passages in result.passages] == expected
    assert any(expected)
    assert words(ground, task) == [sum(len(text.split()) for text in passages) for passages in expected]


@pytest.mark.parametrize("budget", [1, 7, 25, 10_000])
def test_a_budget_of_words_is_filled_and_cut_behind_a_word(make_ground: Callable[..., Ground], budget: int) -> None:
    ground = make_ground(toy_dataset(12).given)
    hits_task = ground.hits(Choice("retriever", "shared_words"), 4)
    task = ground.context(hits_task, context_words=budget)
    whole = reading(ground, ground.context(hits_task, top_k=4)).passages
    for passages, ranked in zip(reading(ground, task).passages, whole, strict=True):
        expected = " ".join(ranked).split()[:budget]
        assert " ".join(passages).split() == expected
        assert all(ranked[row].startswith(passage) for row, passage in enumerate(passages))
    assert words(ground, task) == [min(budget, sum(len(text.split()) for text in ranked)) for ranked in whole]


@pytest.mark.parametrize("budget", [1, 3, 8, 10_000])
def test_the_passages_of_a_budget_are_judged_by_their_characters(
    make_ground: Callable[..., Ground], budget: int
) -> None:
    ground = make_ground(toy_dataset(12).given)
    hits_task = ground.hits(Choice("retriever", "shared_words"), 4)
    task = ground.context(hits_task, context_words=budget)
    passages = load_passages(ground.do(task)).rows()
    relevance = load_relevance(ground.do(ground.context_relevance(task)))
    evidence = load_evidence(ground.do(ground.sample()))
    texts = load_texts(ground.do(ground.dataset))
    for row in range(len(relevance)):
        own = evidence.question == row
        spans = list(zip(evidence.document[own], evidence.start[own], evidence.end[own], strict=True))
        settings = {(d, at) for d, start, end in spans for at in range(start, end)}
        shown = {(d, at) for question, d, start, end in passages if question == row for at in range(start, end)}
        assert relevance.covered[row, -1] == len(settings & shown)
        assert relevance.evidence_total[row] == len(settings)
        longest = sorted((len(w) + 1 for d, start, end in spans for w in texts[d][start:end].split()), reverse=True)
        assert relevance.coverable[row, -1] >= min(len(settings), sum(longest[:budget]) - len(longest[:budget]))
        assert relevance.covered[row, -1] <= relevance.coverable[row, -1] <= len(settings)
