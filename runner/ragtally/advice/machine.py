"""What this machine has: cores, memory, GPUs."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_MIB = 1 << 20
_QUERY = ["--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
# Where Linux says how much a container may have; the first is of the second version of control groups.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU."""

    name: str
    memory: int  # Bytes
    free: int  # Bytes that nobody uses now


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine."""

    cores: int  # That this process may use
    memory: int  # Bytes of main memory, or what a container may have of it
    free: int  # Bytes that could be had now
    gpus: tuple[Gpu, ...] = ()


def this_machine() -> Machine:
    """Look at this machine; no driver is loaded for it."""
    memory = psutil.virtual_memory()
    limit = min([memory.total, *_container_limits()])
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(cores, limit, min(memory.available, limit), _gpus())


def _container_limits() -> list[int]:
    limits = []
    for name in _LIMITS:
        with suppress(OSError, ValueError):
            limits.append(int(Path(name).read_text(encoding="ascii")))
    return limits


def _gpus() -> tuple[Gpu, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        process = subprocess.run(
            [program, *_QUERY], capture_output=True, text=True, check=True, timeout=20, stdin=subprocess.DEVNULL
        )
        return tuple(map(_gpu, filter(None, process.stdout.splitlines())))
    # A driver that is not loaded makes it end with an error, or print words.
    except (OSError, subprocess.SubprocessError, ValueError):
        return ()


def _gpu(line: str) -> Gpu:
    name, memory, free = line.rsplit(",", 2)
    return Gpu(name.strip(), int(memory) * _MIB, int(free) * _MIB)
