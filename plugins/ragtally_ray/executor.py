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
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ragtally import Job, JobFunction, Needs, RagtallyError, StoppedError

INSTALL = "pip install 'ragtally[ray]'"
# The process says something every few seconds, however long the jobs take.
_SILENCE = 120.0
_SECONDS_TO_END = 10.0
# After so many jobs of which workers die, the others would end no better.
_MOST_LOST = 3
_LONGEST_PARENT = 20


class RayExecutor:
    """Starts nothing before it is used."""

    def __init__(self, address: str, workers: int | None, retries: int, wait: float) -> None:
        self._settings = {"address": address, "workers": workers, "retries": retries, "wait": wait}
        self._retries = retries
        # A cluster on this machine takes its time to start where the machine is busy.
        self._patience = wait + (_SILENCE if address == "local" else 30)
        self._lock = threading.Lock()
        self._driver: _Driver | None = None
        self._slots: dict[Needs, int] = {}

    def start(self) -> str:
        """Connect to the cluster, or start one; says what it has."""
        with self._lock:
            if self._driver is None:
                if importlib.util.find_spec("ray") is None:
                    raise RagtallyError("the executor ray needs Ray, which is not installed", hint=INSTALL)
                self._driver = _Driver(self._settings, self._patience)
            return self._driver.description

    def run(self, function: JobFunction, jobs: Sequence[Job]) -> Iterator[tuple[int, str]]:
        """Do jobs (see `ragtally.api.Executor.run`)."""
        # A worker that has a graphics card keeps it; who needs none shall not stand in the way of who does.
        for on_gpu in (True, False):
            positions = [position for position, job in enumerate(jobs) if (job.needs.gpus > 0) is on_gpu]
            if positions:
                yield from self._run(function, jobs, positions)

    def _run(self, function: JobFunction, jobs: Sequence[Job], positions: Sequence[int]) -> Iterator[tuple[int, str]]:
        driver = self._running()
        # Workers that are alike do all of them: a model that one has loaded is not loaded again for the next job.
        needs = _largest([jobs[position].needs for position in positions])
        window = 2 * self.slots(needs)
        lost: dict[int, str] = {}
        rest = iter(positions)
        with driver.conversation() as number:
            driver.send("run", {"id": number, "function": _name(function), "needs": asdict(needs)})
            # Thousands of jobs, each with its texts, do not all wait there.
            for position in itertools.islice(rest, window):
                driver.send("job", [number, position, jobs[position].text])
            try:
                for _ in positions:
                    kind, position, text = driver.receive(number)
                    if kind == "lost":
                        lost[position] = text
                        if len(lost) >= _MOST_LOST:
                            break
                    for following in itertools.islice(rest, 1):
                        driver.send("job", [number, following, jobs[following].text])
                    if kind == "reply":
                        yield position, text
            finally:
                driver.send("end", number)
        if lost:
            # A job of which workers die costs itself alone: the others are done by now.
            times = f"{self._retries + 1} times" if self._retries else "once"
            names = "; ".join(jobs[position].name for position in lost)
            raise StoppedError(
                f"the process that did it died {times}: {names} ({next(reversed(lost.values()))})",
                hint="run the same command again: what is done stays. Where memory is short, processes are killed: "
                "have fewer at once (--ray-workers)",
            )

    def slots(self, needs: Needs) -> int:
        """Say how many workers of the same needs there are (see `ragtally.api.Executor.slots`)."""
        # Each call of a language model comes with the question, and the answer stays the same.
        if needs not in self._slots:
            self._slots[needs] = int(self._ask("slots", needs=asdict(needs)))
        return self._slots[needs]

    def survey(self, function: JobFunction, text: str) -> Sequence[tuple[str, str]]:
        """Ask every machine that can do work (see `ragtally.api.Executor.survey`)."""
        return [(machine, reply) for machine, reply in self._ask("survey", function=_name(function), text=text)]

    def close(self) -> None:
        """End the process, and with it the workers and what was started for them."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.end()
            # Ray takes a second or two to end, in which results are written. Python waits for the thread at its end.
            threading.Thread(target=driver.close).start()

    def _running(self) -> _Driver:
        self.start()
        if (driver := self._driver) is None:
            raise StoppedError("the executor was closed")
        return driver

    def _ask(self, kind: str, **order: Any) -> Any:
        driver = self._running()
        with driver.conversation() as number:
            driver.send(kind, {"id": number, **order})
            return driver.receive(number)[1]


class _Driver:
    """The process, and the conversations of several threads with it."""

    def __init__(self, settings: dict[str, Any], patience: float) -> None:
        # Ray's sockets lie below it, whose paths can have no more than 107 bytes.
        parent = None if len(tempfile.gettempdir()) <= _LONGEST_PARENT else "/tmp"
        self._folder = Path(tempfile.mkdtemp(prefix="ragtally-ray-", dir=parent))
        self._conversations: dict[int, queue.SimpleQueue[list[Any]]] = {0: queue.SimpleQueue()}
        self._numbers = itertools.count(1)
        self._sending = threading.Lock()
        self._last_word = time.monotonic()
        self._end: list[Any] | None = None
        self._was_ended = False
        with (self._folder / "stderr").open("wb") as log:
            # In a session of its own, Ctrl-C reaches ragtally alone, which then ends this process.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ragtally_ray.driver"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env=_environment(settings | {"folder": str(self._folder)}),
                start_new_session=True,
            )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        try:
            self.description: str = self.receive(0, patience)[1]
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def conversation(self) -> Iterator[int]:
        """Give a number to what a thread asks and gets."""
        number = next(self._numbers)
        own = self._conversations[number] = queue.SimpleQueue()
        if self._end is not None:
            own.put(self._end)
        try:
            yield number
        finally:
            del self._conversations[number]

    def send(self, kind: str, value: Any) -> None:
        """Send an order; where the process has ended, what it said last tells why."""
        with self._sending, contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps({kind: value}) + "\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]

    def receive(self, number: int, silence: float = _SILENCE) -> list[Any]:
        """Wait for what belongs to a conversation; raises what went wrong."""
        while True:
            with contextlib.suppress(queue.Empty):
                kind, *values = self._conversations[number].get(timeout=1.0)
                break
            if time.monotonic() - self._last_word > silence:
                hint = "look at the cluster (ray status), then run the same command again"
                raise StoppedError(f"Ray has not answered for {silence:.0f} seconds{self._last_line()}", hint=hint)
        if kind == "failure":
            raise _error(values[0])
        return [kind, *values]

    def end(self) -> None:
        """Have it end, which takes a while."""
        self._was_ended = True
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]

    def close(self) -> None:
        """End it; where Ray waits for a head that is gone, it is killed, and a cluster that it started with it."""
        self.end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS_TO_END)
        self._process.kill()
        self._process.wait()
        self._reading.join(_SECONDS_TO_END)
        self._process.stdout.close()  # type: ignore[union-attr]
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._last_word = time.monotonic()
            kind, *values = json.loads(line)
            if kind == "error":
                self._end = ["failure", values[0]]
            elif kind != "tick" and (own := self._conversations.get(values[0])) is not None:
                own.put([kind, *values[1:]])
        self._end = self._end or ["failure", self._death()]
        for own in list(self._conversations.values()):
            own.put(self._end)

    def _death(self) -> dict[str, str]:
        if self._was_ended:
            return {"kind": "stopped", "message": "the executor was closed", "hint": ""}
        hint = "look at the cluster (ray status), then run the same command again: what is done stays"
        return {"kind": "stopped", "message": f"the process that talks to Ray ended{self._last_line()}", "hint": hint}

    def _last_line(self) -> str:
        """What Ray wrote last, to follow a sentence."""
        with contextlib.suppress(OSError):
            lines = (self._folder / "stderr").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return f": {lines[-1][:300]}" if lines else ""
        return ""


def _environment(settings: dict[str, Any]) -> dict[str, str]:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAGTALLY_RAY": json.dumps(settings),
    }
    if settings["address"] == "local" and "RAY_AUTH_MODE" not in os.environ:
        # Others on this machine cannot use the cluster; Ray itself would write a token into the home folder.
        environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    return environment


def _error(error: dict[str, Any]) -> Exception:
    if error["kind"] == "bug":
        return RuntimeError(error["message"])
    return (StoppedError if error["kind"] == "stopped" else RagtallyError)(
        error["message"], hint=error["hint"] or None
    )


def _name(function: JobFunction) -> str:
    return f"{function.__module__}:{function.__qualname__}"


def _largest(needs: Sequence[Needs]) -> Needs:
    return Needs(
        max(each.cpus for each in needs), max(each.gpus for each in needs), max(each.memory for each in needs)
    )
