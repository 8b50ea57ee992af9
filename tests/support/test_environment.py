"""Settings and keys come from the environment or `.env`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ragtally.api import DataError, Location
from ragtally.support.environment import environment, first_value


def test_the_nearest_env_file_up_to_the_repository_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "repository" / "specs" / "mine"
    deep.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    (tmp_path / ".env").write_text("OUTSIDE_API_KEY=outside")
    (tmp_path / "repository" / ".env").write_text("A_API_KEY='from root'\nOUTSIDE_API_KEY=\n")
    monkeypatch.chdir(deep)
    assert environment()["A_API_KEY"] == "from root"
    assert "OUTSIDE_API_KEY" not in environment()
    (deep.parent / ".env").write_text("A_API_KEY=nearer # comment\nB=${HOME}\n")
    assert environment()["A_API_KEY"] == "nearer"
    assert environment()["B"] == "${HOME}"
    assert "A_API_KEY" not in os.environ


def test_a_file_above_the_repository_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "repository"
    (inner / ".git").mkdir(parents=True)
    (tmp_path / ".env").write_text("A_API_KEY=outside")
    monkeypatch.chdir(inner)
    assert "A_API_KEY" not in environment()


def test_without_a_repository_only_the_folder_itself_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / ".env").write_text("A_API_KEY=here")
    monkeypatch.chdir(tmp_path)
    assert environment()["A_API_KEY"] == "here"
    monkeypatch.chdir(tmp_path / "inner")
    assert "A_API_KEY" not in environment()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_is_no_part_of_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    (tmp_path / ".env").write_text("A_API_KEY=é", encoding=encoding)
    monkeypatch.chdir(tmp_path)
    assert environment()["A_API_KEY"] == "é"


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_that_is_not_utf_8_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    (tmp_path / ".env").write_text("A_API_KEY=é", encoding=encoding)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="not UTF-8") as caught:
        environment()
    assert caught.value.location == Location(str(tmp_path / ".env"))


def test_the_process_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("A_API_KEY=file")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("A_API_KEY", "process")
    assert environment()["A_API_KEY"] == "process"


def test_the_first_variable_that_holds_something_counts() -> None:
    assert first_value(("A", "B", "C"), {"A": "", "B": "b", "C": "c"}) == "b"
    assert first_value(("A",), {}) is None
