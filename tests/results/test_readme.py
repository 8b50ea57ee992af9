"""The README explains every column and key of the result files, and none that there is not."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ragtally.plan.plan import VOTER_METRICS
from ragtally.steps import STEPS
from toy_study import SPEC, toy_registry
from workbench import Bench

README = Path(__file__).parents[2] / "runner" / "README.md"
FILES = (
    "dataset.json", "train.json", "voters.csv", "base.parquet", "base.json",
    "cells.csv", "metrics.json", "answers.parquet", "questions.parquet", "rankings.parquet", "passages.parquet",
    "comparisons.json", "timings.json",
)  # fmt: skip
METRIC = "(?:{})(?:@[0-9]+)?(?:\\[[^]]*\\])?".format("|".join((*VOTER_METRICS, "recall", "context_[a-z_]+")))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = SPEC.replace("size: [30, 60]", "size: 60").replace(
        "votes: [1, 3]", "votes: 2\n  context_words: 9\n  rule: {quorum: {k: 1}}"
    )
    return Bench(tmp_path_factory.mktemp("readme"), toy_registry()).run(text)


def table(heading: str) -> list[str]:
    """The first cell of each row of the table below a heading."""
    section = README.read_text(encoding="utf-8").split(f"\n### {heading} ", 1)[1].split("\n#", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert all(len(line.split("|", 2)[2].strip(" |")) > 5 for line in rows)
    return [line.split("`")[1] for line in rows]


def pattern(name: str) -> str:
    """A documented name as a pattern, in which words in capitals stand for many."""
    parts = re.split(r"\b(METRIC(?=_denominator)|[A-Z]{3,})\b|(METRIC)(?=_)", name)
    return "".join(
        METRIC if part == "METRIC" else ".+" if part.isupper() else re.escape(part) for part in parts if part
    )


def keys(value: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from keys(item, f"{above}{key}.")
        else:
            yield above + key


def names(path: Path) -> list[str]:
    if path.suffix == ".json":
        return list(keys(json.loads(path.read_text(encoding="utf-8"))))
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as handle:
            return next(csv.reader(handle))
    return list(pl.read_parquet_schema(path))


@pytest.mark.parametrize("file", FILES)
def test_every_column_and_key_is_explained(results: Path, file: str) -> None:
    documented = {name: pattern(name) for name in table(file)}
    found = names(results / file)
    assert found
    unexplained = [name for name in found if not any(re.fullmatch(known, name) for known in documented.values())]
    assert unexplained == []
    missing = [name for name, known in documented.items() if not any(re.fullmatch(known, other) for other in found)]
    assert missing == []


def test_every_result_file_is_explained(results: Path) -> None:
    assert {path.name for path in results.iterdir()} == set(FILES)
    headings = re.findall(r"^### (\S+) ", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == list(FILES)


def test_every_step_is_in_the_table_in_the_order_of_the_work() -> None:
    steps = README.read_text(encoding="utf-8").split("| step | reads | writes |", 1)[1].split("\n\n", 1)[0]
    assert re.findall(r"^\| `([a-z_]+)` \|", steps, re.MULTILINE) == list(STEPS)


def test_the_files_of_a_steps_row_are_those_that_it_writes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, toy_registry())
    plan = bench.plan()
    for task in (plan.dataset, plan.sample):
        folder = bench.do(task)
        (row,) = re.findall(rf"^\| `{task.step.name}` \|.*$", README.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(re.findall(r"`([a-z]+\.[a-z]+)`", row)) == {path.name for path in folder.iterdir()} - {
            "entry.json"
        }
