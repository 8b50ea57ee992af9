"""Start, kill and await runs of `ragtally`, cheaply: see `batch_driver.py`."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from command_line import Outcome, Project

LABEL = ("run", "spec.yaml", "--stage", "label")
DRIVER = Path(__file__).with_name("batch_driver.py")


@dataclass
class Runs:
    """The process that forks a process a run."""

    process: subprocess.Popen[str]
    logs: dict[int, Path] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def start(self, project: Project, *words: str, die_after: int = 0) -> int:
        """Start a run; returns its process."""
        log = project.folder / f"log-{next(self.numbers)}"
        asked = {"folder": str(project.folder), "environment": project.environment, "log": str(log), "words": words}
        process = self._ask(asked | {"die_after": die_after})
        self.logs[process] = log
        return process

    def wait(self, process: int) -> Outcome:
        """Wait for a run to end."""
        code = self._ask({"wait": process})
        out, err = (Path(f"{self.logs[process]}.{name}").read_text(encoding="utf-8") for name in ("out", "err"))
        return Outcome(code, out, err)

    def run(self, project: Project, *words: str, die_after: int = 0) -> Outcome:
        """Run to the end; by default the calls of the label stage, without the report."""
        return self.wait(self.start(project, *(words or LABEL), die_after=die_after))

    def kill(self, process: int, number: signal.Signals = signal.SIGKILL) -> Outcome:
        """Send a signal, and wait for the end."""
        os.kill(process, number)
        return self.wait(process)

    def _ask(self, asked: object) -> int:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return int(json.loads(self.process.stdout.readline()))
