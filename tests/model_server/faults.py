"""Which requests go wrong, and how."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_server.settings import Settings

STATUSES: Mapping[str, int] = {
    "429_seconds": 429,  # Retry-After in seconds
    "429_date": 429,  # Retry-After as an HTTP date
    "429_bare": 429,  # no Retry-After
    "500": 500,
    "502": 502,  # an HTML page of a proxy
    "503": 503,
    "daily_tokens": 429,
    "daily_requests": 429,
    "no_credit": 429,
    "400": 400,
    "401": 401,
    "403": 403,
    "404": 404,
    "413": 413,
    "too_long": 400,
    "content_policy": 400,
}
"""Faults that are an error status with the provider's own words."""

WIRE = (
    "reset",  # the connection is reset before a byte of an answer
    "disconnect",  # the connection is closed before a byte of an answer
    "half_body",  # Content-Length promises the whole body, half of it comes, the connection is closed
    "drip",  # the body comes byte by byte over `hold_seconds`
    "hang",  # nothing comes for `hold_seconds`
)
"""Faults of the connection."""

CONTENT = (
    "invalid_json",  # 200 with JSON that breaks off
    "empty_choices",  # 200 without an answer
    "wrong_usage",  # a good answer with nonsense for token counts
)
"""Faults of a body that comes whole with status 200."""

VECTORS = (
    "one_too_few",  # one text has no embedding
    "not_a_number",  # an embedding has NaN in it
    "ragged",  # one embedding is shorter than the others
)
"""Faults of a body with embeddings."""

FAULTS = (*STATUSES, *WIRE, *CONTENT, *VECTORS)

PASSING = (
    "429_seconds",
    "429_date",
    "429_bare",
    "500",
    "502",
    "503",
    "reset",
    "disconnect",
    "half_body",
    "drip",
    "hang",
    "invalid_json",
    "empty_choices",
    "wrong_usage",
    *VECTORS,
)
"""Faults after which the same call may be answered, and `wrong_usage`, which is an answer; a call that meets another
one meets it again."""


def fraction(*parts: object) -> float:
    """Draw a number from 0 to below 1 that depends on the parts alone."""
    text = "\0".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest()) / 2**56


class FaultPicker:
    """Decides the fault of each request."""

    def __init__(self, settings: Settings) -> None:
        self._attempts: Counter[str] = Counter()
        self.change(settings)

    def change(self, settings: Settings) -> None:
        """Go on with other settings; the script starts anew where it is another one."""
        shares = dict(settings.faults)
        for name in PASSING if settings.mix else ():
            shares[name] = shares.get(name, 0.0) + settings.mix / len(PASSING)
        self._sticky = [(name, share) for name, share in shares.items() if name not in PASSING]
        self._fleeting = [(name, share) for name, share in shares.items() if name in PASSING]
        if getattr(self, "_written", None) != settings.script:
            self._written = settings.script
            self._script = deque(settings.script)
        self._settings = settings

    def pick(self, key: str, succeeded: int) -> str | None:
        """Decide the fault of a request."""
        attempt = self._attempts[key]
        self._attempts[key] += 1
        for used_up, successes in self._settings.after.items():
            if succeeded >= successes:
                return used_up
        if self._script:
            return self._script.popleft()
        seed = self._settings.seed
        lasting = _choose(self._sticky, fraction("sticky", seed, key)) if self._sticky else None
        if lasting is None and self._fleeting:
            return _choose(self._fleeting, fraction("fault", seed, key, attempt))
        return lasting


def _choose(shares: list[tuple[str, float]], draw: float) -> str | None:
    for name, share in shares:
        if draw < share:
            return name
        draw -= share
    return None
