"""Processes of this machine: whether one lives, and what this one has held. Of other machines' none can be told."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import resource
from pathlib import Path


@functools.cache
def machine() -> str:
    """Name what process numbers mean something to: a start of a machine, and in it a container."""
    facts = [platform.node()]
    for read in (_boot, _namespace):
        try:
            facts.append(read())
        except OSError:
            # Not Linux: the machine's name has to do.
            continue
    return hashlib.blake2b("\n".join(facts).encode(), digest_size=8).hexdigest()


def started(process: int) -> str | None:
    """When a process started, in the system's own count; None where the system does not tell."""
    fields = _status(process)
    return fields[19] if fields else None


def is_running(process: int, since: str | None = None) -> bool:
    """Tell whether a process of this machine lives, and is the one that started then."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    fields = _status(process)
    # One that has ended and whose parent has not heard of it yet (Z) does nothing either. Numbers are used again.
    return not fields or (fields[0] not in "ZX" and since in (None, fields[19]))


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").stat().st_ino)


def _status(process: int) -> list[str]:
    """The fields of proc(5) from the state on; the command's name before them may hold anything."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def peak_memory() -> int:
    """The most main memory that this process has held so far, in bytes."""
    try:
        # Not the peak of getrusage(2), which on Linux a process inherits from the one that started it.
        lines = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024
    except (OSError, StopIteration):
        # Not Linux: there the count is one of bytes.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
