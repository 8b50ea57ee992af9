"""Runs made-up studies in processes of their own, and lets them be killed at a point of the work.

It imports the engine once and forks a process a run, which is what keeps the crash tests fast; it does no work
itself, so that no lock is held when it forks. A line of JSON on the standard input asks for a run, a line of JSON
on the standard output says how it ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from ragtally.engine import run as engine_run
from ragtally.registry import load_registry
from ragtally.steps import STEPS, Work
from ragtally.store import Store, entries
from ragtally.workspace import Workspace
from toy_study import Notes, toy_registry


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def log_calls(path: Path) -> None:
    """Append each call of a step's function to a file, by its task's address."""

    def logged(run: Callable[[Work], None]) -> Callable[[Work], None]:
        def call(work: Work) -> None:
            with path.open("a", encoding="utf-8") as handle:
                handle.write(f"{work.task.step.name} {work.task.address}\n")
            run(work)

        return call

    for step in STEPS.values():
        vars(step)["run"] = logged(step.run)


def kill_at(name: str, point: str) -> None:
    """Arrange for the process to be killed at the first task of a step."""
    step = STEPS[name]
    run, complete, record = step.run, Store._complete, entries.write_json

    def before(work: Work) -> None:
        die()

    def written(work: Work) -> None:
        run(work)
        die()

    def recorded(path: Path, value: Any) -> None:
        record(path, value)
        if value["step"] == step.stored_as:
            die()

    def completed(self: Store, of: str, *rest: Any) -> None:
        complete(self, of, *rest)
        if of == step.stored_as:
            die()

    if point in ("before", "written"):
        vars(step)["run"] = {"before": before, "written": written}[point]
    elif point == "recorded":
        entries.write_json = recorded  # type: ignore[attr-defined]
    else:
        Store._complete = completed  # type: ignore[method-assign]


def kill_on_writing(name: str) -> None:
    """Arrange for the process to be killed with a result file written but not yet in place."""
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if Path(target).name == name and "store" not in Path(target).parts:
            die()
        return real(self, target)

    Path.replace = replace  # type: ignore[method-assign, assignment]


def work(asked: dict[str, str]) -> None:
    folder = Path(asked["folder"])
    log_calls(folder / "calls.log")
    if "file" in asked:
        kill_on_writing(asked["file"])
    elif "step" in asked:
        kill_at(asked["step"], asked["point"])
    registry = load_registry() if asked.get("world") == "real" else toy_registry()
    location = Workspace(Store(folder / "store"), registry, Notes())
    folders = engine_run.Folders(folder / "results", folder / "resolved")
    engine_run.run_study(folder / "spec.yaml", registry, location, folders)


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            try:
                work(json.loads(line))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status)), flush=True)


if __name__ == "__main__":
    main()
