"""Haystack, imported with its telemetry switched off.

Haystack reads the switch once, when it is imported, and would otherwise write a user id into the home folder and
send events from every `Pipeline.run`. The switch is set for the import alone and then put back, so that loading
this module leaves the process' environment as it was. The library that would send, a third of the time that the
import takes, is not loaded at all: an empty module stands in for it meanwhile.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType

_SWITCH = "HAYSTACK_TELEMETRY_ENABLED"
_before = os.environ.get(_SWITCH)
os.environ[_SWITCH] = "False"
_SENDER = "posthog"
_stand_in = sys.modules.setdefault(_SENDER, ModuleType(_SENDER))
try:
    from haystack import Document, Pipeline, component
    from haystack.core.errors import PipelineRuntimeError
    from haystack.dataclasses import ChatMessage
    from haystack.telemetry import _telemetry
finally:
    if not hasattr(_stand_in, "__file__"):
        del sys.modules[_SENDER]
    if _before is None:
        del os.environ[_SWITCH]
    else:
        os.environ[_SWITCH] = _before

# Where somebody imported Haystack first, with telemetry on, the switch came too late.
_telemetry.telemetry = None

__all__ = ["ChatMessage", "Document", "Pipeline", "PipelineRuntimeError", "component"]
