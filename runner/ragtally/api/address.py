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
# Made once: `json.dumps` would make one for each of a study's hundred thousand addresses.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
# What needs no further look.
_SCALARS = frozenset({str, int, bool, type(None)})


def canonical_json(value: Any) -> str:
    """Write a value as the one JSON text that equal values share."""
    # Keys are sorted, whitespace is left out, tuples are lists, and a float that is a whole number is not the same as
    # the integer (`1.0` is not `1`).
    _require_json(value, ())
    return _ENCODER.encode(value)


def address(payload: Mapping[str, Any]) -> str:
    """Hash a description of work to its address."""
    return text_address(canonical_json(payload))


def text_address(text: str) -> str:
    """Hash a description that is written as canonical JSON already."""
    return f"{TAG}:{hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()}"


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


def _require_json(value: Any, path: tuple[Any, ...]) -> None:
    # A path is a pair, the outer path and a key or an index, and written out for an error only.
    if isinstance(value, (dict, Mapping)):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{_place(path)} has the key {key!r}, which is no string")
            if type(item) not in _SCALARS:
                _require_json(item, (path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            if type(item) not in _SCALARS:
                _require_json(item, (path, index))
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{_place(path)} is {value}, which has no canonical form")
    elif value is not None and not isinstance(value, (str, int)):
        raise TypeError(f"{_place(path)} is a {type(value).__name__}, which has no canonical form")


def _place(path: tuple[Any, ...]) -> str:
    if not path:
        return "$"
    outer, key = path
    return f"{_place(outer)}[{key}]" if isinstance(key, int) else f"{_place(outer)}.{key}"
