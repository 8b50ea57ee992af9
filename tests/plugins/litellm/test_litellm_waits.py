"""How long to wait is read from headers and words."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate

import pytest

from ragtally_litellm.waits import retry_after

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("headers", "said", "seconds"),
    [
        ({"retry-after": "7"}, "", 7.0),
        ({"retry-after": "1.5"}, "", 1.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, "", 0.25),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, "", 30.0),
        ({"retry-after": formatdate(NOW + 30)}, "", 30.0),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, "", 0.0),
        ({"retry-after": "6m0s"}, "", 360.0),
        ({"retry-after": "soon"}, "try again in 2s", 2.0),
        ({"retry-after": "nan"}, "", None),
        ({}, "Please try again in 9m38.016s. Need more?", 578.016),
        ({}, "Please try again in 20ms. Visit", 0.02),
        ({}, "Please try again in 1h2m3s.", 3723.0),
        ({}, "please retry after 15 seconds", 15.0),
        ({"x-ratelimit-reset-tokens": "7.66s", "x-ratelimit-remaining-tokens": "0"}, "", 7.66),
        (
            {
                "x-ratelimit-reset-requests": "2m59.5s",
                "x-ratelimit-remaining-requests": "12",
                "x-ratelimit-reset-tokens": "120ms",
                "x-ratelimit-remaining-tokens": "0",
            },
            "",
            0.12,
        ),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "9"}, "", None),
        ({"x-ratelimit-reset": str(int((NOW + 12) * 1000))}, "", 12.0),
        ({"x-ratelimit-reset": str(int(NOW + 12))}, "", 12.0),
        ({}, "slow down", None),
        ({}, "", None),
    ],
)
def test_the_wait_is_found(headers: Mapping[str, str], said: str, seconds: float | None) -> None:
    found = retry_after(headers, said, now=NOW)
    assert found == (None if seconds is None else pytest.approx(seconds, abs=1e-3))
