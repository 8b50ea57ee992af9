"""Readers are held to their contract, and asked only what they are to be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ground import Ground, given_readers
from made_up import choices, made_up_dataset, texts
from ragtally.api import Answers, Choice, DataError, DatasetBatch, PluginError, Reading, Vote
from ragtally.steps import base, context, parse, read, train

GOOD = choices(["yes", "no", "maybe"])
BROKEN = {
    "too few rows": (choices(["yes"]), "returned 1 rows of text, not one for each of 3"),
    "a short column": (replace(GOOD, choice=["yes"]), "1 rows of choice"),
    "too few seconds": (replace(GOOD, seconds=[1.0]), "1 rows of seconds"),
    "two of a row": (replace(GOOD, text=["yes", None, None]), "one of text, choice and error for 'one'"),
    "none of a row": (replace(GOOD, choice=["yes", "no", None]), "one of text, choice and error for 'three'"),
    "a choice outside": (choices(["yes", "Yes", "no"]), "chose 'Yes' for 'two', outside of the answers"),
    "no words": (texts(["yes", 7, "no"]), "strings as text, choice and error for 'two'"),  # type: ignore[list-item]
}


@pytest.mark.parametrize(("answers", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_contract_names_the_reader(
    make_ground: Callable[..., Ground], small: DatasetBatch, answers: Answers, message: str
) -> None:
    ground = make_ground([small], components=given_readers(sloppy=lambda reading, vote: answers))
    task = ground.read("sloppy")
    with pytest.raises(PluginError, match="the reader sloppy") as caught:
        ground.do(task)
    assert message in caught.value.message
    assert not ground.bench.store.complete("read", task.address)


def test_what_a_reader_says_is_kept_as_it_is(make_ground: Callable[..., Ground], small: DatasetBatch) -> None:
    said = Answers(
        ["Answer: no", None, None],
        [None, "yes", None],
        [None, None, "timed out"],
        input_tokens=[7, None, 3],
        dollars=[0.5, 0.0, None],
    )
    ground = make_ground([small], components=given_readers(any=lambda reading, vote: said))
    found = read.load_answers(ground.do(ground.read("any")))
    assert found.to_dict(as_series=False) == {
        "question": [0, 1, 2],
        "text": ["Answer: no", None, None],
        "choice": [None, "yes", None],
        "error": [None, None, "timed out"],
        "input_tokens": [7, None, 3],
        "output_tokens": [None] * 3,
        "seconds": [None] * 3,
        "dollars": [0.5, 0.0, None],
    }


def test_only_the_bases_questions_are_asked(make_ground: Callable[..., Ground], small: DatasetBatch) -> None:
    asked: list[Reading] = []

    def listen(reading: Reading, vote: Vote) -> Answers:
        asked.append(reading)
        return choices(["yes"] * len(reading))

    components = given_readers(voter={"one": "yes", "two": "yes", "three": "maybe"}, listener=listen)
    ground = make_ground([small], components=components)
    kept = base.task(ground.bench.factory, ground.sampled(), ground.verdicts(["voter"]), [], agree_with_gold=True)
    task = ground.read("listener", contexts=ground.control("gold_context"), kept=kept)
    assert read.load_answers(ground.do(task))["question"].to_list() == [0, 2]
    (reading,) = asked
    assert list(reading.id) == ["one", "three"]
    assert [len(passages) for passages in reading.passages] == [2, 1]


def test_a_reader_without_a_context_gets_no_passage_and_its_vote(
    make_ground: Callable[..., Ground], small: DatasetBatch
) -> None:
    heard: list[tuple[Reading, Vote]] = []

    def listen(reading: Reading, vote: Vote) -> Answers:
        heard.append((reading, vote))
        return choices(["yes"] * len(reading))

    ground = make_ground([small], components=given_readers(listener=listen))
    ground.do(ground.read("listener", number=2))
    ((reading, vote),) = heard
    assert [list(passages) for passages in reading.passages] == [[], [], []]
    assert reading.answers == ("yes", "no", "maybe")
    assert vote == Vote("measure", 2, 102)


def test_a_trained_reader_reads_with_its_own_model(make_ground: Callable[..., Ground]) -> None:
    ground = make_ground(made_up_dataset(24).given)
    factory, examples = ground.bench.factory, ground.sampled(split="train")
    learner = Choice("reader", "learner", {"train": {"split": "train"}})
    gold = ground.control("gold_context", examples)
    model = train.task(factory, ground.prepared, examples, gold, learner, Vote("measure", 0, 5))
    other = train.task(factory, ground.prepared, examples, gold, learner, Vote("measure", 1, 6))
    said = [
        read.load_answers(ground.do(ground.read("learner", model=task)))["choice"].to_list()
        for task in (model, other)
    ]
    assert said[0] != said[1]
    assert model.address != other.address


def test_examples_are_the_training_splits_questions_with_their_contexts(
    make_ground: Callable[..., Ground], small: DatasetBatch
) -> None:
    ground = make_ground([small])
    examples = ground.sampled(split="train")
    gold = ground.do(ground.control("gold_context", examples))
    found = context.load_reading(gold, ground.do(ground.prepared), ground.do(examples))
    assert (list(found.id), [list(shown) for shown in found.passages]) == (["three"], [["Nobody knows."]])


def test_questions_without_labels_teach_nothing(make_ground: Callable[..., Ground]) -> None:
    ground = make_ground(made_up_dataset(12, labelled=False).given)
    learner = Choice("reader", "learner", {"train": {"split": "train"}})
    gold = ground.control("gold_context")
    task = train.task(ground.bench.factory, ground.prepared, ground.sampled(), gold, learner, Vote("label", 0, 1))
    with pytest.raises(DataError, match="12 of 12 questions to learn from have no label") as caught:
        ground.do(task)
    assert caught.value.hint and "train" in caught.value.hint


def test_parse_reads_text_takes_choices_and_guesses_nothing(
    make_ground: Callable[..., Ground], small: DatasetBatch
) -> None:
    said = texts(["Answer: no", None, "who knows"])
    ground = make_ground([small], components=given_readers(any=lambda reading, vote: said))
    task = parse.task(ground.bench.factory, ground.sampled(), ground.read("any"))
    found = parse.load_ballots(ground.do(task))
    assert found.to_dict(as_series=False) == {
        "question": [0, 1, 2],
        "ballot": ["no", None, None],
        "failed": [False, True, False],
    }


def test_text_is_parsed_against_the_answers_that_count(
    make_ground: Callable[..., Ground], small: DatasetBatch
) -> None:
    ground = make_ground([small], components=given_readers(any=lambda reading, vote: texts(["maybe"] * len(reading))))
    narrow = ground.sampled(answers=("yes", "no"))
    task = parse.task(ground.bench.factory, narrow, ground.read("any", sampled=narrow))
    assert parse.load_ballots(ground.do(task))["ballot"].to_list() == [None, None]
