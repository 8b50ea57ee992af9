"""The Parquet form."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ragtally.api import Location
from sample_pubmedqa import (
    FILES,
    failure,
    fingerprint,
    read_all,
    record,
    write,
    write_parquet,
)


@pytest.mark.parametrize("subset", ["artificial", "unlabeled"])
@pytest.mark.parametrize("way", ["folder", "parent", "file"])
def test_parquet_reads_as_json_does(subset: str, way: str, workspace: Path) -> None:
    records = {str(n): record(n, "no" if n % 2 else "yes") for n in range(1, 12)}
    if subset == "unlabeled":
        for one in records.values():
            del one["final_decision"]
    json_file = write(workspace / "json" / FILES[subset], records)
    parquet = write_parquet(workspace / f"pqa_{subset}" / "train-00000-of-00001.parquet", records)
    given = {"folder": parquet.parent, "parent": workspace, "file": parquet}[way]
    assert read_all(subset, given) == read_all(subset, json_file)
    assert fingerprint(subset, given) != fingerprint(subset, json_file)


def test_parquet_parts_are_read_in_order(workspace: Path) -> None:
    write_parquet(workspace / "pqa_artificial" / "train-00001-of-00002.parquet", {"3": record(3)})
    write_parquet(workspace / "pqa_artificial" / "train-00000-of-00002.parquet", {"1": record(1), "2": record(2)})
    assert list(read_all("artificial", workspace).questions.id) == ["1", "2", "3"]


def test_a_parquet_part_that_is_missing(workspace: Path) -> None:
    path = write_parquet(workspace / "pqa_artificial" / "train-00001-of-00002.parquet", {"3": record(3)})
    for given in (workspace, path):
        assert "there are 1 of the 2 parts" in failure("artificial", given).message


def test_a_parquet_question_that_is_repeated(workspace: Path) -> None:
    write_parquet(workspace / "pqa_artificial" / "train-00000-of-00002.parquet", {"1": record(1)})
    second = write_parquet(
        workspace / "pqa_artificial" / "train-00001-of-00002.parquet", {"2": record(2), "1": record(1)}
    )
    error = failure("artificial", workspace)
    assert error.message == "row 2: the pubid 1 is given twice"
    assert error.location == Location(str(second))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("QUESTION", None, "row 2: the question of 2 must be text, not null"),
        ("CONTEXTS", [], "row 2: the contexts of 2 are empty"),
        ("CONTEXTS", ["text", None], "row 2: the contexts of 2 must be a list of texts"),
        ("final_decision", "maybe", "row 2: the final_decision of 2 is 'maybe': it must be yes or no"),
    ],
)
def test_a_parquet_row_that_is_wrong(workspace: Path, key: str, value: object, message: str) -> None:
    records = {"1": record(1), "2": {**record(2), key: value}}
    path = write_parquet(workspace / "pqa_artificial" / "train-00000-of-00001.parquet", records)
    assert failure("artificial", path).message == message


@pytest.mark.parametrize("column", ["pubid", "question", "context", "final_decision"])
def test_a_parquet_column_that_is_missing(workspace: Path, column: str) -> None:
    path = write_parquet(workspace / "a.parquet", {"1": record(1)}, {column: "renamed"})
    assert failure("artificial", path).message == f"it has no column {column}"


def test_a_parquet_context_of_another_form(workspace: Path) -> None:
    frame = pl.DataFrame({"pubid": [1], "question": ["Q"], "context": ["text"], "final_decision": ["yes"]})
    frame.write_parquet(workspace / "a.parquet")
    assert "its column context must hold lists of text" in failure("artificial", "a.parquet").message


@pytest.mark.parametrize("keep", [0, 10, 600])
def test_a_parquet_file_that_is_cut(workspace: Path, keep: int) -> None:
    path = write_parquet(workspace / "a.parquet", {str(n): record(n) for n in range(1, 9)})
    path.write_bytes(path.read_bytes()[:keep])
    error = failure("artificial", path)
    assert error.message.startswith("cannot read it as Parquet")
    assert error.location == Location(str(path))
