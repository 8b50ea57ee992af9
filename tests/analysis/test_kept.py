"""A verdict that was written is taken for a new one exactly while it would come out the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from ragtally.analysis import Analysis, keep_verdict, kept_verdict
from ragtally.analysis import cache as kept
from ragtally.results import Results, load_results
from ragtally.results.load import RESULT_FILES


@pytest.fixture
def beside(results: Results, verdict: Analysis, tmp_path: Path) -> Path:
    """The results with their verdict, to be changed."""
    copied = tmp_path / "results"
    shutil.copytree(results.folder, copied)
    keep_verdict(verdict, load_results(copied), copied)
    return copied


def test_what_is_read_back_equals_what_was_judged(verdict: Analysis, beside: Path) -> None:
    assert kept_verdict(beside) == verdict


@pytest.mark.parametrize("name", RESULT_FILES)
def test_other_results_want_another_verdict(beside: Path, name: str) -> None:
    path = beside / name
    path.write_bytes(path.read_bytes() + b"\n")
    assert kept_verdict(beside) is None
    path.unlink()
    assert kept_verdict(beside) is None


def test_other_code_and_other_libraries_want_another_verdict(beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(kept, "_LIBRARIES", ("numpy", "polars"))
        assert kept_verdict(beside) is None
    with monkeypatch.context() as patched:
        patched.setattr(kept, "_JUDGING", ("stats",))
        assert kept_verdict(beside) is None
    with monkeypatch.context() as patched:
        patched.setattr(kept, "find_spec", lambda module: None)
        assert kept_verdict(beside) is None
    assert kept_verdict(beside) is not None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"rests_on": null}', pytest.param(None, id="of an older version")]
)
def test_a_file_that_is_no_verdict_is_none(beside: Path, text: str | None) -> None:
    path = beside / "verdict.json"
    told = json.loads(path.read_bytes())
    del told["chosen"]
    path.write_text(json.dumps(told) if text is None else text, encoding="utf-8")
    assert kept_verdict(beside) is None
    path.unlink()
    assert kept_verdict(beside) is None


def test_a_verdict_on_other_results_is_not_taken(results: Results, verdict: Analysis, beside: Path) -> None:
    cells = beside / "cells.csv"
    cells.write_bytes(pl.read_csv(cells, infer_schema_length=None).reverse().write_csv().encode())
    keep_verdict(verdict, results, beside)
    assert kept_verdict(beside) is None
