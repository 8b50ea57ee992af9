"""Haystack pipelines of ragtally's own batch components: cut, embed, fill, search and refine.

Layer 2, and the only package that imports Haystack.
"""

from ragtally.pipelines.ask import sender
from ragtally.pipelines.run import run_cut, run_embed, run_embed_queries, run_fill, run_refine, run_search

__all__ = ["run_cut", "run_embed", "run_embed_queries", "run_fill", "run_refine", "run_search", "sender"]
