"""Strict YAML: what words mean, where things are, and what is refused."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import ErrorList, SpecError
from ragtally.spec.document import MAX_BYTES, MAX_DEPTH, parse_document, read_document


def value_of(text: str) -> object:
    return parse_document(f"key: {text}\n", "a.yaml").root.plain()["key"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("1e-3", 0.001),
        ("-1.5E+2", -150.0),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_plain_words_with_a_meaning(text: str, expected: object) -> None:
    value = value_of(text)
    assert value == expected
    assert type(value) is type(expected)


STAY_WORDS = (
    *("yes", "no", "on", "off", "y", "n", "True", "FALSE", "Null", "NULL", "=", "+", "e3", "1e", "1.2.3", "٣"),
    *("12:30", "190:20:30", "2020-01-01", "2020-01-01T10:00:00Z"),
    *("0o7", "0x1F", "010", "007", "0b1", "1_000", ".inf", "-.inf", ".nan"),
)


@pytest.mark.parametrize("text", STAY_WORDS)
def test_words_that_stay_words(text: str) -> None:
    assert value_of(text) == text


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="﻿"), max_size=30))
def test_quoted_text_stays_text(text: str) -> None:
    written = yaml.safe_dump({"key": text}, default_style='"', allow_unicode=True)
    assert parse_document(written, "a.yaml").root.plain() == {"key": text}


@given(
    st.sampled_from(["yes", "no", "12:30", "2020-01-01", "0o7", "1_000", ".5", "1e3", "1e-3", "true", "null", "010"]),
    st.sampled_from(["'", '"']),
)
def test_quotes_make_text_of_anything(text: str, quote: str) -> None:
    assert value_of(f"{quote}{text}{quote}") == text


@given(st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back(number: float) -> None:
    value = value_of(repr(number))
    assert value == number
    assert type(value) is type(number)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text("abc yesno:#-", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcxyz", min_size=1), JSON, min_size=1, max_size=4), st.booleans())
def test_data_come_back_and_every_path_has_its_place(data: dict[str, object], flow: bool) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow, sort_keys=False)
    document = parse_document(text, "a.yaml")
    assert document.root.plain() == data
    lines = text.splitlines()
    for path, location in document.places().items():
        assert location.line is not None and location.column is not None
        here = lines[location.line - 1][location.column - 1 :]
        last = path.rpartition(".")[2]
        if not last.isdigit():
            assert here.lstrip("'\"? ").startswith(last)


def test_places_are_counted_from_one() -> None:
    document = parse_document("a: 1\nb:\n  - x\n  - {c: [1, 22]}\n", "a.yaml")
    assert str(document.key_place(("b",))) == "a.yaml:2:1"
    assert str(document.value_place(("b", 0))) == "a.yaml:3:5"
    assert str(document.key_place(("b", 1, "c"))) == "a.yaml:4:6"
    assert str(document.value_place(("b", 1, "c", 1))) == "a.yaml:4:13"


def test_a_path_that_is_not_there_has_the_place_of_the_nearest_key() -> None:
    document = parse_document("a: 1\nb:\n  c: {}\n", "a.yaml")
    assert str(document.value_place(("b", "c", "gone", 3))) == "a.yaml:3:3"


def test_a_byte_order_mark_moves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfstudy: x\n")
    document = read_document(path)
    assert document.root.plain() == {"study": "x"}
    assert document.key_place(("study",)).column == 1


def test_aliases_stand_for_their_values() -> None:
    document = parse_document("a: &x {k: 1}\nb: *x\nc: [*x, *x]\n", "a.yaml")
    assert document.root.plain() == {"a": {"k": 1}, "b": {"k": 1}, "c": [{"k": 1}, {"k": 1}]}
    assert str(document.value_place(("b",))) == "a.yaml:2:4"
    assert str(document.value_place(("b", "k"))) == "a.yaml:1:11"


def bomb(levels: int = 40, width: int = 9) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]")
    return "\n".join(lines)


def test_an_alias_bomb_is_refused_before_it_costs_anything() -> None:
    text = bomb()
    tracemalloc.start()
    begin = time.perf_counter()
    with pytest.raises(SpecError, match=r"a\.yaml:5:\d+: the alias \*a3 makes the spec too large"):
        parse_document(text, "a.yaml")
    seconds = time.perf_counter() - begin
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 1
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("text", "location", "message"),
    [
        ("", "1:1", "empty"),
        ("# nothing\n", "1:1", "empty"),
        ("---\n", "1:1", "empty"),
        ("- a\n- b\n", "1:1", "not a list"),
        ("just words\n", "1:1", "not a single value"),
        ("a: &x [*x]\n", "1:8", r"\*x is used inside its own value"),
        ("a: *gone\n", "1:4", r"\*gone is not defined"),
        ("a: &x 1\nb: &x 2\n", "2:4", "&x is set a second time"),
        ("a: 1\nb: 2\na: 3\n", "3:1", "the key 'a' is there twice; the first is on line 1"),
        ("a: {b: 1, b: 2}\n", "1:11", "the key 'b' is there twice"),
        ("1: x\n", "1:1", "a key must be text, not '1'"),
        ("true: x\n", "1:1", "a key must be text, not 'true'"),
        ("a:\n  ? [b]\n  : c\n", "2:5", "a key must be text, not a list"),
        ("a: &x {k: 1}\nb: {<<: *x}\n", "2:5", "merge keys"),
        ("a: !!str 5\n", "1:4", "tags are not supported"),
        ("a: !!python/object/apply:os.system ['echo']\n", "1:4", "tags are not supported"),
        ("a: 1\n---\nb: 2\n", "2:1", "a second document starts here"),
        ("a:\n\t- b\n", "2:1", "not valid YAML"),
        ("a: 'x\n", "1:6", "not valid YAML"),
        ("a: [1, 2\n", "1:9", "not valid YAML"),
        ("a: b: c\n", "1:5", "not valid YAML"),
        ("a: 1\n b: 2\n", "2:3", "not valid YAML"),
        ("a: \x07\n", "1:4", r"the character U\+0007 is not allowed"),
        ('a: [yes, "n\\ud83do"]\n', "1:10", "half of a character"),
        ('"a\\udc00": 1\n', "1:1", "half of a character"),
        ("a: 1e999\n", "1:4", "the number is too large"),
        ("a: 9223372036854775808\n", "1:4", "the number is too large"),
        ("a: " + "9" * 9000 + "\n", "1:4", "the number is too large"),
        ("a: " + "[" * 100_000, f"1:{4 + MAX_DEPTH}", "levels"),
        ("a:\n" + "\n".join(" " * depth + "- " for depth in range(1, 90)), None, "not valid YAML|levels"),
        ("a: [" + "x, " * 30_000 + "]", None, "the spec holds too much"),
    ],
)
def test_what_is_refused(text: str, location: str | None, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        errors = parse_document(text, "a.yaml").errors
        raise errors[0] if errors else AssertionError("accepted")
    if location is not None:
        assert str(caught.value.location) == f"a.yaml:{location}"


def test_a_key_that_is_written_twice_and_broken_yaml_after_it_are_both_told() -> None:
    with pytest.raises(ErrorList) as caught:
        parse_document("a: 1\na: 2\nb: [\n", "a.yaml")
    assert [error.location.line for error in caught.value.errors if error.location] == [2, 3]


@given(st.text("ab:-[]{}&*'\"#|>!%@, \n\t?", max_size=40))
def test_whatever_is_written_an_error_has_a_place_in_the_file(text: str) -> None:
    try:
        errors = list(parse_document(text, "a.yaml").errors)
    except ErrorList as several:
        errors = list(several.errors)  # type: ignore[arg-type]
    except SpecError as error:
        errors = [error]
    lines = text.splitlines() or [""]
    for error in errors:
        assert error.location is not None and error.location.line is not None and error.location.column is not None
        assert 1 <= error.location.line <= len(lines)
        assert 1 <= error.location.column <= len(lines[error.location.line - 1]) + 1


def test_a_missing_file_names_those_beside_it(tmp_path: Path) -> None:
    (tmp_path / "quickstart.yaml").write_text("study: a\n")
    with pytest.raises(SpecError, match="there is no such file") as caught:
        read_document(tmp_path / "quikstart.yaml")
    assert caught.value.hint is not None and "quickstart.yaml" in caught.value.hint


def test_files_that_are_no_spec(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="this is a folder"):
        read_document(tmp_path)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("study: a\nname: café\n".encode("latin-1"))
    with pytest.raises(SpecError, match=r"latin\.yaml:2:10: the file is not UTF-8"):
        read_document(latin)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(SpecError, match="larger than 256 KiB"):
        read_document(large)
    under_a_file = latin / "spec.yaml"
    with pytest.raises(SpecError, match="cannot be read"):
        read_document(under_a_file)
