"""Keys stay out of texts."""

from __future__ import annotations

import json

import pytest

from ragtally.support.secrets import known_secrets, looks_secret, redact, redact_line


def test_known_keys_are_hidden_whole() -> None:
    values = {"A_API_KEY": 'odd"key\\value', "B_TOKEN": 'odd"key\\value-longer', "SHORT_KEY": "no", "HOME": "/at/x"}
    secrets = known_secrets(values)
    for key in (values["A_API_KEY"], values["B_TOKEN"]):
        for text in (f"sent {key} there", f"sent {json.dumps(key)} there"):
            cleaned = redact(text, secrets)
            assert "odd" not in cleaned and "longer" not in cleaned
    assert redact("no /at/x", secrets) == "no /at/x"


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
def test_what_looks_like_a_key_is_hidden_too(text: str) -> None:
    assert looks_secret(text)
    cleaned = redact(text, ())
    assert "[key hidden]" in cleaned
    assert not looks_secret(cleaned)


@pytest.mark.parametrize(
    "text", ["ollama_chat/llama3.1:8b", "http://127.0.0.1:11434/v1", "sk-learn", "a bearer of news", "gpt-5-mini"]
)
def test_ordinary_words_are_no_keys(text: str) -> None:
    assert not looks_secret(text)
    assert redact(text, ()) == text


def test_a_line_is_short_and_a_key_is_hidden_before_it_is_cut() -> None:
    line = redact_line("line one\n  a-secret-key " + "x" * 1000, ("a-secret-key",))
    assert line.startswith("line one [key hidden] x") and len(line) == 303
    assert "a-se" not in redact_line("x" * 292 + "a-secret-key", ("a-secret-key",))
