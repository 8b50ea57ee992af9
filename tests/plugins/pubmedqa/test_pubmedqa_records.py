"""Records that are not in the published form, in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragtally.api import DataError, Location
from sample_pubmedqa import (
    FILES,
    failure,
    labeled_records,
    place_of,
    record,
    write,
)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("QUESTION", None, "the question of 104 must be text, not null"),
        ("QUESTION", 7, "the question of 104 must be text, not of type int"),
        ("QUESTION", " ", "the question of 104 must be text"),
        ("QUESTION", "\ud800", "the question of 104 must be text"),
        ("CONTEXTS", [], "the contexts of 104 are empty"),
        ("CONTEXTS", ["", " \n"], "the contexts of 104 are empty"),
        ("CONTEXTS", "one text", "the contexts of 104 must be a list of texts"),
        ("CONTEXTS", ["text", None], "the contexts of 104 must be a list of texts"),
        ("final_decision", "perhaps", "the final_decision of 104 is 'perhaps': it must be yes, no or maybe"),
        ("final_decision", "Yes", "the final_decision of 104 is 'Yes'"),
        ("final_decision", None, "the final_decision of 104 is None"),
        ("final_decision", ["yes"], r"the final_decision of 104 is \['yes'\]"),
    ],
)
def test_a_wrong_field_is_named_with_its_place(folder: Path, key: str, value: object, message: str) -> None:
    records = labeled_records()
    records["104"][key] = value
    path = folder / "ori_pqal.json"
    path.write_text(json.dumps(records, indent=4))
    error = failure()
    with pytest.raises(DataError, match=message):
        raise error
    (line,) = [
        n
        for n, text in enumerate(path.read_text().splitlines(), start=1)
        if f'"{key}"' in text and n > place_of(path, '"104"').line  # type: ignore[operator]
    ][:1]
    assert error.location == Location(str(path), line, 9)
    assert "`ragtally fetch pubmedqa`" in (error.hint or "")


@pytest.mark.parametrize("key", ["QUESTION", "CONTEXTS", "final_decision"])
def test_a_record_without_a_needed_key(folder: Path, key: str) -> None:
    records = labeled_records()
    del records["104"][key]
    write(folder / "ori_pqal.json", records)
    error = failure()
    assert error.message == f"the record 104 has no {key}"
    assert error.location == place_of(folder / "ori_pqal.json", '"104"')


def test_a_record_that_is_no_object(folder: Path) -> None:
    write(folder / "ori_pqal.json", {**labeled_records(), "106": None})
    assert failure().message == "the record 106 must be an object, not null"


def test_maybe_is_no_answer_of_the_artificial_subset(workspace: Path) -> None:
    path = write(workspace / FILES["artificial"], {"1": record(1, "maybe")})
    assert "it must be yes or no" in failure("artificial", path).message


def test_a_repeated_question_is_no_silent_replacement(workspace: Path) -> None:
    path = workspace / FILES["artificial"]
    one = json.dumps(record(1))
    path.write_text(f'{{"1": {one},\n "2": {one},\n  "1": {one}}}')
    error = failure("artificial", path)
    assert error.message == "the key '1' is given twice"
    assert error.location == Location(str(path), 3, 3)


def test_a_test_question_that_is_not_there(folder: Path) -> None:
    write(folder / "test_ground_truth.json", {"103": "yes", "999": "no", "998": "no"})
    error = failure()
    assert "2 test questions are not among the records of ori_pqal.json; the first is 999" in error.message
    assert error.location == place_of(folder / "test_ground_truth.json", '"999"')


def test_a_test_answer_that_disagrees(folder: Path) -> None:
    write(folder / "test_ground_truth.json", {"100": "yes", "101": "yes"})
    error = failure()
    assert error.message == "the test answer of 101 is 'yes', but its final_decision in ori_pqal.json is 'no'"
    assert error.location == place_of(folder / "test_ground_truth.json", '"101"')


@pytest.mark.parametrize("answer", ["Yes", None, 1, ["yes"], {"a": 1}])
def test_a_test_answer_that_is_none(folder: Path, answer: object) -> None:
    write(folder / "test_ground_truth.json", {"100": answer})
    error = failure()
    assert "the answer of 100 is" in error.message
    assert error.location == Location(str(folder / "test_ground_truth.json"), 2, 5)
