"""Keys come from the environment or `.env`, and stay out of texts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ragtally_litellm.keys import environment, first_value, known_secrets, looks_secret, without_secrets


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


def test_the_process_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("A_API_KEY=file")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("A_API_KEY", "process")
    assert environment()["A_API_KEY"] == "process"


def test_the_first_variable_that_holds_something_counts() -> None:
    assert first_value(("A", "B", "C"), {"A": "", "B": "b", "C": "c"}) == "b"
    assert first_value(("A",), {}) is None


def test_known_keys_are_blotted_out_whole() -> None:
    values = {"A_API_KEY": 'odd"key\\value', "B_TOKEN": 'odd"key\\value-longer', "SHORT_KEY": "no", "HOME": "/at/x"}
    secrets = known_secrets(values)
    for key in (values["A_API_KEY"], values["B_TOKEN"]):
        for text in (f"sent {key} there", f"sent {json.dumps(key)} there"):
            cleaned = without_secrets(text, secrets)
            assert "odd" not in cleaned and "longer" not in cleaned
    assert without_secrets("no /at/x", secrets) == "no /at/x"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefghijkl",
        "sk-proj-abcdefghijklmnop1234",
        "gsk_abcdefghijklmnop1234",
        "http://me:secret@host/v1",
        "AIza" + "x" * 35,
    ],
)
def test_what_looks_like_a_key_is_blotted_out_too(text: str) -> None:
    assert looks_secret(text)
    cleaned = without_secrets(text, ())
    assert "[key hidden]" in cleaned
    assert not looks_secret(cleaned)


@pytest.mark.parametrize(
    "text", ["ollama_chat/llama3.1:8b", "http://127.0.0.1:11434/v1", "sk-learn", "a bearer of news", "gpt-5-mini"]
)
def test_ordinary_words_are_no_keys(text: str) -> None:
    assert not looks_secret(text)
    assert without_secrets(text, ()) == text
