"""The doctor says what a study of one's own files lacks, and the command that fixes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import ragtally_table.doctor
from command_line import in_process
from sample_table import COLUMNS, parameters, write_study


def findings(params: Mapping[str, Any]) -> dict[str, tuple[bool, str | None]]:
    return {one.what: (one.ok, one.remedy) for one in ragtally_table.doctor.findings(params)}


def test_what_is_there(tmp_path: Path) -> None:
    found = findings(write_study(tmp_path, "agb.pdf", "haus.docx"))
    assert found == {
        f"6 questions in {tmp_path}/fragen.xlsx": (True, None),
        "1 file named .docx, read by docx": (True, None),
        "1 file named .pdf, read by pypdf": (True, None),
    }


def test_documents_alone(tmp_path: Path) -> None:
    params = write_study(tmp_path, "notiz.txt")
    found = findings({**params, "questions": None, "columns": None})
    assert found == {"1 file named .txt, read by plain_text": (True, None)}


def test_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = write_study(tmp_path, "haus.docx", "notiz.txt")
    (tmp_path / "docs" / "a.xyz").write_text("x")

    def distribution(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", distribution)
    found = findings(params)
    assert found["1 file named .docx needs python-docx, not installed here"] == (
        False,
        "pip install 'ragtally[documents]'",
    )
    assert found["no converter reads 1 file named .xyz"][0] is False
    assert findings({**params, "on_unreadable": "skip"})[
        "1 file named .xyz, which no converter reads, will be left out and counted"
    ] == (True, None)


def test_files_that_are_not_there_and_a_column_that_is_not(tmp_path: Path) -> None:
    found = findings(parameters(tmp_path / "q.xlsx", tmp_path / "docs"))
    assert [ok for ok, _ in found.values()] == [False, False]
    assert all(str(tmp_path) in what and remedy for what, (_, remedy) in found.items())
    params = write_study(tmp_path, "notiz.txt")
    found = findings({**params, "columns": COLUMNS | {"question": "Fragen"}})
    (what,) = [what for what, (ok, _) in found.items() if not ok]
    assert "Fragen!row 1" in what
    assert "did you mean 'Frage'" in str(found[what][1])


def test_the_command_tells_of_the_list_of_names_too(tmp_path: Path) -> None:
    write_study(tmp_path, "notiz.txt")
    table = {"questions": "fragen.xlsx", "columns": {"question": "Frage"}, "documents": "docs"}
    spec = {
        "study": "mine",
        "dataset": {"table": {**table, "redact": {"names": "people.txt", "phones": None}}},
        "grid": {"chunker": ["sections"], "retriever": ["bm25"], "top_k": [1]},
    }
    (tmp_path / "s.yaml").write_text(json.dumps(spec), encoding="utf-8")
    outcome = in_process(tmp_path, "doctor", "s.yaml")
    assert outcome.code == 2
    assert "missing  redact: people.txt: the list of names cannot be read" in outcome.out
    (tmp_path / "people.txt").write_text("Ana\n", encoding="utf-8")
    outcome = in_process(tmp_path, "doctor", "s.yaml")
    assert "ok       redact: all that it needs is there" in outcome.out
    assert "1 file named .txt, read by plain_text" in outcome.out
