"""The reader classifier: declared parts, models as scikit-learn fits them, choices made on training folds alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC

import ragtally_specialist
from ragtally.api import DataError, Examples, Reading, ReportingReader, Vote
from ragtally_lsa.model import LatentSemanticAnalysis
from ragtally_specialist import classifiers
from ragtally_specialist.classifiers import Boosting, Setting, fit, from_arrays, to_arrays
from ragtally_specialist.options import DEFAULT_PARTS
from ragtally_specialist.parts import parts_of
from ragtally_specialist.selection import tune_offsets, value_of

_, COMPONENT = ragtally_specialist.register_readers()
ANSWERS = ("yes", "no", "maybe")
BOOSTING = Boosting(trees=12, depth=2, seed=3)
TEXT = "Aim one. Methods here\nWe gave drugs to rats. Weight was less. No rat died\nMice ate. All mice lived."


def options(**changes: Any) -> dict[str, Any]:
    defaults = {name: schema.get("default") for name, schema in COMPONENT.params.items()} | {"seed": 4} | changes
    return {name: value for name, value in defaults.items() if name != "train"}


def reading(rows: int, seed: int = 0) -> Examples:
    """Made-up examples: the word after `was` tells the answer, three times in four."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(3, size=rows, p=[0.6, 0.25, 0.15])
    signs = np.where(generator.random(rows) < 0.75, labels, generator.integers(3, size=rows))
    words = generator.integers(60, size=(rows, 8))
    ends = ("higher", "not higher", "unclear")
    passages = [
        [" ".join(f"w{word}" for word in of_one) + f".\nThe rate was {ends[sign]}."]
        for of_one, sign in zip(words.tolist(), signs.tolist(), strict=True)
    ]
    questions = [f"Does w{of_one[0]} raise the rate?" for of_one in words.tolist()]
    return Examples(
        Reading([f"q{row}" for row in range(rows)], questions, passages, ANSWERS),
        [ANSWERS[label] for label in labels.tolist()],
    )


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"text": "question"}, "Do rats weigh less?"),
        ({}, f"{TEXT}\nMore."),
        ({"first_sentences": 2}, "Aim one.\nMethods here"),
        ({"last_sentences": 2}, "All mice lived.\nMore."),
        ({"first_paragraphs": 1}, "Aim one. Methods here"),
        ({"last_paragraphs": 2}, "Mice ate. All mice lived.\nMore."),
        ({"matching_sentences": 1}, "We gave drugs to rats."),
    ],
    ids=str,
)
def test_a_part_is_one_piece_of_question_or_context(part: Mapping[str, Any], text: str) -> None:
    (own,) = parts_of({"part": part})
    assert own.texts(Reading(["q"], ["Do rats weigh less?"], [[TEXT, "More."]], ANSWERS)) == [text]
    expected = "Do rats weigh less?" if own.of_question else ""
    assert own.texts(Reading(["q"], ["Do rats weigh less?"], [[]], ANSWERS)) == [expected]


def matrix(rows: int = 60, classes: int = 3) -> tuple[csr_array, NDArray[np.int64]]:
    generator = np.random.default_rng(5)
    labels = generator.integers(classes, size=rows)
    dense = generator.random((rows, 200)) * (generator.random((rows, 200)) < 0.1)
    dense[np.arange(rows), labels] += generator.random(rows)
    return csr_array(dense), labels


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("model", ["logistic", "svm", "naive_bayes", "boosting"])
def test_models_give_the_probabilities_of_scikit_learn_after_they_were_saved(
    model: str, balanced: bool, classes: int
) -> None:
    inputs, labels = matrix(classes=classes)
    weight = (len(labels) / (classes * np.bincount(labels)))[labels] if balanced else np.ones(len(labels))
    oracle = {
        "logistic": LogisticRegression(C=2.0, max_iter=5000, tol=1e-8),
        "svm": CalibratedClassifierCV(LinearSVC(C=2.0, max_iter=5000, tol=1e-8), cv=3, ensemble=False),
        "naive_bayes": MultinomialNB(alpha=0.5),
        "boosting": GradientBoostingClassifier(
            n_estimators=12, max_depth=2, max_features="sqrt", subsample=0.5, random_state=3
        ),
    }[model].fit(inputs, labels, sample_weight=weight)
    setting = Setting((), model, 2.0, balanced, False, BOOSTING if model == "boosting" else None)
    fitted = from_arrays(to_arrays(fit(inputs, labels, setting)))
    exact = model in ("naive_bayes", "boosting")
    assert fitted.chances(inputs) == pytest.approx(oracle.predict_proba(inputs), abs=1e-9 if exact else 0.01)


