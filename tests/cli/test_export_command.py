"""`ragtally export`, on answers made by hand."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from ragtally.api import DataError, RagtallyError
from ragtally.cli.export import command
from ragtally.store.calls import FILE_NAME, CallStore
from sample_calls import SMALL, sample_call, sample_reply
from sample_results import of_base_only, results_of, written


@pytest.fixture
def root(tmp_path: Path) -> Path:
    results = results_of({"whole": "ynyn", "gaps": "y-yn"}, labels="yyyn", ids=["11", "12", "13", "14"], base="+.+.")
    written(results, tmp_path)
    return tmp_path


def export(root: Path, *words: str) -> Result:
    ended = CliRunner().invoke(command, [*words, "--results", str(root)] if words[0] != "calls" else list(words))
    if isinstance(ended.exception, RagtallyError):
        raise ended.exception
    assert ended.exit_code == 0, ended.output
    return ended


def read(content: bytes, form: str) -> pl.DataFrame:
    reader = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[form]
    frame: pl.DataFrame = reader(io.BytesIO(content))
    return frame


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_answers_are_those_of_the_results_in_every_format(root: Path, form: str) -> None:
    whole = pl.read_parquet(root / "made" / "answers.parquet")
    found = read(export(root, "answers", "made", "--format", form).stdout_bytes, form)
    assert found.columns == whole.columns
    plain = [name for name in whole.columns if name not in ("ballots", "errors", "question")]
    assert found.select(plain).rows() == whole.select(plain).rows()
    ballots = found["ballots"].to_list()
    assert [json.loads(cell) if form == "csv" else cell for cell in ballots] == whole["ballots"].to_list()


FORMULAS = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "-1", "+3.5", "yes = no", "", "'=1"]
GUARDED = ["'=1+1", "'+cmd", "'-2+3", "'@SUM(A1)", "'\t=1", "-1", "+3.5", "yes = no", "", "'=1"]


@pytest.mark.parametrize(
    ("words", "form", "expected"),
    [([], "csv", GUARDED), (["--formulas"], "csv", FORMULAS), ([], "jsonl", FORMULAS), ([], "parquet", FORMULAS)],
)
def test_a_spreadsheet_does_not_run_what_a_dataset_says(
    tmp_path: Path, words: list[str], form: str, expected: list[str]
) -> None:
    results = results_of({"one": "y" * len(FORMULAS)}, labels="y" * len(FORMULAS), ids=FORMULAS)
    written(results, tmp_path)
    content = export(tmp_path, "answers", "made", "--format", form, *words).stdout_bytes
    if form == "csv":
        assert [row["question"] for row in csv.DictReader(io.StringIO(content.decode()))] == expected
    else:
        assert read(content, form)["question"].to_list() == expected


def test_a_file_is_written_whole(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "base.csv"
    printed = export(root, "base", "made", "--out", str(out))
    assert printed.stdout == ""
    assert list(csv.reader(io.StringIO(out.read_text()))) == [
        ["id", "label", "label_kind"],
        ["11", "yes", "gold"],
        ["13", "yes", "gold"],
    ]
    assert [path.name for path in out.parent.iterdir()] == ["base.csv"]


def test_only_some_cells(root: Path) -> None:
    found = read(export(root, "answers", "made", "--cell", "gaps").stdout_bytes, "csv")
    assert found["cell"].unique().to_list() == ["gaps"]
    with pytest.raises(RagtallyError, match="no cell of made"):
        export(root, "answers", "made", "--cell", "nothing like it")


def test_the_leaderboard_has_the_form_of_pubmedqa(root: Path) -> None:
    found = json.loads(export(root, "leaderboard", "made", "--cell", "whole").stdout)
    assert found == {"11": "yes", "12": "no", "13": "yes", "14": "no"}


def test_a_question_without_a_verdict_is_named_and_nothing_is_written(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "predictions.json"
    with pytest.raises(DataError, match=r"1 of 4 questions have no verdict of gaps \(0 of them.*\): 12"):
        export(root, "leaderboard", "made", "--cell", "gaps", "--out", str(out))
    assert not out.exists()


def test_a_cell_that_was_asked_the_base_alone_makes_no_leaderboard(tmp_path: Path) -> None:
    written(of_base_only(results_of({"a": "yyy"}, base="+..", ids=["11", "12", "13"])), tmp_path)
    with pytest.raises(DataError, match=r"2 of 3 .*\(2 of them it was not asked\): 12, 13") as caught:
        export(tmp_path, "leaderboard", "made", "--cell", "a")
    assert "grid_on: all" in str(caught.value)


def test_a_leaderboard_takes_one_cell(root: Path) -> None:
    with pytest.raises(RagtallyError, match="2 cells match"):
        export(root, "leaderboard", "made", "--cell", "*")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_calls_are_those_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setenv("RAGTALLY_STORE", str(tmp_path / "store"))
    calls = CallStore(tmp_path / "store" / FILE_NAME)
    made = sample_call(1)
    calls.record(made, sample_reply("yes, <b>surely</b>"), SMALL, 0.0)
    calls.close()
    out = tmp_path / f"calls.{form}"
    export(tmp_path, "calls", "--format", form, "--out", str(out))
    found = read(out.read_bytes(), form)
    assert found["key"].to_list() == [made.key]
    assert found["text"].to_list() == ["yes, <b>surely</b>"]
    if form == "jsonl":
        assert export(tmp_path, "calls", "--format", form).stdout_bytes == out.read_bytes()


def test_a_base_becomes_a_dataset_only_where_the_study_was_run(root: Path, tmp_path: Path) -> None:
    dataset = json.loads((root / "made" / "dataset.json").read_text(encoding="utf-8"))
    del dataset["addresses"]
    (root / "made" / "dataset.json").write_text(json.dumps(dataset), encoding="utf-8")
    with pytest.raises(RagtallyError, match=r"another version of ragtally wrote it: .*addresses"):
        export(root, "base", "made", "--dataset", str(tmp_path / "kept"))
    words = ["base", "made", "--dataset", "kept", "--out", "file", "--results", str(root)]
    both = CliRunner().invoke(command, words)
    assert both.exit_code == 2 and "cannot be given together" in both.output
