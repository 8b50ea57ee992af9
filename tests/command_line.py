"""The command line as users meet it: a real process in a folder of its own, or where that says no more, this one."""

from __future__ import annotations

import atexit
import functools
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from ragtally.cli import main

SMALL_SPEC = """\
study: small
seed: 3
dataset: {synthetic: {questions: 60, distractors: 1, split: test}}
readers:
  words: {specialist: {features: tfidf}}
  floor: majority_class
label: {voters: [words], votes: 2}
base: {from: [words], rule: unanimous, agree_with_gold: true}
grid:
  chunker: [{words: {size: [40, 80], overlap: 0}}]
  retriever: [bm25, oracle]
  top_k: [1, 2]
  reader: [words, floor]
  votes: [1, 2]
controls: [closed_book, gold_context, wrong_context]
metrics: [accuracy, macro_f1, recall@3, mrr@3]
"""


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


class Commands:
    """Processes of `ragtally`, forked from one that has imported it, which is most of what a short command does."""

    SECONDS = 120

    def __init__(self) -> None:
        # A process that forks should have no threads.
        environment = os.environ | dict.fromkeys(
            ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
        )
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("fork_server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._logs = tempfile.TemporaryDirectory(prefix="ragtally-commands-")
        self._numbers = itertools.count()
        self._log_of: dict[int, Path] = {}

    def start(self, folder: Path, environment: Mapping[str, str], *words: str, die_after: int = 0) -> int:
        """Start a command in a folder, to be killed after so many saved replies if any; returns its process."""
        log = Path(self._logs.name) / str(next(self._numbers))
        asked = {"folder": str(folder), "environment": dict(environment), "log": str(log), "words": words}
        process = self._ask(asked | {"die_after": die_after, "seconds": self.SECONDS})
        self._log_of[process] = log
        return process

    def wait(self, process: int) -> Outcome:
        """Wait for a command to end."""
        code = self._ask({"wait": process})
        log = self._log_of.pop(process)
        out, err = (Path(f"{log}.{name}").read_text(encoding="utf-8") for name in ("out", "err"))
        return Outcome(code, out, err)

    def kill(self, process: int, number: signal.Signals = signal.SIGKILL) -> Outcome:
        """Send a signal, and wait for the end."""
        os.kill(process, number)
        return self.wait(process)

    def close(self) -> None:
        """End the process that forks."""
        assert self._server.stdin and self._server.stdout
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()
        self._logs.cleanup()

    def _ask(self, asked: object) -> int:
        assert self._server.stdin and self._server.stdout
        self._server.stdin.write(json.dumps(asked) + "\n")
        self._server.stdin.flush()
        return int(json.loads(self._server.stdout.readline()))


@functools.cache
def commands() -> Commands:
    """The process that forks, one for all tests of this process."""
    made = Commands()
    atexit.register(made.close)
    return made


@dataclass(frozen=True)
class Project:
    """A folder with a spec, a store and results of its own."""

    folder: Path
    environment: dict[str, str]

    def ragtally(self, *words: str, **environment: str) -> Outcome:
        """Run a command to its end; in a new interpreter where the environment has something to say to that."""
        whole = self.environment | environment
        if not any(name.startswith("PYTHON") for name in environment):
            return commands().wait(commands().start(self.folder, whole, *words))
        done = subprocess.run(
            [sys.executable, "-m", "ragtally", *words],
            cwd=self.folder,
            env=whole,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=Commands.SECONDS,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, die_after: int = 0) -> int:
        """Start a command; returns its process, for `commands`."""
        return commands().start(self.folder, self.environment, *words, die_after=die_after)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def results(self, study: str = "small") -> dict[str, bytes]:
        folder = self.folder / "data" / "results" / study
        return {path.name: path.read_bytes() for path in sorted(folder.glob("*")) if path.is_file()}


def in_process(folder: Path, *words: str, **environment: str) -> Outcome:
    """Run a command in this process: a fresh one takes seconds to import what reads data."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["ragtally", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    return Outcome(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def project_in(folder: Path) -> Project:
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAGTALLY_")}
    return Project(folder, kept | {"RAGTALLY_STORE": str(folder / "store"), "COLUMNS": "100"})
