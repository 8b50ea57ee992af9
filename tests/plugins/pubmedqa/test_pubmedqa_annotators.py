"""The reader `pubmedqa_annotators`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import ragtally_pubmedqa
from ragtally.api import Choice, DataError, Reader, Reading, Vote
from ragtally.registry import Registry
from sample_pubmedqa import (
    labeled_records,
    place_of,
    write,
)

VOTE = Vote("measure", 0, 0)


@pytest.mark.parametrize(
    ("setting", "condition", "answers"),
    [
        ("reasoning_required", "gold_context", ["no", "no", "no"]),
        ("reasoning_free", "conclusion", ["maybe", "yes", "no"]),
    ],
)
def test_annotators_answer_from_the_record(
    folder: Path, registry: Registry, setting: str, condition: str, answers: list[str]
) -> None:
    choice = Choice("reader", "pubmedqa_annotators", {"setting": setting, "path": None})
    traits = registry.traits(choice)
    assert (traits.draws, traits.condition, traits.trains) == ("fixed", condition, False)
    reader = registry.build(choice)
    assert isinstance(reader, Reader)
    reading = Reading(["102", "100", "101"], ["?"] * 3, [[]] * 3, ("yes", "no", "maybe"))
    for vote in (VOTE, Vote("label", 4, 9)):
        read = reader.read(reading, vote)
        assert list(read.choice) == answers
        assert list(read.text) == list(read.error) == [None] * 3
    assert registry.identity(choice)["parameters"] == {"setting": setting}


def read_annotators(identifiers: list[str], answers: tuple[str, ...] = ("yes", "no", "maybe")) -> Any:
    reader = ragtally_pubmedqa.build_annotators("reasoning_free", None)
    return reader.read(Reading(identifiers, ["?"] * len(identifiers), [[]] * len(identifiers), answers), VOTE)


def test_a_question_without_a_recorded_answer_is_no_answer(folder: Path) -> None:
    records = labeled_records()
    del records["100"]["reasoning_free_pred"]
    records["101"]["reasoning_free_pred"] = None
    write(folder / "ori_pqal.json", records)
    read = read_annotators(["100", "101", "elsewhere", "103"])
    assert list(read.error) == ["no recorded answer"] * 3 + [None]
    assert list(read.choice) == [None, None, None, "yes"]


def test_an_answer_that_the_study_does_not_declare_is_raw_text(folder: Path) -> None:
    read = read_annotators(["102", "100"], answers=("yes", "no"))
    assert list(read.text) == ["maybe", None]
    assert list(read.choice) == [None, "yes"]
    assert list(read.error) == [None, None]


def test_a_recorded_answer_that_is_none(folder: Path) -> None:
    records = labeled_records()
    records["104"]["reasoning_free_pred"] = "unsure"
    path = write(folder / "ori_pqal.json", records)
    with pytest.raises(DataError, match="the reasoning_free_pred of 104 is 'unsure'") as caught:
        read_annotators(["100"])
    assert caught.value.location is not None
    assert caught.value.location.line == place_of(path, "unsure").line
    write(path, {"1": []})
    with pytest.raises(DataError, match="the record 1 must be an object"):
        read_annotators(["100"])


def test_annotators_need_the_records_only(folder: Path) -> None:
    parameters = {"setting": "reasoning_free", "path": None}
    before = ragtally_pubmedqa.fingerprint_annotators(parameters)
    (folder / "test_ground_truth.json").unlink()
    assert ragtally_pubmedqa.fingerprint_annotators(parameters) == before
    (folder / "ori_pqal.json").unlink()
    with pytest.raises(DataError, match="missing"):
        ragtally_pubmedqa.fingerprint_annotators(parameters)
