"""What does jobs on a machine of the cluster. Its code is sent there, so that one without ragtally can say so."""

from __future__ import annotations

import importlib
import os
import traceback


class Worker:
    """A process that does one job after the other.

    It is one of Ray's actors, not a process for tasks: Ray uses those for tasks of any kind and card, and ends them
    after each task that has a card. An actor keeps its card and the models that it loaded; where it dies, another
    does its one job again.
    """

    def __init__(self, threads: int) -> None:
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        os.environ.update(dict.fromkeys(names, str(threads)))

    def begin(self) -> int:
        """Answer when it is there."""
        return os.getpid()

    def do(self, function: str, text: str) -> tuple[str, str]:
        """Do a job by a function named `module:function`; what goes wrong comes back as text."""
        module, _, name = function.partition(":")
        try:
            call = getattr(importlib.import_module(module), name)
        except Exception as error:
            return "missing", f"{module}: {type(error).__name__}: {error}"
        try:
            return "done", call(text)
        except Exception:
            return "bug", traceback.format_exc()
