"""Readers are held to their contract, and asked only what they are to be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ground import Ground, scripted_readers
from ragtally.api import Answers, Choice, DataError, DatasetBatch, PluginError, ReaderTraits, Reading, Vote
from ragtally.tables import load_answers, load_ballots, load_reading
from toy_study import choices, texts, toy_dataset

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
    ground = make_ground([small], components=scripted_readers(sloppy=lambda reading, vote: answers))
    task = ground.answers("sloppy")
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
    ground = make_ground([small], components=scripted_readers(any=lambda reading, vote: said))
    result = load_answers(ground.do(ground.answers("any")))
    assert result.to_dict(as_series=False) == {
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

    components = scripted_readers(voter={"one": "yes", "two": "yes", "three": "maybe"}, listener=listen)
    ground = make_ground([small], components=components)
    base = ground.base(ground.verdicts(["voter"]))
    task = ground.answers("listener", context=ground.control("gold_context"), base=base)
    assert load_answers(ground.do(task))["question"].to_list() == [0, 2]
    (reading,) = asked
    assert list(reading.id) == ["one", "three"]
    assert [len(passages) for passages in reading.passages] == [2, 1]


def test_a_slow_reader_reads_some_questions_at_once_and_a_kill_costs_those_alone(
    make_ground: Callable[..., Ground], small: DatasetBatch
) -> None:
    batches: list[list[str]] = []
    passages: list[int] = []

    def read(reading: Reading, vote: Vote) -> Answers:
        batches.append(list(reading.id))
        passages.extend(map(len, reading.passages))
        if len(batches) == 2:
            raise KeyboardInterrupt
        return replace(choices(["yes"] * len(reading)), seconds=[1.0] * len(reading))

    (fast, slow) = scripted_readers(fast=read, slow=read)["reader"]
    slow = replace(slow, traits=ReaderTraits(questions_at_once=1))
    ground = make_ground([small], components={"reader": [fast, slow]})
    task = ground.answers("slow", context=ground.control("gold_context"))
    with pytest.raises(KeyboardInterrupt):
        ground.do(task)
    in_pieces = ground.do(task)
    assert batches == [["one"], ["two"], ["two"], ["three"]]
    whole = ground.do(ground.answers("fast", context=ground.control("gold_context")))
    assert passages[-3:] == [passages[0], passages[1], passages[3]]
    assert (in_pieces / "answers.parquet").read_bytes() == (whole / "answers.parquet").read_bytes()


def test_a_reader_without_a_context_gets_no_passage_and_its_vote(
    make_ground: Callable[..., Ground], small: DatasetBatch
) -> None:
    heard: list[tuple[Reading, Vote]] = []

    def listen(reading: Reading, vote: Vote) -> Answers:
        heard.append((reading, vote))
        return choices(["yes"] * len(reading))

    ground = make_ground([small], components=scripted_readers(listener=listen))
    ground.do(ground.answers("listener", number=2))
    ((reading, vote),) = heard
    assert [list(passages) for passages in reading.passages] == [[], [], []]
    assert reading.answers == ("yes", "no", "maybe")
    assert vote == Vote("measure", 2, 102)


def test_a_trained_reader_reads_with_its_own_model(make_ground: Callable[..., Ground]) -> None:
    ground = make_ground(toy_dataset(24).given)
    examples = ground.sample(split="train")
    learner = Choice("reader", "learner", {"train": {"split": "train"}})
    gold = ground.control("gold_context", examples)
    model = ground.train(learner, Vote("measure", 0, 5), examples, gold)
    other = ground.train(learner, Vote("measure", 1, 6), examples, gold)
    said = [
        load_answers(ground.do(ground.answers("learner", model=task)))["choice"].to_list() for task in (model, other)
    ]
    assert said[0] != said[1]
    assert model.address != other.address


def test_examples_are_the_training_splits_questions_with_their_contexts(
    make_ground: Callable[..., Ground], small: DatasetBatch
) -> None:
    ground = make_ground([small])
    examples = ground.sample(split="train")
    gold = ground.do(ground.control("gold_context", examples))
    result = load_reading(gold, ground.do(ground.dataset), ground.do(examples))
    assert (list(result.id), [list(passage) for passage in result.passages]) == (["three"], [["Nobody knows."]])


def test_questions_without_labels_teach_nothing(make_ground: Callable[..., Ground]) -> None:
    ground = make_ground(toy_dataset(12, labelled=False).given)
    learner = Choice("reader", "learner", {"train": {"split": "train"}})
    gold = ground.control("gold_context")
    task = ground.train(learner, Vote("label", 0, 1), ground.sample(), gold)
    with pytest.raises(DataError, match="12 of 12 questions to learn from have no label") as caught:
        ground.do(task)
    assert caught.value.hint and "train" in caught.value.hint


def test_parse_reads_text_takes_choices_and_guesses_nothing(
    make_ground: Callable[..., Ground], small: DatasetBatch
) -> None:
    said = texts(["Answer: no", None, "who knows"])
    ground = make_ground([small], components=scripted_readers(any=lambda reading, vote: said))
    task = ground.ballots(ground.answers("any"))
    result = load_ballots(ground.do(task))
    assert result.to_dict(as_series=False) == {
        "question": [0, 1, 2],
        "ballot": ["no", None, None],
        "failed": [False, True, False],
        "reason": ["announced answer", None, "no answer among those declared"],
    }


def test_text_is_parsed_against_the_answers_that_count(
    make_ground: Callable[..., Ground], small: DatasetBatch
) -> None:
    ground = make_ground(
        [small], components=scripted_readers(any=lambda reading, vote: texts(["maybe"] * len(reading)))
    )
    narrow = ground.sample(answers=("yes", "no"))
    task = ground.ballots(ground.answers("any", sample=narrow), narrow)
    assert load_ballots(ground.do(task))["ballot"].to_list() == [None, None]
