"""The reader specialist: it reads what is there, guesses where nothing is, and is saved without pickle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

import ragtally_specialist
import ragtally_synthetic
from ragtally.api import DataError, Examples, Reading, TrainableReader, Vote
from ragtally_specialist.logistic import fit

COMPONENT, _ = ragtally_specialist.register_readers()
FEATURES = ("tfidf", "counts", "char")
ANSWERS = ("yes", "no", "maybe")
PUBMEDQA = os.environ.get("RAGTALLY_PUBMEDQA")


class World(NamedTuple):
    """A made-up dataset, taken apart by split."""

    train: Examples
    test: Examples
    distractors: list[list[str]]


def vote(index: int) -> Vote:
    return Vote("measure", index, 100 + index)


def build(features: str = "tfidf") -> TrainableReader:
    return COMPONENT.build(features=features, regularisation=COMPONENT.params["regularisation"]["default"])


def examples(rows: Sequence[tuple[str, list[str], str]], answers: tuple[str, ...] = ANSWERS) -> Examples:
    ids = [f"q{row}" for row in range(len(rows))]
    asked, passages, labels = zip(*rows, strict=True) if rows else ((), (), ())
    return Examples(Reading(ids, list(asked), list(passages), answers), list(labels))


def before(one: Examples, passages: Sequence[Sequence[str]]) -> Reading:
    return Reading(one.reading.id, one.reading.question, passages, one.reading.answers)


@pytest.fixture(scope="module")
def world() -> World:
    defaults = {key: one["default"] for key, one in ragtally_synthetic._PARAMETERS.items() if "default" in one}
    dataset = ragtally_synthetic.register_datasets()[0].build(**{**defaults, "questions": 1200, "seed": 1})
    rows: dict[str, list[tuple[str, list[str], str]]] = {"train": [], "test": []}
    distractors = []
    for batch in dataset.batches():
        texts = dict(zip(batch.documents.id, batch.documents.text, strict=True))
        gold = dict(zip(batch.evidence.question, batch.evidence.document, strict=True))
        questions = batch.questions
        for name, text, label, split in zip(
            questions.id, questions.text, questions.label, questions.split, strict=True
        ):
            rows[split].append((text, [texts[gold[name]]], label))
            if split == "test":
                others = [texts.get(f"s{name[1:]}-{number}", "") for number in range(5)]
                distractors.append([other for other in others if other and other != texts[gold[name]]])
    return World(examples(rows["train"]), examples(rows["test"]), distractors)


@pytest.fixture(scope="module")
def members(world: World) -> list[TrainableReader]:
    trained = [build() for _ in range(3)]
    for index, reader in enumerate(trained):
        reader.train(world.train, vote(index))
    return trained


def accuracy(reader: TrainableReader, one: Examples, passages: Sequence[Sequence[str]]) -> float:
    said = reader.read(before(one, passages), vote(0)).choice
    return float(np.mean(np.array(said) == np.array(one.label)))


def majority_share(labels: Sequence[str]) -> float:
    return Counter(labels).most_common(1)[0][1] / len(labels)


def test_gold_context_is_read_and_everything_else_is_worth_less(world: World, members: list[TrainableReader]) -> None:
    gold = world.test.reading.passages
    majority = majority_share(world.test.label)
    halves = [[passage[: len(passage) // 2] for passage in context] for context in gold]
    beside = [[*own, *other[:2]] for own, other in zip(gold, world.distractors, strict=True)]
    at_gold, at_beside, at_half, at_distractors, at_wrong, at_nothing = (
        accuracy(members[0], world.test, passages)
        for passages in (gold, beside, halves, world.distractors, [*gold[5:], *gold[:5]], [[]] * len(gold))
    )
    assert at_gold > at_beside > majority + 0.08
    assert 0.7 < at_gold < 0.95
    assert at_half < at_beside
    assert at_distractors < majority + 0.02
    assert at_wrong == pytest.approx(majority, abs=0.02)
    assert at_nothing == majority


@pytest.mark.parametrize("features", FEATURES)
def test_every_kind_of_features_reads(world: World, features: str) -> None:
    reader = build(features)
    reader.train(world.train, vote(0))
    assert accuracy(reader, world.test, world.test.reading.passages) > majority_share(world.test.label) + 0.15


def test_votes_differ_and_three_are_no_worse_than_their_mean(world: World, members: list[TrainableReader]) -> None:
    said = [reader.read(world.test.reading, vote(0)).choice for reader in members]
    assert len({tuple(one) for one in said}) == 3
    majority = [Counter(ballots).most_common(1)[0][0] for ballots in zip(*said, strict=True)]
    labels = np.array(world.test.label)
    assert np.mean(np.array(majority) == labels) > np.mean([np.mean(np.array(one) == labels) for one in said]) - 0.01


def test_without_passages_it_answers_the_most_frequent_class_of_the_whole_training_split() -> None:
    rows = [("Does it heal?", ["It healed."], "no")] * 11 + [("Does it fall?", ["It fell."], "yes")] * 9
    for index in range(5):
        reader = build()
        reader.train(examples(rows), vote(index))
        nothing = Reading(["a", "b"], ["Does it heal?", "Why?"], [[], []], ANSWERS)
        assert reader.read(nothing, vote(index)).choice == ["no", "no"]


@pytest.mark.parametrize("passages", [[""], ["\n \n"], ["?!"], ["12 3.4"], ["é"], ["a"], ["", "It healed."]])
def test_odd_passages_are_answered(passages: list[str]) -> None:
    reader = build()
    rows = [("Does it heal?", ["It healed well."], "no"), ("Does it fall?", ["It fell."], "yes")] * 5
    reader.train(examples(rows), vote(0))
    for question in ("Does it heal?", "", "is it"):
        (choice,) = reader.read(Reading(["a"], [question], [passages], ANSWERS), vote(0)).choice
        assert choice in ANSWERS


@pytest.mark.parametrize(
    "rows",
    [
        [("Does it heal?", ["It healed."], "maybe")],
        [("Does it heal?", ["It healed."], "maybe"), ("Does it?", ["No."], "maybe")],
        [("Does it heal?", [], "maybe"), ("Does it?", [], "maybe"), ("", [""], "yes")],
    ],
    ids=["one example", "one class", "no passages"],
)
def test_little_to_learn_from_is_enough(rows: list[tuple[str, list[str], str]], tmp_path: Path) -> None:
    reader = build()
    reader.train(examples(rows), vote(0))
    reader.save(tmp_path)
    again = build()
    again.load(tmp_path)
    assert again.read(examples(rows).reading, vote(0)).choice == ["maybe"] * len(rows)


SAVE = """
import json, sys
from pathlib import Path
from ragtally.api import Examples, Reading, Vote
from ragtally_specialist.logistic import fit
from ragtally_specialist import register_readers
content = json.loads(sys.stdin.read())
reader = register_readers()[0].build(features=content["features"], regularisation=1.0)
reading = Reading(content["ids"], content["questions"], content["passages"], ("yes", "no", "maybe"))
reader.train(Examples(reading, content["labels"]), Vote("measure", 0, 100))
reader.save(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("features", FEATURES)
def test_what_is_saved_reads_back_and_is_always_the_same(features: str, world: World, tmp_path: Path) -> None:
    rows = list(
        zip(world.train.reading.question[:80], world.train.reading.passages[:80], world.train.label[:80], strict=True)
    )
    few = examples(rows)
    folders = [tmp_path / name for name in ("first", "loaded", "elsewhere")]
    for folder in folders:
        folder.mkdir()
    reader, again = build(features), build(features)
    reader.train(few, vote(0))
    reader.save(folders[0])
    again.load(folders[0])
    again.save(folders[1])
    assert again.read(world.test.reading, vote(0)) == reader.read(world.test.reading, vote(0))
    files = [[*folder.iterdir()] for folder in folders[:2]]
    assert [file.name for file in files[0]] == [file.name for file in files[1]] == ["member.npz"]
    assert files[0][0].read_bytes() == files[1][0].read_bytes()
    with ZipFile(files[0][0]) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    if features == "tfidf":
        content = {"features": features, "ids": few.reading.id, "questions": few.reading.question}
        content |= {"passages": few.reading.passages, "labels": few.label}
        command = [sys.executable, "-c", SAVE, str(folders[2])]
        environment = {**os.environ, "PYTHONHASHSEED": "7"}
        subprocess.run(command, input=json.dumps(content), text=True, check=True, env=environment)
        assert (folders[2] / "member.npz").read_bytes() == files[0][0].read_bytes()


def _absent(file: Path) -> None:
    file.unlink()


def _halved(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _emptied(file: Path) -> None:
    file.write_bytes(b"")


def _another_object(file: Path) -> None:
    np.savez(file, answers=np.array(["yes"]), features=np.array("tfidf"))


def _one_array(file: Path) -> None:
    file.write_bytes(b"")
    with file.open("wb") as stream:
        np.save(stream, np.zeros(3))


def _another_shape(file: Path) -> None:
    with np.load(file) as archive:
        content = dict(archive)
    np.savez(file, **{**content, "gram": np.zeros((2, 2))})


def _foreign_code(file: Path) -> None:
    with np.load(file) as archive:
        content = dict(archive)
    np.savez(file, **{**content, "answers": np.array([os.path.join], dtype=object)}, allow_pickle=True)


@pytest.mark.parametrize(
    "damage",
    [_absent, _halved, _emptied, _another_object, _one_array, _another_shape, _foreign_code],
    ids=lambda one: one.__name__,
)
def test_a_file_that_is_no_member_is_named(damage: Callable[[Path], None], tmp_path: Path) -> None:
    reader = build()
    reader.train(examples([("Does it heal?", ["It healed."], "no")] * 4), vote(0))
    reader.save(tmp_path)
    damage(tmp_path / "member.npz")
    with pytest.raises(DataError) as error:
        build().load(tmp_path)
    assert error.value.location.file == str(tmp_path / "member.npz")
    assert error.value.hint


def test_wrong_use_is_told(tmp_path: Path) -> None:
    reader = build()
    with pytest.raises(DataError, match="before it was trained"):
        reader.read(Reading([], [], [], ANSWERS), vote(0))
    with pytest.raises(DataError, match="nothing to save"):
        reader.save(tmp_path)
    with pytest.raises(DataError, match="no example"):
        reader.train(examples([]), vote(0))
    with pytest.raises(DataError, match="labelled 'perhaps', which is none of the answers yes, no, maybe"):
        reader.train(examples([("Does it?", [], "perhaps")]), vote(0))
    reader.train(examples([("Does it?", ["Yes."], "yes")] * 3), vote(0))
    with pytest.raises(DataError, match="trained for the answers yes, no, maybe, but is asked for yes, no"):
        reader.read(Reading(["a"], ["Does it?"], [[]], ("yes", "no")), vote(0))


@pytest.mark.skipif(not PUBMEDQA, reason="RAGTALLY_PUBMEDQA names no folder with the data set")
def test_real_abstracts_are_read_no_worse_than_guessed() -> None:
    folder = Path(PUBMEDQA or "")
    records: dict[str, Any] = json.loads((folder / "ori_pqal.json").read_text(encoding="utf-8"))
    test_ids = json.loads((folder / "test_ground_truth.json").read_text(encoding="utf-8"))
    split: dict[bool, list[tuple[str, list[str], str]]] = {True: [], False: []}
    for name, one in records.items():
        split[name in test_ids].append((one["QUESTION"], ["\n".join(one["CONTEXTS"])], one["final_decision"]))
    reader = build()
    reader.train(examples(split[False]), vote(0))
    tested = examples(split[True])
    assert accuracy(reader, tested, tested.reading.passages) > 0.53
    said = Counter(reader.read(tested.reading, vote(0)).choice)
    assert said["no"] > 50
    wrong = [*tested.reading.passages[5:], *tested.reading.passages[:5]]
    assert accuracy(reader, tested, wrong) == pytest.approx(0.552, abs=0.02)


@pytest.mark.parametrize("answers", [2, 3])
def test_a_regression_says_what_scikit_learn_says(answers: int) -> None:
    generator = np.random.default_rng(answers)
    inputs, labels = generator.normal(size=(60, 4)), generator.integers(answers, size=60) * 2
    theirs = LogisticRegression(C=3.0, max_iter=1000).fit(inputs, labels).predict_proba(inputs)
    ours = fit(inputs, labels, C=3.0)
    assert ours.classes.tolist() == sorted(set(labels.tolist()))
    np.testing.assert_allclose(ours.chances(inputs), theirs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.chances(csr_array(inputs)), theirs, rtol=0, atol=1e-12)


def test_reading_needs_no_scikit_learn(tmp_path: Path) -> None:
    reader = build()
    reader.train(examples([("Does it heal?", ["It healed."], "no"), ("Do I hurt?", ["I hurt."], "yes")] * 4), vote(0))
    reader.save(tmp_path)
    (choice,) = reader.read(Reading(["a"], ["Do I hurt?"], [["I hurt."]], ANSWERS), vote(0)).choice
    code = (
        "import sys; from pathlib import Path; from ragtally.api import Reading, Vote; import ragtally_specialist;"
        "component, _ = ragtally_specialist.register_readers();"
        "reader = component.build(features='tfidf', regularisation=1.0); reader.load(Path(sys.argv[1]));"
        "reading = Reading(['a'], ['Do I hurt?'], [['I hurt.']], ('yes', 'no', 'maybe'));"
        "print(reader.read(reading, Vote('measure', 0, 1)).choice, 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"[{choice!r}] False"
