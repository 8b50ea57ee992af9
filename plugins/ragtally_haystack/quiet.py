"""Haystack, and whatever it wraps, imported with telemetry switched off.

Haystack reads its switch once, when it is imported, and would otherwise write a user id into the home folder and send
events. The switches are set for imports alone and then put back, so that the process' environment stays as it was.
Integrations import Haystack too, so this module comes before them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# The switches of Haystack and of libraries that its integrations wrap.
SWITCHES: Mapping[str, str] = {
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # LiteLLM would fetch its price table from the network.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # In its other mode LiteLLM loads `.env` into the process' environment.
    "LITELLM_MODE": "PRODUCTION",
}


@contextmanager
def switched_off() -> Iterator[None]:
    """Import libraries and make their objects inside this; the environment is put back afterwards."""
    before = {name: os.environ.get(name) for name in SWITCHES}
    os.environ.update(SWITCHES)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


with switched_off():
    from haystack import Document, component, default_from_dict, default_to_dict
    from haystack.core.serialization import component_from_dict, generate_qualified_class_name, import_class_by_name
    from haystack.core.serialization_security import allow_deserialization_module
    from haystack.dataclasses import ChatMessage
    from haystack.document_stores.types import DuplicatePolicy, FilterPolicy
    from haystack.telemetry import _telemetry

# Where somebody imported Haystack first, with telemetry on, the switch came too late.
_telemetry.telemetry = None

__all__ = [
    "ChatMessage",
    "Document",
    "DuplicatePolicy",
    "FilterPolicy",
    "allow_deserialization_module",
    "component",
    "component_from_dict",
    "default_from_dict",
    "default_to_dict",
    "generate_qualified_class_name",
    "import_class_by_name",
    "switched_off",
]
