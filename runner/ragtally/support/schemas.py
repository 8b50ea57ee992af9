"""Schemas of parameters that several plugins have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HUB_REVISION: Mapping[str, Any] = {
    "type": ["string", "null"],
    "minLength": 1,
    "default": None,
    "description": "Which commit, tag or branch of a model on the hub; main if omitted.",
    "x-ragtally-identity": "fingerprint",
}
"""The parameter `revision` of what takes a model of the Hugging Face hub."""


def outside_identity(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Mark a parameter as saying where or how fast, not what: it is no part of an address or a call's key."""
    return {**schema, "x-ragtally-identity": False}
