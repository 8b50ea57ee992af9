"""Classes are found in sources as Python would find them; where that cannot be told, nothing is said."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ragtally_haystack.definition import Fault
from ragtally_haystack.signature import has_method, is_component, parameters_of
from ragtally_haystack.source import Class, find_class

Write = Callable[[dict[str, str]], None]

COMPONENT = """
@component
class {name}:
    def __init__(self, a, b=1, *, c=2):
        pass

    def run(self, x):
        pass

"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(files: dict[str, str]) -> None:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)

    return write


@pytest.mark.parametrize(
    "init",
    [
        "from .inner import Thing\n",
        "from pack_a.inner import Thing\n",
        "from .inner import Other as Thing\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .inner import Thing as Thing\n",
        "try:\n    from .inner import Thing\nexcept ImportError:\n    Thing = None\n",
        "from .middle import Thing\n",
        "from .sub import Thing\n",
    ],
)
def test_a_class_is_followed_to_where_it_is_defined(init: str, write: Write) -> None:
    inner = COMPONENT.format(name="Thing") + COMPONENT.format(name="Other")
    sub = "from ..inner import Thing\n"
    write({"pack_a/__init__.py": init, "pack_a/inner.py": inner, "pack_a/middle.py": "from .inner import *\n"})
    write({"pack_a/middle.py": "from .inner import Thing\n", "pack_a/sub/__init__.py": sub})
    found = find_class("pack_a.Thing")
    assert isinstance(found, Class)
    assert found.module == "pack_a.inner"
    made = parameters_of(found, "__init__")
    assert made is not None
    assert (made.names, made.required) == (("a", "b", "c"), {"a"})
    assert is_component(found)
    assert "pack_a" not in sys.modules


@pytest.mark.parametrize(
    "text",
    [
        "from .inner import *\n",
        "def __getattr__(name):\n    return int\n",
        "Thing = type('Thing', (), {})\n",
        "from pack_b import Thing\n",
        "from somewhere_else import Thing\n",
    ],
)
def test_what_the_source_does_not_tell_is_no_fault(text: str, write: Write) -> None:
    write({"pack_b/__init__.py": text, "pack_b/inner.py": COMPONENT.format(name="Thing")})
    assert find_class("pack_b.Thing") is None


def test_a_file_that_cannot_be_read_is_no_fault(write: Write) -> None:
    write({"pack_c/__init__.py": "", "pack_c/odd.py": "class Thing(\n", "pack_c/fast.cpython-311.so": ""})
    assert find_class("pack_c.fast.Thing") is None
    assert find_class("sys.Thing") is None


def test_a_module_alone_and_packages_that_share_a_folder(write: Write) -> None:
    write({"single_d.py": COMPONENT.format(name="Thing"), "space_d/deep/leaf.py": COMPONENT.format(name="Thing")})
    for path in ("single_d.Thing", "space_d.deep.leaf.Thing"):
        assert isinstance(find_class(path), Class)
    assert find_class("single_d.deep.Thing") == Fault("there is no module single_d.deep", "there is none")
    assert find_class("space_d.deep.Thing") == Fault("the package space_d.deep holds no class 'Thing'")
    assert isinstance(find_class("nobody_has_this.Thing"), Fault)


def test_methods_are_inherited_as_far_as_sources_tell(write: Write) -> None:
    text = (
        COMPONENT.format(name="Base")
        + "class Child(Base):\n    pass\n"
        + "from typing import Protocol\nclass Plain(Protocol):\n    def other(self):\n        pass\n"
        + "class Unknown(make_base()):\n    pass\n"
        + "class Any:\n    def __init__(self, *, x, **more):\n        pass\n"
        + "@component\nclass Dynamic:\n    def __init__(self):\n        component.set_input_types(self, q=str)\n"
        + "    def run(self, given=None):\n        pass\n"
        + "@super_component\nclass Super:\n    def run(self, x):\n        pass\n"
        + "from elsewhere_e import Far\nclass Near(Far):\n    pass\n"
    )
    write({"single_e.py": text})

    def of(name: str) -> Class:
        found = find_class(f"single_e.{name}")
        assert isinstance(found, Class)
        return found

    child = parameters_of(of("Child"), "run")
    assert child is not None
    assert child.names == ("x",)
    assert [is_component(of(name)) for name in ("Child", "Plain", "Unknown", "Super", "Near")] == [
        True,
        False,
        None,
        True,
        None,
    ]
    assert [has_method(of(name), "run") for name in ("Child", "Plain", "Unknown", "Near")] == [
        True,
        False,
        None,
        None,
    ]
    made = parameters_of(of("Plain"), "__init__")
    assert made is not None
    assert made.names == ()
    for name, method in (
        ("Any", "__init__"),
        ("Dynamic", "run"),
        ("Super", "run"),
        ("Unknown", "run"),
        ("Near", "run"),
    ):
        assert parameters_of(of(name), method) is None
