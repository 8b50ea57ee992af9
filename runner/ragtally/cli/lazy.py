"""Parts of the command line that are loaded only when they are needed, so that every other command starts fast."""

from __future__ import annotations

import importlib
from typing import Any


def load(name: str) -> Any:
    """Import a module of the command line."""
    return importlib.import_module(f"ragtally.cli.{name}")
