"""ragtally: a declarative benchmark for retrieval-augmented question answering.

For plugins: the contracts of every kind of component, the records that pass between parts, and the errors.
For notebooks, loaded when they are first used:

- `ragtally.run(spec)`: run a study; returns its `Results`.
- `ragtally.load_results(study)`: the `Results` of a study that has run, as polars frames.
- `ragtally.analyze(results)`: the `Analysis` of them, with every interval and test.

Importing this package loads nothing heavy and changes nothing: no logging set-up, no network, no telemetry.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ragtally.api import *  # noqa: F403
from ragtally.api import __all__ as _api

if TYPE_CHECKING:
    from ragtally.analysis import Analysis, analyze
    from ragtally.engine.run import run
    from ragtally.results import Results, load_results

__version__ = "0.2.0"

# Notebook functions, by the module that is imported with their first use (PEP 562).
_NOTEBOOK = {
    "Analysis": "ragtally.analysis",
    "Results": "ragtally.results",
    "analyze": "ragtally.analysis",
    "load_results": "ragtally.results",
    "run": "ragtally.engine.run",
}
__all__ = ["Analysis", "Results", "__version__", "analyze", "load_results", "run", *_api]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _NOTEBOOK:
            return getattr(import_module(_NOTEBOOK[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
