"""The reader encoder: its parameters, and with PyTorch a body that learns what its frozen vectors do not tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ragtally_encoder
from plugins.packaged_model import packaged_model
from ragtally.api import DataError, Examples, LossPoint, Reading, ResumableReader, TrainingSession, Vote

(COMPONENT,) = ragtally_encoder.register_readers()
VOTE = Vote("measure", 0, 11)
ANSWERS = ("yes", "no")
TOPICS = (
    "pain", "sleep", "fever", "cough", "anxiety", "fatigue", "nausea", "weight", "hearing", "vision", "memory",
    "appetite", "stiffness", "rash", "dizziness", "swelling",
)  # fmt: skip
# Nearly the same words, and the other answer: what a sentence is about tells nothing.
SENTENCES = {
    "yes": ("{} improved, and not by chance.", "there was no doubt that {} improved.", "{} did improve in the end."),
    "no": ("{} improved, but only by chance.", "there was doubt that {} improved.", "{} did not improve in the end."),
}


def given(**said: Any) -> dict[str, Any]:
    return {name: schema["default"] for name, schema in COMPONENT.params.items() if "default" in schema} | said


def build(**said: Any) -> ResumableReader:
    values = {name: value for name, value in given(**said).items() if name != "train"}
    reader: ResumableReader = COMPONENT.build(**values)
    return reader


def examples(topics: tuple[str, ...]) -> Examples:
    rows = [
        (f"Does it help {topic}?", [sentence.format(topic)], label)
        for topic in topics
        for label, sentences in SENTENCES.items()
        for sentence in sentences
    ]
    questions, passages, labels = zip(*rows, strict=True)
    ids = [f"q{row}" for row in range(len(rows))]
    return Examples(Reading(ids, list(questions), list(passages), ANSWERS), list(labels))


def test_wrong_parameters_are_told_before_any_work(tmp_path: Path) -> None:
    assert COMPONENT.check is not None and COMPONENT.fingerprint is not None
    assert COMPONENT.check(given()) == []
    (fault,) = COMPONENT.check(given(model="all-MiniLM"))
    assert fault.parameter == "model" and "owner/name" in str(fault.hint)
    (fault,) = COMPONENT.check(given(model="./here", revision="main"))
    assert fault.parameter == "revision"
    with pytest.raises(DataError, match="no such folder with a model"):
        COMPONENT.fingerprint(given(model=str(tmp_path / "nothing")))
    with pytest.raises(DataError, match=r"it has no modules\.json"):
        COMPONENT.fingerprint(given(model=str(tmp_path)))


@pytest.mark.slow  # Imports PyTorch and trains a model of 22 million parameters.
@pytest.mark.parametrize("method", ["contrastive", "end_to_end"])
def test_a_trained_body_is_better_than_its_frozen_vectors(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    own: dict[str, Any] = {"model": str(packaged_model()), "device": "cpu", "threads": 1, "max_tokens": 32}
    train, test = examples(TOPICS[:10]), examples(TOPICS[10:])
    points: list[LossPoint] = []
    session = TrainingSession(tmp_path, lambda point, steps: points.append(point))
    right = {}
    for name, settings in {"frozen": {}, method: {"epochs": 6, "rate": 1e-4, "patience": 3}}.items():
        reader = build(**own, method=name, **settings)
        reader.train_in(session, train, VOTE)
        (tmp_path / name).mkdir()
        reader.save(tmp_path / name)
        loaded = build(**own, method=name, **settings)
        loaded.load(tmp_path / name)
        choice = loaded.read(test.reading, VOTE).choice
        assert choice == reader.read(test.reading, VOTE).choice
        right[name] = np.mean(np.array(choice) == np.array(test.label))
    assert right[method] > right["frozen"] + 0.1, right
    assert points and all(point.train is not None and point.dev is not None for point in points)
    # Early stopping: no more than three epochs after the best one.
    assert len(points) <= 3 + min(range(len(points)), key=lambda row: points[row].dev or 0) + 1


@pytest.mark.slow
def test_of_a_text_that_is_too_long_either_end_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    own: dict[str, Any] = {"model": str(packaged_model()), "device": "cpu", "threads": 1, "method": "frozen"}
    context = " ".join([*["It rained."] * 40, "Pain was less than before."])
    question = "Does it help pain?"
    reading = Reading(["long", "short", "alone"], [question] * 3, [[context], ["No."], []], ANSWERS)
    for keep in (None, "end"):
        reader: Any = build(**own, max_tokens=24, keep=keep)
        body = reader._load(packaged_model(), "it")
        texts = reader._texts(body, reading)
        assert texts[1:] == [f"{question}\nNo.", question]
        encoded = body.tokenizer(texts[0], truncation=True, max_length=24)["input_ids"]
        seen = body.tokenizer.decode(encoded, skip_special_tokens=True)
        assert seen.startswith("does it help pain? ")
        assert seen.endswith("pain was less than before.") == (keep == "end")
        assert len(encoded) == 24


@pytest.mark.slow
def test_bad_input_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    own: dict[str, Any] = {"model": str(packaged_model()), "device": "cpu", "threads": 1}
    train = examples(TOPICS[:2])
    with pytest.raises(DataError, match="takes 512 tokens, not 600"):
        build(**own, max_tokens=600).train(train, VOTE)
    long = Examples(Reading(["q"] * 12, ["why so " * 40] * 12, train.reading.passages, ANSWERS), train.label)
    with pytest.raises(DataError, match="12 of 12 questions fill the window of 32 tokens"):
        build(**own, max_tokens=32, method="frozen").train(long, VOTE)
    with pytest.raises(DataError, match="'no' has 1 of 12 examples to learn from; it takes 2"):
        build(**own, method="frozen").train(Examples(train.reading, ["yes"] * 11 + ["no"]), VOTE)
    with pytest.raises(DataError, match="the loss is not a number any more"):
        build(**own, method="end_to_end", rate=1e20, head_rate=1e20, max_tokens=16).train(train, VOTE)
