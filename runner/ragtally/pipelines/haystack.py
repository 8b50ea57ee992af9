"""Haystack, imported with its telemetry switched off."""

from __future__ import annotations

from ragtally.support.telemetry import haystack_import

with haystack_import():
    from haystack import Document, Pipeline, component
    from haystack.components.builders import ChatPromptBuilder
    from haystack.dataclasses import ChatMessage

__all__ = ["ChatMessage", "ChatPromptBuilder", "Document", "Pipeline", "component"]
