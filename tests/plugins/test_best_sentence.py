"""The reader `best_sentence` answers with a sentence as it stands in the passages, or abstains."""

from __future__ import annotations

import pytest

from ragtally.api import ABSTENTION, Choice, Reading, Vote
from ragtally.registry import load_registry


def answers(question: str, *passages: str, language: str = "en") -> str | None:
    registry = load_registry()
    sentences = registry.complete(Choice("chunker", "sentences", {"size": 1}))
    reader = registry.build(Choice("reader", "best_sentence", {"sentences": sentences, "language": language}))
    reading = Reading(["q"], [question], [list(passages)], ())
    (choice,) = reader.read(reading, Vote("measure", 0, 1)).choice
    return choice  # type: ignore[no-any-return]


def test_the_sentence_with_the_rarest_common_words_is_the_answer() -> None:
    passages = ("The town has a mill. The town lies on the Tarn.", "The town is old. The town is small.")
    assert answers("On which river does the town lies, the Tarn?", *passages) == "The town lies on the Tarn."


def test_of_equal_sentences_the_first_is_the_answer() -> None:
    assert answers("Where is Arden?", "Arden is north.", "Arden is south.") == "Arden is north."


@pytest.mark.parametrize("passages", [(), ("",), ("Nothing alike here.",)])
def test_it_abstains_where_nothing_is_like_the_question(passages: tuple[str, ...]) -> None:
    assert answers("Who founded Arden?", *passages) == ABSTENTION


def test_chinese_is_compared_by_signs() -> None:
    assert answers("北京在哪里？", "上海很大。北京在北方。", language="zh") == "北京在北方。"


@pytest.mark.parametrize("embedder", [{"lsa": {"dim": None, "stopwords": None}}, {"hashing": {"analyzer": "char"}}])
def test_sentences_are_compared_by_vectors(embedder: dict[str, object]) -> None:
    registry = load_registry()
    ((name, parameters),) = embedder.items()
    choices = {
        "sentences": registry.complete(Choice("chunker", "sentences", {"size": 1})),
        "language": "en",
        "embedder": registry.complete(Choice("embedder", name, {"seed": 1, **parameters})),  # type: ignore[dict-item]
    }
    reader = registry.build(Choice("reader", "best_sentence", choices))
    passages = [["The town has a mill. The town lies on the river Tarn."], ["It is. So."], []]
    answers = reader.read(Reading([*"abc"], ["On which river?"] * 3, passages, ()), Vote("measure", 0, 1))
    assert answers.choice[0] == "The town lies on the river Tarn."
    assert answers.choice[2] == ABSTENTION


def test_embedders_that_cannot_compare_sentences_are_refused() -> None:
    check = load_registry().get(Choice("reader", "best_sentence")).component.check
    assert check is not None
    assert check({"embedder": None}) == check({}) == []
    assert check({"embedder": Choice("embedder", "lsa", {"dim": None})}) == []
    assert "dim: null" in str(check({"embedder": Choice("embedder", "lsa", {"dim": 256})})[0].hint)
    assert "server" in check({"embedder": Choice("embedder", "litellm", {})})[0].message
