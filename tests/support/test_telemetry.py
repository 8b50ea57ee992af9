"""The switches are set for an import alone."""

from __future__ import annotations

import os
import sys

import pytest

from ragtally.support.telemetry import SWITCHES, haystack_import, telemetry_off


def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SWITCHES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    before = dict(os.environ)
    with pytest.raises(RuntimeError), telemetry_off():
        assert os.environ["DO_NOT_TRACK"] == "1" and set(SWITCHES) <= set(os.environ)
        raise RuntimeError
    assert dict(os.environ) == before


def test_the_stand_in_for_the_sender_goes_with_the_outermost_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "posthog", raising=False)
    with haystack_import():
        with haystack_import():
            pass
        assert not hasattr(sys.modules["posthog"], "__file__")
    assert "posthog" not in sys.modules
