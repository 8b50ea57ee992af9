"""Addresses: tagged hashes that say what a piece of work is, so that no work is done twice.

Layer 0: standard library only.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TAG = "r1"
_DIGEST_BYTES = 20


def canonical_json(value: Any) -> str:
    """Write a value as the one JSON text that equal values share."""
    # Keys are sorted, whitespace is left out, tuples are lists, and a float that is a whole number is not the same as
    # the integer (`1.0` is not `1`).
    _require_json(value, "$")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def address(payload: Mapping[str, Any]) -> str:
    """Hash a description of work to its address."""
    digest = hashlib.blake2b(canonical_json(payload).encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{TAG}:{digest}"


def derive_seed(seed: int, *parts: str | int) -> int:
    """Derive an independent seed from a seed and the words that say what it is for."""
    text = canonical_json([seed, *parts])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")


def file_hash(path: Path) -> str:
    """Hash a file's bytes, reading it in pieces."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    with path.open("rb") as handle:
        while piece := handle.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _require_json(value: Any, where: str) -> None:
    if value is None or isinstance(value, (str, bool, int)):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}, which has no canonical form")
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where} has the key {key!r}, which is no string")
            _require_json(item, f"{where}.{key}")
        return
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _require_json(item, f"{where}[{index}]")
        return
    raise TypeError(f"{where} is a {type(value).__name__}, which has no canonical form")
