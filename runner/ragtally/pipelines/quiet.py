"""Haystack, imported with its telemetry switched off.

Haystack reads the switch once, when it is imported, and would otherwise write a user id into the home folder and
send events from every `Pipeline.run`. The switch is set for the import alone and then put back, so that loading
this module leaves the process' environment as it was.
"""

from __future__ import annotations

import os

_SWITCH = "HAYSTACK_TELEMETRY_ENABLED"
_before = os.environ.get(_SWITCH)
os.environ[_SWITCH] = "False"
try:
    from haystack import Document, Pipeline, component
    from haystack.core.errors import PipelineRuntimeError
    from haystack.dataclasses import ChatMessage
    from haystack.telemetry import _telemetry
finally:
    if _before is None:
        del os.environ[_SWITCH]
    else:
        os.environ[_SWITCH] = _before

# Where somebody imported Haystack first, with telemetry on, the switch came too late.
_telemetry.telemetry = None

__all__ = ["ChatMessage", "Document", "Pipeline", "PipelineRuntimeError", "component"]
