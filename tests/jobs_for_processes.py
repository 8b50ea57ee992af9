"""Jobs of tests: in a module that other processes can import."""

from __future__ import annotations

import os
import time
from pathlib import Path


def shout(text: str) -> str:
    return f"{text.upper()} {os.getpid()} {os.environ.get('OMP_NUM_THREADS')}"


def sleep(path: str) -> str:
    """Say in a file which process this is, then do nothing for long."""
    Path(path).write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(600)
    return path


def work_alone(path: str) -> str:
    """Say whether another job of that path is done at the same time."""
    try:
        Path(path).touch(exist_ok=False)
    except FileExistsError:
        return "not alone"
    time.sleep(0.2)
    Path(path).unlink()
    return "alone"
