"""A Ray cluster of two nodes on this machine, for tests: each node is what a machine would be."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil


@dataclass
class RayCluster:
    """Its nodes, the head first."""

    folder: Path
    port: int
    environment: Mapping[str, str]
    _nodes: list[list[psutil.Process]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where its head answers."""
        return f"127.0.0.1:{self.port}"

    @property
    def tokens(self) -> Mapping[str, str]:
        """What a process needs in its environment to use it."""
        return {name: value for name, value in self.environment.items() if name.startswith("RAY_AUTH_")}

    def add_node(self) -> None:
        """Start a node of one CPU; the first is the head."""
        own = ["--head", f"--port={self.port}", f"--temp-dir={self.folder}", "--include-dashboard=false"]
        where = [f"--address={self.address}"] if self._nodes else own
        earlier = {process.pid for process in self.processes()}
        command = [Path(sys.executable).with_name("ray"), "start", "--num-cpus=1", "--disable-usage-stats", *where]
        subprocess.run(
            [*map(str, command), f"--object-store-memory={80 * 1024**2}"],
            env=self.environment, check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        self._nodes.append([process for process in self.processes() if process.pid not in earlier])

    def processes(self) -> list[psutil.Process]:
        """Every process of the cluster: Ray names the folder in the arguments of those that it starts."""
        return [
            process
            for process in psutil.process_iter()
            if any(str(self.folder) in word for word in _arguments(process)) and process.pid != os.getpid()
        ]

    def workers(self) -> list[psutil.Process]:
        """The processes that do jobs."""
        return [
            process for process in psutil.process_iter() if _arguments(process)[:1] == ["ray::Worker"]
            and self._is_ours(process)
        ]  # fmt: skip

    def kill_head(self) -> None:
        """Kill the processes of the first node, as a machine that loses its power."""
        _kill([*self._nodes[0], *(child for process in self._nodes[0] for child in _children(process))])

    def stop(self) -> None:
        """End all of it."""
        _kill([*self.workers(), *self.processes()])
        self._nodes.clear()

    def _is_ours(self, process: psutil.Process) -> bool:
        raylets = {each.pid for node in self._nodes for each in node}
        return any(parent.pid in raylets for parent in _parents(process))


@contextmanager
def ray_cluster(nodes: int = 2) -> Iterator[RayCluster]:
    """Start a cluster, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not re.match(r"RAY_", name)} | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    # Ray's sockets lie below it, and their paths must be short.
    folder = Path(tempfile.mkdtemp(prefix="rt-"))
    cluster = RayCluster(folder, port, environment)
    try:
        for _ in range(nodes):
            cluster.add_node()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + 20
    while any(process.is_running() and _state(process) != psutil.STATUS_ZOMBIE for process in processes):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _parents(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.parents()
    except psutil.Error:
        return []


def _state(process: psutil.Process) -> str:
    try:
        return process.status()
    except psutil.Error:
        return psutil.STATUS_ZOMBIE
