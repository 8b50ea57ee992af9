"""What Ollama was last seen to hold, for when its server is away.

Kept in the user's cache folder (`$XDG_CACHE_HOME/ragtally/ollama.json`, else below `~/.cache`): it says something
about servers, not about any one project or its store.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import NamedTuple


class Seen(NamedTuple):
    """A model as a server held it."""

    digest: str  # The hash of its manifest
    context_length: int | None  # The most tokens that the model itself can take; None where unknown


def remember(base: str, model: str, seen: Seen) -> None:
    """Write down what a server holds; where nothing can be written, nothing is remembered."""
    known = _read()
    if known.get(_name(base, model)) == seen._asdict():
        return
    known[_name(base, model)] = seen._asdict()
    path = _path()
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(known, indent=1, sort_keys=True), encoding="utf-8")
        temporary.replace(path)


def recall(base: str, model: str) -> Seen | None:
    """Read what a server held when it was last asked."""
    match _read().get(_name(base, model)):
        case {"digest": str(digest), "context_length": int(length)}:
            return Seen(digest, length)
        case {"digest": str(digest)}:
            return Seen(digest, None)
    return None


def _name(base: str, model: str) -> str:
    return f"{base} {model}"


def _path() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "ragtally" / "ollama.json"


def _read() -> dict[str, object]:
    try:
        known = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
