"""Bodies that Python's own reader stumbles over."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.support.json_bodies import read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_ordinary_json_is_read_as_ever(value: object) -> None:
    assert read_json(json.dumps(value)) == value


def test_an_endless_number_is_infinite() -> None:
    assert read_json("[" + "9" * 4_301 + "]") == [math.inf]


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 10_000 + "]" * 10_000, "no", b"\xff", ""])
def test_what_cannot_be_read_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        read_json(text)
