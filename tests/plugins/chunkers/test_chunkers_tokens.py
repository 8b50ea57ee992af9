"""Chunks of tokens: as many as asked for, no character lost or cut in two, whatever the tokenizer does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from ragtally.api import DataError, Documents, SpecError
from ragtally_chunkers import register_chunkers

COMPONENTS = {component.name: component for component in register_chunkers()}
TOKENS = COMPONENTS["tokens"]


def bytes_tokenizer() -> Tokenizer:
    """Each byte is a token, white space included."""
    alphabet = {letter: row for row, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    made = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return made


def words_tokenizer() -> Tokenizer:
    """Each word between white space is a token."""
    made = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return made


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("tokenizers")
    made = {"bytes": bytes_tokenizer(), "words": words_tokenizer()}
    for name, tokenizer in made.items():
        tokenizer.save(str(folder / f"{name}.json"))
    return {name: str(folder / f"{name}.json") for name in made}


def documents(*texts: str) -> Documents:
    return Documents([str(row) for row in range(len(texts))], texts, [[]] * len(texts), [[]] * len(texts))


def split(tokenizer: str, *texts: str, size: int, overlap: int = 0) -> list[list[str]]:
    """The chunks of each text."""
    spans = TOKENS.build(tokenizer=tokenizer, size=size, overlap=overlap).split(documents(*texts))
    rows = list(zip(spans.document.tolist(), spans.start.tolist(), spans.end.tolist(), strict=True))
    assert rows == sorted(rows)
    return [[text[start:end] for row, start, end in rows if row == number] for number, text in enumerate(texts)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab c.\n"), max_size=30), max_size=4), st.integers(1, 5), st.integers(0, 4))
def test_where_words_are_the_tokens_the_chunks_are_those_of_words(
    files: dict[str, str], texts: list[str], size: int, overlap: int
) -> None:
    overlap = min(overlap, size - 1)
    spans = COMPONENTS["words"].build(size=size, overlap=overlap).split(documents(*texts))
    found = TOKENS.build(tokenizer=files["words"], size=size, overlap=overlap).split(documents(*texts))
    for name in ("document", "start", "end"):
        assert getattr(found, name).tolist() == getattr(spans, name).tolist()
        assert getattr(found, name).dtype == getattr(spans, name).dtype


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("ab \n\u200b\u3000é🧬漢\x00"), max_size=25), st.integers(1, 9), st.integers(0, 8))
def test_no_character_is_lost_and_no_chunk_has_more_tokens(
    files: dict[str, str], text: str, size: int, overlap: int
) -> None:
    overlap = min(overlap, size - 1)
    spans = TOKENS.build(tokenizer=files["bytes"], size=size, overlap=overlap).split(documents(text))
    covered: set[int] = set()
    for start, end in zip(spans.start.tolist(), spans.end.tolist(), strict=True):
        chunk = text[start:end]
        assert chunk and chunk == chunk.strip()
        covered |= set(range(start, end))
        # A character that begins in the chunk before may be whole in this one.
        assert len(chunk[1:].encode()) < size + (len(chunk[:1].encode()) == 1)
    assert {location for location, letter in enumerate(text) if not letter.isspace()} <= covered
    assert len(set(zip(spans.start.tolist(), spans.end.tolist(), strict=True))) == len(spans)


def test_a_character_of_several_tokens_is_in_the_chunk_of_the_last(files: dict[str, str]) -> None:
    assert split(files["bytes"], "a🧬b", size=1) == [["a", "🧬", "b"]]
    assert split(files["bytes"], "a🧬b", size=2) == [["a", "🧬b"]]
    assert split(files["bytes"], "a🧬b", size=5) == [["a🧬", "b"]]
    assert split(files["bytes"], "a🧬b", size=3, overlap=2) == [["a", "🧬", "🧬b"]]


def test_what_the_tokenizer_ignores_is_in_a_chunk_all_the_same(tmp_path: Path) -> None:
    tokenizer = words_tokenizer()
    tokenizer.normalizer = normalizers.Replace("#", "")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    texts = ("# a ## b # c #", "###", "", " \n")
    assert split(str(tmp_path), *texts, size=1) == [["# a ##", "b #", "c #"], ["###"], [], []]


def test_truncation_and_padding_of_the_file_do_not_count(files: dict[str, str], tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(files["words"])
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=9)
    tokenizer.save(str(tmp_path / "short.json"))
    assert split(str(tmp_path / "short.json"), "a b c d e", "f", size=2) == [["a b", "c d", "e"], ["f"]]


def test_the_fingerprint_is_of_the_content(files: dict[str, str], tmp_path: Path) -> None:
    def fingerprint(path: str) -> str | None:
        assert TOKENS.fingerprint is not None
        return TOKENS.fingerprint({"tokenizer": path, "size": 1, "overlap": 0})

    (tmp_path / "tokenizer.json").write_bytes(Path(files["bytes"]).read_bytes())
    assert fingerprint(str(tmp_path)) == fingerprint(files["bytes"]) != fingerprint(files["words"])
    assert TOKENS.params["tokenizer"]["x-ragtally-identity"] is False


@pytest.mark.parametrize(("content", "message"), [(None, "no such tokenizer"), ("{}", "cannot read the tokenizer")])
def test_a_tokenizer_that_is_missing_or_damaged_is_named(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "tokenizer.json"
    if content:
        path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        TOKENS.build(tokenizer=str(path), size=4, overlap=0)
    assert str(caught.value.location) == str(path) and "tokenizer.json" in (caught.value.hint or "")


def test_a_window_that_does_not_move_is_refused(files: dict[str, str]) -> None:
    with pytest.raises(SpecError, match="tokens"):
        TOKENS.build(tokenizer=files["words"], size=4, overlap=4)
