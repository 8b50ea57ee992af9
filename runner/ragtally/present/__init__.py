"""A study's report: one page that people open, the verdict as JSON, and tables that DVC draws.

What draws is imported with the first report: it takes a second, and the command line uses the words of this package
without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragtally.present.provenance import Provenance, gather_provenance, retriever_meanings
    from ragtally.present.write import write_report

__all__ = ["Provenance", "gather_provenance", "retriever_meanings", "write_report"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{'write' if name == 'write_report' else 'provenance'}"), name)
