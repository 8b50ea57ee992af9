"""Keys and passwords, kept out of specs, messages, logs and answers."""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Mapping, Sequence

MASK = "[key hidden]"
LONGEST_LINE = 300

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
# Shorter values are switches and names, not keys; hiding them would make messages unreadable.
_SHORTEST = 8
# A bearer token, the published shapes of providers' keys, and what a URL holds of them: a name or a password before
# its host, a key among its parameters.
_LOOKS_SECRET = re.compile(
    r"(?i:bearer)\s+[\w.~+/=-]{8,}"
    r"|\b(?:sk|rk|pk|gsk|xai|hf|nvapi|fw|pplx|csk|r8|ghp)[-_][\w-]{16,}"
    r"|\bAIza[\w-]{30,}"
    r"|(?<=://)[^/\s@]+(?=@)"
    r"|(?i:(?<=[?&])(?:[\w-]*(?:key|token|secret|password|signature)|pass|pwd|auth|sig)=[^&\s#\"']+)"
)


def known_secrets(values: Mapping[str, str]) -> tuple[str, ...]:
    """Collect what may be a key.

    Args:
        values: Environment variables, such as `ragtally.support.environment.environment` returns.

    Returns:
        The values of variables named like keys, also as JSON and base64 would write them; the longest first, so that
        a key that begins another one does not leave the rest of it behind.
    """
    secrets = {value for name, value in values.items() if _SECRET_NAME.search(name) and is_long_enough(value)}
    forms = {form for secret in secrets for form in (json.dumps(secret)[1:-1], *_in_base64(secret))}
    return tuple(sorted(secrets | forms, key=len, reverse=True))


def is_long_enough(key: str | None) -> bool:
    """Whether a key can be told from an ordinary word, so that it may be hidden wherever it appears."""
    return key is not None and len(key) >= _SHORTEST


def looks_secret(text: str) -> bool:
    """Whether a text holds something shaped like a key, or a URL with a password."""
    return _LOOKS_SECRET.search(text) is not None


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """Hide keys in a text.

    Args:
        text: Any text, such as a provider's message.
        secrets: What `known_secrets` returned; whatever looks like a key is hidden too.

    Returns:
        The text with `MASK` in their place.
    """
    for secret in secrets:
        text = text.replace(secret, MASK)
    if secrets and ("\\u" in text or "%" in text):
        text = _escapes_of(tuple(secrets)).sub(MASK, text)
    return _LOOKS_SECRET.sub(MASK, text)


def redact_line(text: str, secrets: Sequence[str] = ()) -> str:
    """Hide keys in a text and shorten it to one line of at most `LONGEST_LINE` characters; see `redact`."""
    # Hidden before it is cut: half a key is still half a key.
    line = " ".join(redact(text, secrets).split())
    return line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + "..."


def _in_base64(secret: str) -> list[str]:
    """What base64 makes of a key, wherever in the encoded text the key begins."""
    whole = secret.encode()
    shifted = [base64.b64encode(b"\0" * shift + whole).decode() for shift in range(3)]
    # The first and the last signs also hold bits of what stands around the key.
    forms = [text[(0, 2, 3)[shift] :].rstrip("=")[:-1] for shift, text in enumerate(shifted)]
    return [*forms, *(form.translate(str.maketrans("+/", "-_")) for form in forms)]


@functools.lru_cache(maxsize=8)
def _escapes_of(secrets: tuple[str, ...]) -> re.Pattern[str]:
    """Match keys of which any character may be written as JSON or a URL escapes it."""
    return re.compile("|".join("".join(map(_escape_of, secret)) for secret in secrets))


def _escape_of(sign: str) -> str:
    quoted = "".join(f"%{byte:02x}" for byte in sign.encode())
    return rf"(?:{re.escape(sign)}|\\+(?i:u{ord(sign):04x})|(?i:{quoted}))"
