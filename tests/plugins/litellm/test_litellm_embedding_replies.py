"""Answers with embeddings are read without trust, whatever order they are in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import CallError
from ragtally_litellm.embedding_replies import read_vectors


def data(*rows: tuple[Any, Any]) -> dict[str, Any]:
    return {"data": [{"index": index, "embedding": vector} for index, vector in rows]}


@given(st.permutations(range(6)))
def test_the_index_decides_not_the_order(order: list[int]) -> None:
    body = data(*((row, [float(row), 1.0]) for row in order))
    assert read_vectors(body, "openai", 6)[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_without_indices_the_order_counts() -> None:
    found = read_vectors({"data": [{"embedding": [1, 2]}, {"embedding": [3, 4]}]}, "openai", 2)
    assert found.tolist() == [[1, 2], [3, 4]]
    assert found.dtype == np.float32


def test_ollama_answers_in_order() -> None:
    assert read_vectors({"embeddings": [[1, 2], [3, 4]]}, "ollama", 2).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "no embeddings"),
        ([], "no embeddings"),
        ({}, "no embeddings"),
        ({"data": None}, "no embeddings"),
        ({"data": [1, 2]}, "no embeddings"),
        (data((0, [1])), "1 embeddings for 2 texts"),
        (data((0, [1]), (1, [1]), (2, [1])), "3 embeddings for 2 texts"),
        (data((0, [1]), (0, [1])), "which text"),
        (data((0, [1]), (2, [1])), "which text"),
        (data((0, [1]), (None, [1])), "which text"),
        (data(("0", [1]), ("1", [1])), "which text"),
        (data((0, [1]), (True, [1])), "which text"),
        (data((0, [1, 2]), (1, [1])), "different lengths"),
        (data((0, ["a"]), (1, ["b"])), "no lists of numbers"),
        (data((0, "AAAA"), (1, "AAAA")), "no lists of numbers"),
        (data((0, 1.0), (1, 1.0)), "no lists of numbers"),
        (data((0, [[1]]), (1, [[1]])), "no lists of numbers"),
        (data((0, []), (1, [])), "no lists of numbers"),
        (data((0, [1.0]), (1, [float("nan")])), "NaN"),
        (data((0, [1.0]), (1, [None])), "NaN"),
        (data((0, [1.0]), (1, [float("inf")])), "infinity"),
        (data((0, [1.0]), (1, [1e300])), "infinity"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_whatever_is_wrong_is_a_bad_reply(body: Any, message: str) -> None:
    with pytest.raises(CallError, match=message) as caught:
        read_vectors(body, "openai", 2)
    assert caught.value.reason == "bad reply"
