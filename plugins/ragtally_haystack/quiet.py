"""Haystack, imported with its telemetry switched off.

Haystack reads the switch once, when it is imported, and would otherwise write a user id into the home folder and send
events. The switch is set for the import alone and then put back, so that the process' environment stays as it was.
Integrations import Haystack too, so this module comes before them.
"""

from __future__ import annotations

import os

_SWITCH = "HAYSTACK_TELEMETRY_ENABLED"
_before = os.environ.get(_SWITCH)
os.environ[_SWITCH] = "False"
try:
    from haystack import Document, component, default_from_dict, default_to_dict
    from haystack.core.errors import DeserializationError
    from haystack.core.serialization import component_from_dict, generate_qualified_class_name, import_class_by_name
    from haystack.core.serialization_security import allow_deserialization_module
    from haystack.dataclasses import ChatMessage
    from haystack.document_stores.types import DuplicatePolicy, FilterPolicy
    from haystack.telemetry import _telemetry
finally:
    if _before is None:
        del os.environ[_SWITCH]
    else:
        os.environ[_SWITCH] = _before

# Where somebody imported Haystack first, with telemetry on, the switch came too late.
_telemetry.telemetry = None

__all__ = [
    "ChatMessage",
    "DeserializationError",
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
]
