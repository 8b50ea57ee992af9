"""The plugin alone sends and writes nothing, and a check imports nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = """
import os, sys
from ragtally_haystack import register_chunkers, register_models

(chunker,), (model,) = register_chunkers(), register_models()
given = {"type": "haystack.components.preprocessors.DocumentSplitter", "init_parameters": {"split_length": 2}}
asked = {name: schema.get("default") for name, schema in model.params.items()}
asked["type"] = "haystack_integrations.components.generators.litellm.LiteLLMChatGenerator"
assert not chunker.check(given) and not model.check(asked)
assert chunker.fingerprint(given) and chunker.diagnose(given) and model.traits(asked)
heavy = {"haystack", "numpy", "litellm", "openai"} & set(sys.modules)
assert not heavy, heavy
"""
BUILD = """
from ragtally.api import Documents
assert len(chunker.build(**given).split(Documents(["a"], ["one two three"], [[0]], [[13]]))) == 2
from haystack.telemetry import _telemetry
assert _telemetry.telemetry is None
switches = {"HAYSTACK_TELEMETRY_ENABLED", "LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_MODE"} & set(os.environ)
assert not switches, switches
"""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(CHECK, id="check"),
        # Haystack is imported anew, without the switch that tests and the Makefile set: three seconds of it.
        pytest.param(CHECK + BUILD, id="build", marks=pytest.mark.slow),
    ],
)
def test_a_check_imports_nothing_and_a_build_sends_nothing(script: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HAYSTACK", "LITELLM"))}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