@pytest.mark.parametrize("model", ["logistic", "svm"])
def test_rotated_columns_give_the_same_model(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, labels = matrix()
    setting = Setting((), model, 1.0, balanced=True, thresholds=False)
    rotated = fit(inputs, labels, setting)
    monkeypatch.setattr(classifiers, "_ROTATE_UP_TO", 0)
    assert rotated.chances(inputs) == pytest.approx(fit(inputs, labels, setting).chances(inputs), abs=0.01)


def test_values_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(1)
    labels, decisions = generator.integers(3, size=(2, 200))
    accuracy, macro_f1 = (labels == decisions).mean(), f1_score(labels, decisions, average="macro")
    assert value_of(decisions, labels, 3, "accuracy") == pytest.approx(accuracy)
    assert value_of(decisions, labels, 3, "macro_f1") == pytest.approx(macro_f1)
    assert value_of(decisions, labels, 3, "both") == pytest.approx((accuracy + macro_f1) / 2)


def test_thresholds_are_moved_only_where_that_helps() -> None:
    scores = np.log([[0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.55, 0.45]])
    right = scores.argmax(axis=1)
    assert tune_offsets(scores, right, "accuracy").tolist() == [0, 0]
    labels = np.array([0, 0, 1, 1])
    moved = (scores + tune_offsets(scores, labels, "macro_f1")).argmax(axis=1)
    assert moved.tolist() == labels.tolist()


def trained(examples: Examples, **changes: Any) -> Any:
    reader = COMPONENT.build(**options(**changes))
    reader.train(examples, Vote("measure", 0, 9))
    return reader


def accuracy(reader: Any, examples: Examples) -> float:
    answers = reader.read(examples.reading, Vote("measure", 0, 9)).choice
    return float(np.mean([answer == label for answer, label in zip(answers, examples.label, strict=True)]))


GRID = {"regularisation": [0.001, 10.0], "parts": [["question"], ["end"]]}


def test_the_grid_finds_what_tells_and_says_so() -> None:
    examples = reading(90)
    reader = trained(examples, grid=GRID, folds=3, outer_folds=2)
    assert isinstance(reader, ReportingReader)
    chosen, estimate = reader.report()["chosen"], reader.report()["estimate"]
    assert chosen["parts"] == ["end"]
    assert accuracy(reader, reading(200, seed=1)) > 0.7
    assert 0.3 < estimate["accuracy"]["low"] < estimate["accuracy"]["value"] < estimate["accuracy"]["high"] < 1
    assert reader.report()["cross_validation"]["settings"] == 4


def test_trees_are_chosen_too_and_what_a_model_does_not_look_at_is_no_choice() -> None:
    grid = {"model": ["logistic", "boosting"], "regularisation": [1e-6, 1e-5], "trees": [1, 9], "depth": [1, 2]}
    report = trained(reading(90), grid=grid, folds=3).report()
    assert report["cross_validation"]["settings"] == 2 + 4
    assert report["chosen"]["model"] == "boosting"
    assert report["chosen"]["trees"] in (1, 9) and report["chosen"]["depth"] in (1, 2)


@pytest.mark.slow
def test_the_score_of_the_choice_flatters_where_nothing_is_to_be_learnt_and_the_nested_estimate_does_not() -> None:
    examples = reading(60)
    chance = np.random.default_rng(3).permutation(examples.label).tolist()
    reader = trained(Examples(examples.reading, chance), grid=GRID, folds=3, outer_folds=3, choose_by="accuracy")
    assert isinstance(reader, ReportingReader)
    chosen, estimate = reader.report()["cross_validation"]["accuracy"], reader.report()["estimate"]["accuracy"]
    share = max(chance.count(label) for label in set(chance)) / len(chance)
    assert estimate["value"] < chosen and estimate["low"] < share


@pytest.mark.parametrize(
    "changes",
    [{"grid": GRID, "thresholds": "tuned", "folds": 2}, {"bootstrap": True}, {"model": "boosting", "trees": 5}],
)
def test_the_same_seed_gives_the_same_bytes(changes: dict[str, Any], tmp_path: Path) -> None:
    examples = reading(60)
    files = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        trained(examples, **changes).save(tmp_path / name)
        files.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert files[0] == files[1] and files[0].keys() == {"model.npz", "model.json"}


def test_vectors_are_those_of_any_embedder_and_come_back_from_disk(tmp_path: Path) -> None:
    examples = reading(60)
    parts = {"end": {"last_sentences": 1, "features": "vectors"}, "cues": {"features": "cues", "weight": 0.5}}
    embedder = LatentSemanticAnalysis(4, None, None, 0)
    reader = trained(examples, parts=parts, embedder=embedder)
    reader.save(tmp_path)
    other = COMPONENT.build(**options(parts=parts, embedder=LatentSemanticAnalysis(4, None, None, 0)))
    other.load(tmp_path)
    assert accuracy(other, examples) == accuracy(reader, examples) > 0.6


def test_too_few_of_a_class_for_the_folds_are_told_with_what_to_write() -> None:
    examples = reading(60)
    rare = [row for row, label in enumerate(examples.label) if label != "maybe"]
    rows = [*rare, *[row for row, label in enumerate(examples.label) if label == "maybe"][:3]]
    columns = {
        name: [getattr(examples.reading, name)[row] for row in rows] for name in ("id", "question", "passages")
    }
    few = Examples(replace(examples.reading, **columns), [examples.label[row] for row in rows])
    with pytest.raises(DataError, match="there are 3 of 'maybe' to learn from, too few for 5 folds") as error:
        trained(few, thresholds="tuned")
    assert "folds: 3" in (error.value.hint or "")
    assert accuracy(trained(few), few) > 0.6
    with pytest.raises(DataError, match="calibrated on 3 folds, and a class has 1"):
        trained(Examples(few.reading, ["yes", *["no"] * (len(few) - 1)]), model="svm")


@pytest.mark.parametrize(
    ("changes", "parameter", "message"),
    [
        ({"parts": {"a": {"first_sentences": 1, "last_sentences": 1}}}, "parts.a", "not both first_sentences and"),
        ({"parts": {"a": {"features": "cues", "ngrams": [1, 2]}}}, "parts.a.ngrams", "cues have no n-grams"),
        ({"parts": {"a": {"ngrams": [3, 1]}}}, "parts.a.ngrams", "the shortest n-gram comes first"),
        ({"parts": {"a": {"text": "question", "matching_sentences": 1}}}, "parts.a", "matches itself"),
        ({"parts": {"a": {"features": "vectors"}}}, "embedder", "no embedder makes them"),
        ({"embedder": object()}, "embedder", "nothing to embed"),
        ({"parts": {"a": {"features": "cues"}}, "model": "naive_bayes"}, "model", "may be negative"),
        ({"grid": {"parts": [["question", "ende"]]}}, "grid.parts.0", "names the part 'ende'"),
        ({"outer_folds": 1}, "outer_folds", "one fold leaves nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_options_that_do_not_fit_together(changes: dict[str, Any], parameter: str, message: str) -> None:
    assert COMPONENT.check is not None
    (fault,) = COMPONENT.check(options(**changes))
    assert fault.parameter == parameter and message in fault.message and fault.hint
    assert COMPONENT.check(options(parts=DEFAULT_PARTS)) == []
