"""What a plain (unquoted) YAML word means: `true`, `false`, `null`, a decimal number, or itself.

Narrower than YAML 1.1, which PyYAML follows: `yes`, `no`, `on` and `off` stay words (they are labels here), and so
do dates, times, `1_000`, `0x1F`, `0o7` and `010`. Wider in one place: `1e-3` is a number.
"""

from __future__ import annotations

import re

# What a scalar in a spec can be.
Scalar = str | int | float | bool | None

# The largest whole number that a spec may hold; what calculates with it uses 64 bits.
LARGEST = 2**63 - 1

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)", re.ASCII)
_DECIMAL = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", re.ASCII)


def resolve_plain(text: str) -> Scalar:
    """Say what an unquoted word means."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        # Python refuses to read thousands of digits; what is that long is too large anyway.
        return int(text) if len(text) <= 20 and abs(int(text)) <= LARGEST else float("inf")
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
