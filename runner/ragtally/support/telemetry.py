"""Libraries imported and used with their telemetry switched off.

They read their switches from the environment, most of them once, when they are imported. The switches are set for
that moment and then put back, so that the process' environment stays as it was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

from ragtally.support.environment import environment_with

SWITCHES: Mapping[str, str] = {
    # Haystack would write a user id into the home folder and send events from every `Pipeline.run`.
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # LiteLLM would fetch its price table from the network.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # In its other mode LiteLLM loads `.env` into the process' environment.
    "LITELLM_MODE": "PRODUCTION",
}
"""The switches of Haystack and of the libraries that its integrations wrap."""

# What Haystack sends with; importing it takes a third of the time that importing Haystack does.
_SENDER = "posthog"


@contextmanager
def telemetry_off() -> Iterator[None]:
    """Import libraries and make their objects inside this; the environment is put back afterwards."""
    try:
        with environment_with(SWITCHES):
            yield
    finally:
        # Where somebody imported Haystack first, with telemetry on, the switch came too late.
        if telemetry := sys.modules.get("haystack.telemetry._telemetry"):
            telemetry.telemetry = None  # type: ignore[attr-defined]


@contextmanager
def haystack_import() -> Iterator[None]:
    """Import Haystack itself inside this: as `telemetry_off`, and without the library that would send."""
    # Not for integrations, some of which use the sender themselves: they would be left with an empty module.
    stand_in = None if _SENDER in sys.modules else sys.modules.setdefault(_SENDER, ModuleType(_SENDER))
    try:
        with telemetry_off():
            yield
    finally:
        if stand_in is not None:
            sys.modules.pop(_SENDER, None)
