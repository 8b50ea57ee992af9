"""Every kind has its hook, and whatever is offered through hooks says in sentences what it is."""

from __future__ import annotations

import inspect

from ragtally.api import KINDS, hookspecs
from ragtally.api.hookspecs import GROUP
from ragtally.registry import load_registry


def test_every_kind_has_a_documented_hook_and_every_hook_a_kind() -> None:
    hooks = {name: value for name, value in vars(hookspecs).items() if hasattr(value, f"{GROUP}_spec")}
    assert set(hooks) == {kind.hook for kind in KINDS.values()}
    assert all(inspect.getdoc(hook) for hook in hooks.values())


def test_what_is_included_is_of_every_kind_and_described_in_sentences() -> None:
    components = {f"{entry.kind} {entry.component.name}": entry.component for entry in load_registry().all()}
    texts = {name: component.summary for name, component in components.items()}
    for name, component in components.items():
        texts |= {f"{name}, {key}": schema["description"] for key, schema in component.params.items()}
    assert {name.split()[0] for name in components} == set(KINDS)
    assert [name for name, text in texts.items() if not text.endswith(".") or text != " ".join(text.split())] == []
