"""Runs `ragtally` in processes of their own, forked from one that has imported it and has done nothing yet.

A line of JSON on the standard input asks for a command or for its end; a line of JSON on the standard output answers.
"""

from __future__ import annotations

import json
import os
import pkgutil
import signal
import sys
from importlib import import_module
from typing import Any

import ragtally.cli
from ragtally.cli import main as command_line
from ragtally.registry import load_registry
from ragtally.store.calls import CallStore

HEAVY = (
    "scipy.special", "ragtally.pipelines.answer", "ragtally.pipelines.search", "ragtally.present.page",
    "ragtally_bm25.search", "ragtally_chunkers.windows", "ragtally_litellm.native", "ragtally_specialist.reader",
    "ragtally_synthetic.dataset", "sklearn.linear_model",
)  # fmt: skip
"""What many commands come to import, seconds of it; whatever else one needs it imports itself."""


def die_after(records: int) -> None:
    """Arrange for the process to be killed when so many replies are saved."""
    record, left = CallStore.record, records

    def counted(self: CallStore, *given: Any) -> bool:
        nonlocal left
        saved = record(self, *given)
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return saved

    CallStore.record = counted  # type: ignore[method-assign]


def child(asked: dict[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setpgid(0, 0)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name, descriptor in (("out", 1), ("err", 2)):
        os.dup2(os.open(f"{asked['log']}.{name}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), descriptor)
    signal.alarm(asked["seconds"])
    if asked.get("die_after"):
        die_after(asked["die_after"])
    sys.argv = ["ragtally", *asked["words"]]
    code = 1
    try:
        command_line()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    for name in (*HEAVY, *(f"ragtally.cli.{each.name}" for each in pkgutil.iter_modules(ragtally.cli.__path__))):
        import_module(name)
    load_registry()
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            print(json.dumps(os.waitstatus_to_exitcode(status)), flush=True)
            continue
        process = os.fork()
        if process == 0:
            child(asked)
        print(json.dumps(process), flush=True)


if __name__ == "__main__":
    main()
