"""Keys: from the environment or a file `.env` only, and out of everything that is written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
# Shorter values are switches and names, not keys; to blot them out would make messages unreadable.
_SHORTEST = 8
# A bearer token, the published shapes of providers' keys, and a name with a password inside a URL.
_LOOKS_SECRET = re.compile(
    r"(?i:bearer)\s+[\w.~+/=-]{8,}"
    r"|\b(?:sk|rk|pk|gsk|xai|hf|nvapi|fw|pplx|csk|r8|ghp)[-_][\w-]{16,}"
    r"|\bAIza[\w-]{30,}"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
HIDDEN = "[key hidden]"


def environment() -> dict[str, str]:
    """Read the environment, filled up from the nearest `.env`; neither is changed."""
    # The file is looked for from the working directory upwards to the root of the git repository, and in the working
    # directory alone where there is no repository. What the process' environment holds wins.
    return {**_from_file(Path.cwd()), **os.environ}


def first_value(names: Sequence[str], values: Mapping[str, str]) -> str | None:
    """Find the first of several variables that holds something."""
    return next((values[name] for name in names if values.get(name)), None)


def known_secrets(values: Mapping[str, str]) -> tuple[str, ...]:
    """Collect whatever may be a key, to recognise it in messages."""
    found = {value for name, value in values.items() if _SECRET_NAME.search(name) and len(value) >= _SHORTEST}
    return tuple(sorted(found | {json.dumps(value)[1:-1] for value in found}, key=len, reverse=True))


def key_to_hide(key: str | None) -> str:
    """Say what is blotted out of replies where a provider repeats the key that it was sent."""
    return key if key is not None and len(key) >= _SHORTEST else ""


def without_secrets(text: str, secrets: Sequence[str]) -> str:
    """Blot out keys in a text."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return _LOOKS_SECRET.sub(HIDDEN, text)


def looks_secret(text: str) -> bool:
    """Say whether a text written into a spec looks like a key, or like a URL with a password."""
    return _LOOKS_SECRET.search(text) is not None


def _from_file(start: Path) -> dict[str, str]:
    for folder in (start, *start.parents) if _repository(start) else (start,):
        path = folder / ".env"
        if path.is_file():
            from dotenv import dotenv_values

            return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
        if (folder / ".git").exists():
            break
    return {}


def _repository(start: Path) -> bool:
    return any((folder / ".git").exists() for folder in (start, *start.parents))
