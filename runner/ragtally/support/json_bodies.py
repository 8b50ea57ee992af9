"""JSON of somebody else's server, read so that neither its depth nor its numbers can do harm."""

from __future__ import annotations

import json
from typing import Any

# More digits than any count has. Python refuses integers of more than 4,300 digits, and takes long over fewer.
_MOST_DIGITS = 18


def read_json(text: str | bytes) -> Any:
    """Read JSON.

    Args:
        text: What a server sent.

    Returns:
        What it says; integers that are too long to count anything as floats, perhaps infinite.

    Raises:
        ValueError: If it is no JSON, or nested too deeply to be read.
    """
    try:
        return _decode(text if isinstance(text, str) else text.decode(json.detect_encoding(text), "surrogatepass"))
    except RecursionError:
        raise ValueError("this JSON is nested too deeply") from None


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


# Made once: `json.loads` makes a decoder for every text that it is to read in another way than usual.
_decode = json.JSONDecoder(parse_int=_number).decode
