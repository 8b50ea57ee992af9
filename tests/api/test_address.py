"""Addresses are pinned: a change here makes every store forget its work, so it needs a new tag."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import canonical_json, derive_seed, file_hash
from ragtally.api.address import address

PAYLOAD = {
    "step": "chunk",
    "version": 1,
    "chunker": {"name": "words", "parameters": {"size": 64, "overlap": 0.5, "keep": True, "note": None}},
    "reads": ["r1:00", "r1:01"],
    "text": "naïve – 漢字",
}

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@pytest.mark.parametrize(
    ("payload", "golden"),
    [
        ({}, "r1:a22cbfd1a6f7d67d65014b57b47a96408c8f58b5"),
        ({"step": "chunk"}, "r1:d7d3a73432bf1a266f67729fdd52dd33d3692bd0"),
        (PAYLOAD, "r1:5e92a68a1d9eec654310f4735a2b97c2855b5029"),
    ],
)
def test_addresses_are_pinned(payload: dict[str, Any], golden: str) -> None:
    assert address(payload) == golden


@pytest.mark.parametrize(
    ("seed", "parts", "golden"),
    [
        (0, (), 2320352090),
        (20, ("label", 3), 569004867),
        (20, ("measure", 3), 607397512),
        (20, ("label", "3"), 2621561670),
        (21, ("label", 3), 733539880),
    ],
)
def test_derived_seeds_are_pinned(seed: int, parts: tuple[str | int, ...], golden: int) -> None:
    assert derive_seed(seed, *parts) == golden


@given(st.integers(), st.lists(st.text() | st.integers()), st.lists(st.text() | st.integers()))
def test_seeds_are_numbers_of_32_bits_that_depend_on_what_they_are_for(
    seed: int, parts: list[str | int], others: list[str | int]
) -> None:
    assert 0 <= derive_seed(seed, *parts) < 2**32
    assert derive_seed(seed, *parts) == derive_seed(seed, *parts)
    if parts != others:
        assert canonical_json([seed, *parts]) != canonical_json([seed, *others])


@given(st.dictionaries(st.text(), VALUES), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any], random: Any) -> None:
    keys = random.sample(list(value), len(value))
    assert canonical_json({key: value[key] for key in keys}) == canonical_json(value)


@given(VALUES)
def test_the_canonical_text_is_json_of_the_same_value(value: Any) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@given(VALUES, VALUES)
def test_different_values_have_different_texts(first: Any, second: Any) -> None:
    if first != second:
        assert canonical_json(first) != canonical_json(second)


def test_numbers_and_truth_values_are_kept_apart() -> None:
    texts = [canonical_json({"value": value}) for value in (1, 1.0, True, "1", "true", None, "null", [1], {"1": 1})]
    assert len(set(texts)) == len(texts)


def test_tuples_are_lists() -> None:
    assert canonical_json((1, ("a",))) == canonical_json([1, ["a"]]) == '[1,["a"]]'


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"\$\.deep\[1\] is (nan|inf|-inf)"):
        canonical_json({"deep": [0, value]})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": {1: 2}}, r"\$\.a has the key 1, which is no string"),
        ({"a": {1, 2}}, r"\$\.a is a set"),
        ([Path("x")], r"\$\[0\] is a \w*Path"),
        (b"x", r"\$ is a bytes"),
    ],
)
def test_what_is_no_json_is_refused(value: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        canonical_json(value)


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])
def test_a_files_hash_is_that_of_its_bytes(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    content = bytes(index % 251 for index in range(size))
    path.write_bytes(content)
    assert file_hash(path) == hashlib.blake2b(content, digest_size=20).hexdigest()
