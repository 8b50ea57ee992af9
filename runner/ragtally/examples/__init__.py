"""Examples that a small model can learn from: what they are, how they are asked for, read, and compared."""

# Jinja and Polars come with the first use: `ragtally check` need not wait for them where no spec writes examples.

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragtally.examples.files import read_example_file
    from ragtally.examples.prompts import built_in_template, check_template

_MODULES = {
    "built_in_template": "prompts",
    "check_template": "prompts",
    "read_example_file": "files",
}
__all__ = ["built_in_template", "check_template", "read_example_file"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
