"""What a study's results come to: intervals, paired tests, causes and costs, from the result files alone.

What judges is imported with the first verdict that is worked out: the libraries below it take half a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ragtally.compare.kept import keep_verdict, kept_verdict
from ragtally.compare.results import Results, load_results
from ragtally.compare.verdict import Verdict

if TYPE_CHECKING:
    from ragtally.compare.judging import judge

__all__ = ["Results", "Verdict", "judge", "keep_verdict", "kept_verdict", "load_results"]


def __getattr__(name: str) -> Any:
    if name != "judge":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.judging").judge
