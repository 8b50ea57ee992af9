"""A written analysis is taken for a new one exactly while it would come out the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from ragtally.analysis import Analysis, cache, read_analysis, write_analysis
from ragtally.results import Results, load_results
from ragtally.results.load import LOADED_FILES


@pytest.fixture
def beside(results: Results, analysis: Analysis, tmp_path: Path) -> Path:
    """The results with their analysis, to be changed."""
    copy = tmp_path / "results"
    shutil.copytree(results.folder, copy)
    write_analysis(analysis, load_results(copy), copy)
    return copy


def test_what_is_read_back_equals_what_was_written(analysis: Analysis, beside: Path) -> None:
    assert read_analysis(beside) == analysis


def test_it_is_read_without_what_is_slow_to_load(beside: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ragtally.analysis import read_analysis;"
        f" assert read_analysis(Path({str(beside)!r})); print([name for name in ('scipy', 'sklearn', 'haystack')"
        " if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # the made-up metrics are hashed as well
    finished = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "[]"


@pytest.mark.parametrize("name", LOADED_FILES)
def test_other_results_need_another_analysis(beside: Path, name: str) -> None:
    path = beside / name
    path.write_bytes(path.read_bytes() + b"\n")
    assert read_analysis(beside) is None
    path.unlink()
    assert read_analysis(beside) is None


def test_other_code_and_other_libraries_need_another_analysis(beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(cache, "_LIBRARIES", ("numpy", "polars"))
        assert read_analysis(beside) is None
    with monkeypatch.context() as patch:
        patch.setattr(cache, "_CODE", ("analysis",))
        assert read_analysis(beside) is None
    with monkeypatch.context() as patch:
        patch.setattr(cache, "find_spec", lambda module: None)
        assert read_analysis(beside) is None
    assert read_analysis(beside) is not None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"inputs": null}', pytest.param(None, id="of an older version")]
)
def test_a_file_that_is_not_an_analysis_is_none(beside: Path, text: str | None) -> None:
    path = beside / "analysis.json"
    data = json.loads(path.read_bytes())
    del data["chosen_cell"]
    path.write_text(json.dumps(data) if text is None else text, encoding="utf-8")
    assert read_analysis(beside) is None
    path.unlink()
    assert read_analysis(beside) is None


def test_an_analysis_of_other_results_is_not_taken(results: Results, analysis: Analysis, beside: Path) -> None:
    cells = beside / "cells.csv"
    cells.write_bytes(pl.read_csv(cells, infer_schema_length=None).reverse().write_csv().encode())
    write_analysis(analysis, results, beside)
    assert read_analysis(beside) is None
