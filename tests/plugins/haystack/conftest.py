"""Made-up Haystack components, on the path and allowed for the test alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ragtally_haystack
from ragtally.api import Component

PARTS = Path(__file__).parent / "parts"
OFFERED = {
    "chunker": ragtally_haystack.register_chunkers,
    "embedder": ragtally_haystack.register_embedders,
    "retriever": ragtally_haystack.register_retrievers,
    "model": ragtally_haystack.register_models,
}

Fill = Callable[..., tuple[Component, dict[str, Any]]]


@pytest.fixture(autouse=True)
def parts_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PARTS))
    monkeypatch.setenv("RAGTALLY_HAYSTACK_PACKAGES", "sample_parts")


@pytest.fixture
def fill() -> Fill:
    """Take a kind's component, with its parameters filled in as the engine does it."""

    def fill(kind: str, **given: Any) -> tuple[Component, dict[str, Any]]:
        (component,) = OFFERED[kind]()
        unknown = given.keys() - component.params.keys()
        assert not unknown
        return component, {name: given.get(name, schema.get("default")) for name, schema in component.params.items()}

    return fill


@pytest.fixture
def build(fill: Fill) -> Callable[..., Any]:
    """Build a kind's component."""

    def build(kind: str, **given: Any) -> Any:
        component, filled = fill(kind, **given)
        return component.build(**filled)

    return build


@pytest.fixture
def check(fill: Fill) -> Callable[..., list[Any]]:
    """Check a kind's component."""

    def check(kind: str, **given: Any) -> list[Any]:
        component, filled = fill(kind, **given)
        assert component.check is not None
        return list(component.check(filled))

    return check
