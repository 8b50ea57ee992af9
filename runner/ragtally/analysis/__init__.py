"""What a study's results come to: intervals, paired tests, an error breakdown and costs, from the result files alone.

The analysis itself is imported with its first use: the libraries below it take half a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ragtally.analysis.analysis import Analysis
from ragtally.analysis.cache import keep_verdict, kept_verdict

if TYPE_CHECKING:
    from ragtally.analysis.conclude import analyze

__all__ = ["Analysis", "analyze", "keep_verdict", "kept_verdict"]


def __getattr__(name: str) -> Any:
    if name != "analyze":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.conclude").analyze
