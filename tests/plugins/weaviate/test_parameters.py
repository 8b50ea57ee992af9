"""Which parameters go together."""

from typing import Any

import pytest

from plugins.weaviate.conftest import COMPONENT, filled


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"mode": "bm25", "embedder": "lsa"}, "embedder"),
        ({"mode": "bm25", "distance": "dot"}, "distance"),
        ({"mode": "bm25", "index": "flat"}, "index"),
        ({"mode": "bm25", "index": "hnsw"}, "index"),
        ({"mode": "bm25", "ef": 200}, "ef"),
        ({"mode": "bm25", "alpha": 0.5}, "alpha"),
        ({"mode": "near_vector"}, "embedder"),
        ({"mode": "near_vector", "embedder": "lsa", "alpha": 0.5}, "alpha"),
        ({"mode": "near_vector", "embedder": "lsa", "index": "flat", "ef": 200}, "ef"),
        ({"mode": "near_vector", "embedder": "lsa", "ef": 64}, "ef"),
    ],
)
def test_what_has_no_meaning_is_a_fault(given: dict[str, Any], parameter: str) -> None:
    assert COMPONENT.check is not None
    (fault,) = COMPONENT.check(filled(**given))
    assert fault.parameter == parameter and fault.hint


@pytest.mark.parametrize(
    "given",
    [
        {"mode": "bm25"},
        {"mode": "near_vector", "embedder": "lsa", "ef": 64, "depth": 64},
        {"mode": "hybrid", "embedder": "lsa", "alpha": 0.0},
    ],
)
def test_what_goes_together(given: dict[str, Any]) -> None:
    assert COMPONENT.check is not None
    assert not COMPONENT.check(filled(**given))
