"""A study's results for people: one page, and tables for the terminal, written from one model.

What draws is imported with the first report: it takes a second, and the command line uses the rest without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragtally.present.page import write_report
    from ragtally.present.provenance import Provenance, gather_provenance, retriever_meanings

__all__ = ["Provenance", "gather_provenance", "retriever_meanings", "write_report"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{'page' if name == 'write_report' else 'provenance'}"), name)
