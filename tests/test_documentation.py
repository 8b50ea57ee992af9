"""What plugins and hooks say of themselves is there, is a sentence, and is true."""

from __future__ import annotations

import inspect

import jsonschema
import pytest

from ragtally.api import KINDS, hookspecs
from ragtally.api.hookspecs import GROUP
from ragtally.registry import RegistryEntry, load_registry

COMPONENTS = load_registry().all()
PARAMETERS = [(found, name) for found in COMPONENTS for name in found.component.params]


def label(value: object) -> str:
    return f"{value.kind}-{value.component.name}" if isinstance(value, RegistryEntry) else str(value)


def is_sentence(text: str) -> bool:
    return text.endswith(".") and text == " ".join(text.split())


@pytest.mark.parametrize("found", COMPONENTS, ids=label)
def test_a_component_is_described(found: RegistryEntry) -> None:
    assert is_sentence(found.component.summary), found.component.summary
    assert found.component.version >= 1


@pytest.mark.parametrize(("found", "name"), PARAMETERS, ids=label)
def test_a_parameter_is_described_and_its_default_is_allowed(found: RegistryEntry, name: str) -> None:
    schema = found.component.params[name]
    assert is_sentence(schema["description"]), schema["description"]
    jsonschema.Draft202012Validator.check_schema(schema)
    if "default" in schema and "x-ragtally-kind" not in schema:
        jsonschema.validate(schema["default"], schema)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_has_a_documented_hook_and_a_component_in_the_box(kind: object) -> None:
    hook = getattr(hookspecs, kind.hook)  # type: ignore[attr-defined]
    assert inspect.getdoc(hook)
    assert kind.name in {found.kind for found in COMPONENTS}  # type: ignore[attr-defined]


def test_every_hook_belongs_to_a_kind() -> None:
    hooks = {name for name, value in vars(hookspecs).items() if hasattr(value, f"{GROUP}_spec")}
    assert hooks == {kind.hook for kind in KINDS.values()}
