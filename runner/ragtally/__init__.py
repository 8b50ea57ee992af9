"""ragtally: a declarative benchmark for retrieval-augmented question answering.

Importing this package loads nothing heavy and changes nothing: no logging set-up, no network, no telemetry. For
notebooks it offers, loaded when they are first used:

- `ragtally.run(spec)`: run a study (see `ragtally.run.from_python.run_spec`); returns its `Results`.
- `ragtally.load_results(study)`: the `Results` of a study that has run, as polars frames.
- `ragtally.judge(results)`: the `Verdict` on them, with every interval and test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ragtally import run
    from ragtally.compare import Results, Verdict, judge, load_results

__version__ = "0.1.0"

__all__ = ["Results", "Verdict", "__version__", "judge", "load_results", "run"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Load what notebooks use when it is first used (PEP 562)."""
        if name == "run":
            import ragtally.run as run

            return run
        if name in ("Results", "Verdict", "judge", "load_results"):
            import ragtally.compare as compare

            return getattr(compare, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
