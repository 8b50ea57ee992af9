"""Running a study: the work itself, the result files, and getting data.

The package can be called, so that a notebook says `ragtally.run("my.yaml")`: that is `run_spec`, loaded when called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *given: Any, **named: Any) -> Any:
        """Run a study (see `ragtally.run.from_python.run_spec`)."""
        from ragtally.run.from_python import run_spec

        return run_spec(*given, **named)


# The package bears the name of what it does, so the function cannot stand beside it in `ragtally`.
sys.modules[__name__].__class__ = _Callable
