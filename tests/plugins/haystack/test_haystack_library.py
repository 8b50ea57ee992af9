"""Haystack comes with its telemetry off, and not before a spec names one of its classes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys
from ragtally.api import Documents
from ragtally_haystack import register_chunkers, register_models

(chunker,), (model,) = register_chunkers(), register_models()
assert not {"haystack", "numpy", "litellm", "openai"} & set(sys.modules)
given = {"type": "haystack.components.preprocessors.DocumentSplitter", "init_parameters": {"split_length": 2}}
parameters = {name: schema.get("default") for name, schema in model.params.items()}
parameters["type"] = "haystack_integrations.components.generators.litellm.LiteLLMChatGenerator"
assert not chunker.check(given) and not model.check(parameters)
assert chunker.fingerprint(given) and chunker.diagnose(given) and model.traits(parameters)
assert len(chunker.build(**given).split(Documents(["a"], ["one two three"], [[0]], [[13]]))) == 2
from haystack.telemetry import _telemetry
assert _telemetry.telemetry is None
switches = {"HAYSTACK_TELEMETRY_ENABLED", "LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_MODE"} & set(os.environ)
assert not switches, switches
"""


# Haystack is imported again, without the switch that tests and the Makefile set: three seconds of it.
@pytest.mark.slow
def test_a_check_and_a_build_send_and_write_nothing(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HAYSTACK", "LITELLM"))}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
