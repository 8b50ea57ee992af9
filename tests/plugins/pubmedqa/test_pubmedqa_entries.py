"""The streaming JSON reader against the standard one, with pieces so small that everything is cut somewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ragtally_pubmedqa.entries
from ragtally.api import DataError, Location
from ragtally_pubmedqa.entries import JsonEntries

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(st.text(), values, min_size=1, max_size=4)


@pytest.fixture(autouse=True, params=[1, 7, 1 << 20], ids=["1 byte", "7 bytes", "1 MiB"], scope="module")
def _piece(request: pytest.FixtureRequest) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ragtally_pubmedqa.entries, "_PIECE_BYTES", request.param)
        yield


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json") / "data.json"


def failure(path: Path, content: bytes) -> DataError:
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(JsonEntries(path, "do this"))
    assert caught.value.hint == "do this"
    return caught.value


@given(
    value=objects,
    indent=st.sampled_from([None, 0, 4]),
    ascii_only=st.booleans(),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_reads_what_the_standard_reader_reads(
    path: Path, value: dict[str, Any], indent: int | None, ascii_only: bool, mark: str
) -> None:
    path.write_text(mark + json.dumps(value, indent=indent, ensure_ascii=ascii_only) + "\n", encoding="utf-8")
    assert list(JsonEntries(path, "")) == list(value.items())


@given(value=objects, data=st.data(), indent=st.sampled_from([None, 4]))
def test_a_file_cut_anywhere_is_an_error(
    path: Path, value: dict[str, Any], data: st.DataObject, indent: int | None
) -> None:
    whole = json.dumps(value, indent=indent, ensure_ascii=False).encode()
    failure(path, whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(before=objects, indent=st.sampled_from([None, 4]))
def test_places_are_those_of_the_text(path: Path, before: dict[str, Any], indent: int | None) -> None:
    before = {f"a{key}": value for key, value in before.items()}
    text = json.dumps({**before, "SOUGHT": {"inside": 1, "WRONG": 2}, "after": 3}, indent=indent, ensure_ascii=False)
    path.write_text(text, encoding="utf-8", newline="")
    entries = JsonEntries(path, "")

    def expected(sought: str) -> Location:
        head = text[: text.rindex(sought)]
        return Location(str(path), head.count("\n") + 1, len(head) - head.rfind("\n"))

    for key, _ in entries:
        if key == "SOUGHT":
            assert entries.location() == expected('"SOUGHT"')
            assert entries.location("WRONG") == expected('"WRONG"')
            assert entries.location("not there") == expected('"SOUGHT"')


@pytest.mark.parametrize(
    ("content", "message", "line", "column"),
    [
        (b"", "it holds nothing", 1, 1),
        (b" \n ", "it holds nothing", 2, 2),
        (b'\n["a"]', "it holds a list", 2, 1),
        (b'"a"', "it holds a string", 1, 1),
        (b"null", "it holds null", 1, 1),
        (b"%", "it holds no JSON", 1, 1),
        (b"{ }", "the JSON object is empty", 1, 3),
        (b'{"a": 1,\n "b": [1, 2', "cut off: it ends in the middle of the entry 'b'", 2, 12),
        (b'{"a": 1,\n "b": "some te', "cut off: it ends in the middle of the entry 'b'", 2, 15),
        (b'{"a": 1,\n "b": {"c": 1,', "cut off: it ends in the middle of the entry 'b'", 2, 15),
        (b'{"a": 1,\n', "cut off: it ends in the middle of an entry", 2, 1),
        (b'{"a": 1', "cut off: it ends in the middle of the entry 'a'", 1, 8),
        (b'{"a"', "cut off: it ends in the middle of the key 'a'", 1, 5),
        (b'{"a', "cut off: it ends in the middle of an entry", 1, 4),
        (b'{"a": 1, b: 2}', "here a key in double quotes must stand", 1, 10),
        (b'{"a": 1, }', "here a key in double quotes must stand", 1, 10),
        (b'{"a" 1}', "after the key 'a' must come ':'", 1, 6),
        (b'{"a": 1 "b": 2}', "after the entry 'a' must come ',' or '}'", 1, 9),
        (b'{"a": {"b": 1,\n c: 2}, "d": 3, "e": "far enough from the end"}', "not valid JSON", 2, 2),
        (b'{"a": nul}', "not valid JSON: Expecting value", 1, 7),
        (b'{"a": "\t"}', "not valid JSON: Invalid control character", 1, 8),
        (b'{"a": 1}\n{}', "more text after the end", 2, 1),
        (b'{"a": 1}\xe2', "more text after the end", 1, 9),
        (b'{"a": 1,\n  "a": 2}', "the key 'a' is given twice", 2, 3),
        (b'{"a": {"b": 1,\n  "b": 2}}', "the entry 'a' has the key 'b' twice", 1, 1),
        (b'{"a": "x",\n "b": "\xe9"}', "not UTF-8 text", 2, 8),
        (b'{"a": ' + b"[" * 100_000, "", 1, None),
        (b'{"a": ' + b"1" * 5_000 + b"}", "the entry 'a' cannot be read", 1, 2),
    ],
)
def test_what_is_wrong_and_where(path: Path, content: bytes, message: str, line: int, column: int | None) -> None:
    error = failure(path, content)
    assert message in error.message
    assert error.location is not None
    assert error.location.line == line
    if column and "has the key" not in message:
        assert error.location.column == column
