"""Haystack pipelines of ragtally's own batch components: cut, embed, fill, search and refine.

Layer 2, and the only package that imports Haystack: with the first pipeline, for that takes half a second, and most
commands need none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragtally.pipelines.ask import sender
    from ragtally.pipelines.pipeline import Served, is_plain, kinds_of, serve, written
    from ragtally.pipelines.run import run_embed, run_embed_queries, run_fill, run_rerank, run_search, run_split

_MODULES = {
    "sender": "ask",
    **dict.fromkeys(("Served", "is_plain", "kinds_of", "serve", "written"), "pipeline"),
    **dict.fromkeys(("run_embed", "run_embed_queries", "run_fill", "run_rerank", "run_search", "run_split"), "run"),
}
__all__ = [
    "Served", "is_plain", "kinds_of", "run_embed", "run_embed_queries", "run_fill", "run_rerank", "run_search",
    "run_split", "sender", "serve", "written",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
