"""Keys stay out of texts."""

from __future__ import annotations

import base64
import json
import string
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.support.secrets import MASK, known_secrets, looks_secret, redact, redact_line


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
        "http://token@host/v1",
        "http://host/v1?api_key=abc",
        "https://host/v1?model=x&access_token=abc#top",
        "https://host/v1?X-Amz-Signature=abc",
        "AIza" + "x" * 35,
    ],
)
def test_what_looks_like_a_key_is_hidden_too(text: str) -> None:
    assert looks_secret(text)
    cleaned = redact(text, ())
    assert "[key hidden]" in cleaned
    assert not looks_secret(cleaned)


@pytest.mark.parametrize(
    "text",
    [
        "ollama_chat/llama3.1:8b",
        "http://127.0.0.1:11434/v1",
        "sk-learn",
        "a bearer of news",
        "gpt-5-mini",
        "https://host/v1?model=a&top_k=3",
        "me@host",
        "is it key=value?",
    ],
)
def test_ordinary_words_are_no_keys(text: str) -> None:
    assert not looks_secret(text)
    assert redact(text, ()) == text


@given(key=st.text(string.ascii_letters + string.digits + '-_+/=.~é"\\ ', min_size=12).filter(str.strip))
@pytest.mark.parametrize(
    "form",
    [
        lambda key: json.dumps(key)[1:-1],
        lambda key: "".join(f"\\u{ord(sign):04x}" for sign in key),
        lambda key: "".join(f"\\u{ord(sign):04X}" if number % 3 else sign for number, sign in enumerate(key)),
        lambda key: "".join(f"\\\\u{ord(sign):04x}" for sign in key),
        lambda key: urllib.parse.quote(key, safe=""),
        lambda key: "".join(f"%{byte:02x}" for byte in key.encode()),
    ],
)
def test_an_escaped_key_is_hidden(form: Callable[[str], str], key: str) -> None:
    assert redact(f"({form(key)})", known_secrets({"A_KEY": key})) == f"({MASK})"


@given(key=st.text(string.ascii_letters + string.digits, min_size=16), before=st.binary(), after=st.binary())
def test_little_of_a_key_in_base64_is_left(key: str, before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + key.encode() + after).decode()
    cleaned = redact(encoded, known_secrets({"A_KEY": key}))
    assert MASK in cleaned
    assert len(encoded) - len(cleaned) + len(MASK) >= len(key) * 4 // 3 - 6


def test_a_line_is_short_and_a_key_is_hidden_before_it_is_cut() -> None:
    line = redact_line("line one\n  a-secret-key " + "x" * 1000, ("a-secret-key",))
    assert line.startswith("line one [key hidden] x") and len(line) == 303
    assert "a-se" not in redact_line("x" * 292 + "a-secret-key", ("a-secret-key",))
