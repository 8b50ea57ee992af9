"""The executor in ragtally's process: starts the one that Ray lives in, sends it jobs, passes on what comes back.

Ray ends the process that it is in, without an exception, a minute after the cluster's head is gone, and blocks for
two minutes where nobody answers at an address. It also takes over signals and writes on standard error. In a process
of its own all that becomes an error with a remedy; nothing of Ray is imported in ragtally's.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import json
import os
import queue
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ragtally import Job, JobFunction, Needs, RagtallyError, StoppedError

INSTALL = "pip install 'ragtally[ray]'"
# The process says something every few seconds, however long the jobs take.
_SILENCE = 120.0
_SECONDS_TO_END = 10.0


class RayExecutor:
    """Starts nothing before it is used."""

    def __init__(self, address: str, workers: int | None, retries: int, wait: float) -> None:
        self._settings = {"address": address, "workers": workers, "retries": retries, "wait": wait}
        # A cluster on this machine takes its time to start where the machine is busy.
        self._patience = wait + (_SILENCE if address == "local" else 30)
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._folder = Path()

    def start(self) -> str:
        """Connect to the cluster, or start one; says what it has."""
        if self._process is not None:
            return ""
        if importlib.util.find_spec("ray") is None:
            raise RagtallyError("the executor ray needs Ray, which is not installed", hint=INSTALL)
        self._folder = Path(tempfile.mkdtemp(prefix="ragtally-ray-"))
        with (self._folder / "stderr").open("wb") as log:
            # In a session of its own, Ctrl-C reaches ragtally alone, which then ends this process.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ragtally_ray.driver"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env=self._environment(),
                start_new_session=True,
            )
        self._lines = queue.SimpleQueue()
        threading.Thread(target=_read, args=(self._process, self._lines), daemon=True).start()
        try:
            self._send(self._settings | {"folder": str(self._folder)})
            return str(self._receive("ready", timeout=self._patience))
        except BaseException:
            self._abandon()
            raise

    def _environment(self) -> dict[str, str]:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        if self._settings["address"] == "local" and "RAY_AUTH_MODE" not in os.environ:
            # Others on this machine cannot use the cluster; Ray itself would write a token into the home folder.
            environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        return environment

    def run(self, function: JobFunction, jobs: Sequence[Job]) -> Iterator[tuple[int, str]]:
        """Do jobs (see `ragtally.api.Executor.run`)."""
        # A process that has a graphics card keeps it; who needs none shall not stand in the way of who does.
        for on_gpu in (True, False):
            positions = [position for position, job in enumerate(jobs) if (job.needs.gpus > 0) is on_gpu]
            if positions:
                yield from self._run(function, jobs, positions)

    def _run(self, function: JobFunction, jobs: Sequence[Job], positions: Sequence[int]) -> Iterator[tuple[int, str]]:
        self.start()
        needs = _largest([jobs[position].needs for position in positions])
        order = {"function": _name(function), "count": len(positions), "needs": needs}
        rest = iter(positions)
        missing = len(positions)
        try:
            self._send({"run": order})
            while missing:
                kind, value = self._next()
                if kind == "want":
                    # Thousands of jobs, each with its texts, do not all wait in Ray.
                    for position in itertools.islice(rest, value):
                        self._send({"job": [position, jobs[position].name, jobs[position].text]})
                elif kind == "reply":
                    missing -= 1
                    yield value[0], value[1]
        except BaseException:
            # Also where nobody waits for the rest: Ray ends what its process began.
            self._abandon()
            raise

    def survey(self, function: JobFunction, text: str) -> Sequence[tuple[str, str]]:
        """Ask every machine that can do work (see `ragtally.api.Executor.survey`)."""
        self.start()
        try:
            self._send({"survey": {"function": _name(function), "text": text}})
            return [(machine, reply) for machine, reply in self._receive("machines")]
        except BaseException:
            self._abandon()
            raise

    def close(self) -> None:
        """End the process, and with it the workers and what was started for them."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_END)
        # Where the head is gone, Ray waits for it; a cluster that it started dies with it.
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]
        shutil.rmtree(self._folder, ignore_errors=True)

    def _abandon(self) -> None:
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()  # type: ignore[union-attr]
        self.close()

    def _send(self, message: dict[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise AssertionError("nothing is sent before the start")
        # Where the process has ended, what it said last tells why.
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()

    def _receive(self, topic: str, timeout: float = _SILENCE) -> Any:
        while True:
            kind, value = self._next(timeout)
            if kind == topic:
                return value

    def _next(self, timeout: float = _SILENCE) -> tuple[str, Any]:
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise StoppedError(
                f"Ray has not answered for {timeout:.0f} seconds",
                hint="look at the cluster (ray status), then run again",
            ) from None
        if not line:
            raise self._death()
        message = json.loads(line)
        if error := message.get("error"):
            raise _error(error)
        ((kind, value),) = message.items()
        return kind, value

    def _death(self) -> StoppedError:
        lines = (self._folder / "stderr").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = f": {lines[-1][:300]}" if lines else ""
        return StoppedError(
            f"the process that talks to Ray ended{last}",
            hint="look at the cluster (ray status), then run the same command again: what is done stays",
        )


def _read(process: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in process.stdout or ():
            lines.put(line)
    lines.put("")


def _error(error: dict[str, Any]) -> Exception:
    if error["kind"] == "bug":
        return RuntimeError(error["message"])
    return (StoppedError if error["kind"] == "stopped" else RagtallyError)(error["message"], hint=error["hint"])


def _name(function: JobFunction) -> str:
    return f"{function.__module__}:{function.__qualname__}"


def _largest(needs: Sequence[Needs]) -> dict[str, float]:
    # Processes that are alike do all the jobs: a model that one has loaded is not loaded again for the next job.
    return {name: max(getattr(each, name) for each in needs) for name in ("cpus", "gpus", "memory")}
