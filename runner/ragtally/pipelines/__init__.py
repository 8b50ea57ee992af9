"""Haystack pipelines of ragtally's own batch components: cut, embed, fill, search and refine.

Layer 2, and the only package that imports Haystack: with the first pipeline, for that takes half a second, and most
commands need none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragtally.pipelines.ask import sender
    from ragtally.pipelines.run import run_cut, run_embed, run_embed_queries, run_fill, run_refine, run_search

__all__ = ["run_cut", "run_embed", "run_embed_queries", "run_fill", "run_refine", "run_search", "sender"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{'ask' if name == 'sender' else 'run'}"), name)
