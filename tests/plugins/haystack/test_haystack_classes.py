"""Classes are imported from allowed packages alone, and asked what they take."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ragtally_haystack.classes import find_class, is_component, is_required, parameters_of
from ragtally_haystack.definition import Fault

Write = Callable[[dict[str, str]], None]

COMPONENTS = """
from haystack import component, super_component
from typing import Protocol

@component
class Base:
    def __init__(self, a, b=1, *, c=2):
        pass

    def run(self, x):
        pass

class Child(Base):
    pass

class Plain(Protocol):
    def other(self):
        pass

class Empty:
    pass

class Open:
    def __init__(self, *, x, **more):
        pass

@component
class Dynamic:
    def __init__(self):
        component.set_input_types(self, q=str)

    def run(self, **inputs):
        pass

@super_component
class Super:
    def __init__(self, size=3):
        pass

made = Base
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("RAGTALLY_HAYSTACK_PACKAGES", "pack_a,single_a,broken_a,nobody_has_this")

    def write(files: dict[str, str]) -> None:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)

    return write


def test_what_a_class_takes(write: Write) -> None:
    write({"single_a.py": COMPONENTS})

    def names(name: str, method: str) -> list[str] | None:
        of_class = find_class(f"single_a.{name}")
        assert isinstance(of_class, type)
        parameters = parameters_of(of_class, method)
        return None if parameters is None else list(parameters)

    base = find_class("single_a.Base")
    assert isinstance(base, type)
    init = parameters_of(base, "__init__")
    assert init is not None and [name for name in init if is_required(init[name])] == ["a"]
    assert names("Child", "__init__") == ["a", "b", "c"]
    assert names("Child", "run") == ["x"]
    assert names("Empty", "__init__") == []
    assert names("Super", "__init__") == ["size"]
    for name, method in (("Open", "__init__"), ("Dynamic", "run"), ("Super", "run"), ("Empty", "run")):
        assert names(name, method) is None
    components = {name: find_class(f"single_a.{name}") for name in ("Child", "Plain", "Super", "Dynamic")}
    assert [name for name, each in components.items() if isinstance(each, type) and is_component(each)] == [
        "Child",
        "Super",
        "Dynamic",
    ]


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("pack_a.inner.Thing", "the module pack_a.inner has no class 'Thing'", "did you mean 'Things'?"),
        ("pack_a.inner.thing", "the module pack_a.inner has no class 'thing'", None),
        ("pack_a.iner.Things", "there is no module pack_a.iner", "did you mean 'inner'?"),
        ("pack_a.inner.deep.Things", "there is no module pack_a.inner.deep", "there is none"),
        ("nobody_has_this.X", "the package nobody_has_this is not installed", "pip install the package that holds"),
        ("broken_a.X", "broken_a.X cannot be imported: SyntaxError", None),
        ("pack_a.needy.X", "pack_a.needy.X cannot be imported", "the package that holds nobody_has_that"),
        ("pack_a.raising.X", "pack_a.raising.X cannot be imported: RuntimeError: [key hidden]", None),
    ],
)
def test_what_cannot_be_imported_is_a_fault(path: str, message: str, hint: str | None, write: Write) -> None:
    write(
        {
            "pack_a/__init__.py": "",
            "pack_a/inner.py": "class Things:\n    pass\nthing = 3\n",
            "pack_a/needy.py": "import nobody_has_that\n",
            "pack_a/raising.py": "raise RuntimeError('sk-abcdefghabcdefghabcdefgh')\n",
            "broken_a.py": "class X(\n",
        }
    )
    try:
        fault = find_class(path)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "pack_a"]:
            del sys.modules[name]
    assert isinstance(fault, Fault)
    assert message in fault.message
    assert hint is None or hint in str(fault.hint)


def test_a_package_that_nobody_allowed_is_not_imported(write: Write) -> None:
    write({"other_a.py": "raise AssertionError\n"})
    fault = find_class("other_a.Thing")
    assert isinstance(fault, Fault) and "outside of the packages" in fault.message
