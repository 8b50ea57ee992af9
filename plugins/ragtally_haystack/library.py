"""Haystack itself, imported with telemetry off; integrations import Haystack too, so this module comes first."""

from __future__ import annotations

from ragtally.support.telemetry import haystack_import

with haystack_import():
    from haystack import Document, component, default_from_dict, default_to_dict
    from haystack.core.component.component import ComponentMeta
    from haystack.core.serialization import component_from_dict, generate_qualified_class_name
    from haystack.core.serialization_security import allow_deserialization_module
    from haystack.dataclasses import ChatMessage
    from haystack.document_stores.types import DuplicatePolicy, FilterPolicy

__all__ = [
    "ChatMessage",
    "ComponentMeta",
    "Document",
    "DuplicatePolicy",
    "FilterPolicy",
    "allow_deserialization_module",
    "component",
    "component_from_dict",
    "default_from_dict",
    "default_to_dict",
    "generate_qualified_class_name",
]
