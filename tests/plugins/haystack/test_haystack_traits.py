"""An upgraded package is new work; and traits are known before anything is built."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ragtally_haystack.traits

Fill = Callable[..., Any]

SPLITTER = "haystack.components.preprocessors.DocumentSplitter"
GENERATOR = "haystack.components.generators.chat.OpenAIChatGenerator"
LITELLM = "haystack_integrations.components.generators.litellm.LiteLLMChatGenerator"
STORE = {"type": "haystack.document_stores.in_memory.InMemoryDocumentStore"}
BM25 = {"type": "haystack.components.retrievers.in_memory.InMemoryBM25Retriever"}


@pytest.fixture
def fingerprint(fill: Fill) -> Callable[..., str | None]:
    def fingerprint(kind: str, **given: Any) -> str | None:
        component, filled = fill(kind, **given)
        ragtally_haystack.traits._holders.cache_clear()
        found: str | None = component.fingerprint(filled)
        return found

    return fingerprint


def test_an_upgrade_of_haystack_is_new_work(
    fingerprint: Callable[..., str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("chunker", {"type": SPLITTER}),
        ("embedder", {"document": {"type": SPLITTER}, "query": {"type": SPLITTER}}),
        ("retriever", {"store": STORE, "retriever": BM25}),
        ("model", {"type": GENERATOR}),
    ]
    before = [fingerprint(kind, **given) for kind, given in kinds]
    assert all(before)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99.0")
    assert all(old != fingerprint(kind, **given) for old, (kind, given) in zip(before, kinds, strict=True))


def test_an_upgrade_of_an_integration_is_new_work_for_its_components_alone(
    fingerprint: Callable[..., str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    haystacks, before = fingerprint("model", type=GENERATOR), fingerprint("model", type=LITELLM)
    assert before != haystacks
    inner = {"chat_generators": [{"type": LITELLM, "init_parameters": {}}]}
    fallback = "haystack.components.generators.chat.FallbackChatGenerator"
    assert fingerprint("model", type=fallback, init_parameters=inner) == before
    upgraded = type("Upgraded", (importlib.metadata.PathDistribution,), {"version": "99.0"})
    (found,) = importlib.metadata.distributions(name="litellm-haystack")
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: [upgraded(found._path)])  # type: ignore[attr-defined]
    assert fingerprint("model", type=LITELLM) != before
    assert fingerprint("model", type=GENERATOR) == haystacks


def test_a_file_of_ones_own_counts_by_its_content(
    fingerprint: Callable[..., str | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("RAGTALLY_HAYSTACK_PACKAGES", "my_own_splitters")
    file = tmp_path / "my_own_splitters.py"
    file.write_text("class Mine:\n    pass\n")
    before = fingerprint("chunker", type="my_own_splitters.Mine")
    assert fingerprint("chunker", type="my_own_splitters.Mine") == before
    file.write_text("class Mine:\n    version = 2\n")
    assert fingerprint("chunker", type="my_own_splitters.Mine") != before


def test_a_package_that_is_not_allowed_is_not_even_looked_at(fingerprint: Callable[..., str | None]) -> None:
    assert fingerprint("chunker", type="forbidden_parts.Splitter") is None


def test_traits(fill: Fill) -> None:
    given = {"generation_kwargs": {"temperature": 0, "max_completion_tokens": 50}}
    price = {"input": 1.0, "output": 2.0}
    component, filled = fill(
        "model", type=GENERATOR, init_parameters=given, price=price, concurrency=3, send_seed=False
    )
    traits = component.traits(filled)
    assert (traits.provider, traits.model) == ("openai", "gpt-5-mini")
    assert traits.deterministic
    assert not traits.takes_seed
    assert traits.takes_schema is None, "it can be sent, and nobody has tried"
    assert traits.output_tokens == 50
    assert traits.limits.concurrency == 3
    assert (traits.price.input, traits.price.output) == (1.0, 2.0)
    component, filled = fill("model", type="sample_parts.generators.Failing", usd_per_hour=3.0)
    traits = component.traits(filled)
    assert (traits.provider, traits.model) == ("failing", "Failing")
    assert (traits.deterministic, traits.takes_seed, traits.output_tokens) == (False, True, None)
    assert traits.price.usd_per_hour == 3.0
    assert traits.takes_schema is False
    own = {"generation_kwargs": {"response_format": {"type": "json_object"}}}
    component, filled = fill("model", type=GENERATOR, init_parameters=own)
    assert component.traits(filled).takes_schema is False, "its answers have a form of their own"
