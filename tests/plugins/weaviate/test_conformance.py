"""The suite of retrievers, on a server: all modes, distances and both indexes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from ragtally.testing import RetrieverSuite, samples

WITH_VECTORS = {"embedder": samples.StubEmbedder()}


class _Weaviate(RetrieverSuite):
    plugin, name = "ragtally_weaviate", "weaviate"

    @pytest.fixture(autouse=True)
    def on_a_server(self, server: None) -> None:
        pass


class TestBm25(_Weaviate):
    parameters: ClassVar[Mapping[str, Any]] = {"mode": "bm25", "embedder": None}


class TestNearVector(_Weaviate):
    parameters: ClassVar[Mapping[str, Any]] = {"mode": "near_vector", **WITH_VECTORS}


class TestFlat(_Weaviate):
    parameters: ClassVar[Mapping[str, Any]] = {
        "mode": "near_vector",
        "index": "flat",
        "distance": "manhattan",
        **WITH_VECTORS,
    }


class TestHybrid(_Weaviate):
    parameters: ClassVar[Mapping[str, Any]] = {
        "mode": "hybrid",
        "alpha": 0.25,
        "stopwords": "en",
        "batch": 7,
        **WITH_VECTORS,
    }


class TestRankedFusion(_Weaviate):
    parameters: ClassVar[Mapping[str, Any]] = {
        "mode": "hybrid",
        "fusion": "ranked",
        "distance": "dot",
        **WITH_VECTORS,
    }
