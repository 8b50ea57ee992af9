"""`ragtally advise`: the machine, and what a study's models need of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from command_line import SMALL_SPEC, in_process
from model_shapes import LORA, SMOLLM2
from ragtally.api import Footprint
from ragtally.registry import Registry


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(SMALL_SPEC, encoding="utf-8")
    return path


def test_a_study_without_models_of_its_own(spec: Path) -> None:
    outcome = in_process(spec.parent, "advise", "spec.yaml")
    assert outcome.code == 0
    assert outcome.out.startswith("this machine: ")
    assert "no model of this study" in outcome.out


@pytest.fixture
def trained_here(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Registry.get

    def footprint(parameters: Mapping[str, Any]) -> Footprint:
        return Footprint(SMOLLM2, 32, 32, "cpu", LORA)

    def get(self: Registry, choice: Any) -> Any:
        entry = real(self, choice)
        if choice.name == "specialist":
            object.__setattr__(entry.component, "footprint", footprint)
        return entry

    monkeypatch.setattr(Registry, "get", get)


@pytest.mark.usefixtures("trained_here")
def test_what_a_reader_needs_is_shown_part_by_part(spec: Path) -> None:
    outcome = in_process(spec.parent, "advise", "spec.yaml", COLUMNS="80")
    assert "reader words" in outcome.out
    assert "training, 4 x 256 tokens" in outcome.out
    assert {"weights", "activations", "predictions"} <= set(outcome.out.split())
    content = json.loads(in_process(spec.parent, "advise", "spec.yaml", "--json").out)
    (need,) = content["needs"]
    assert need["amount"][0] < need["amount"][1] < need["amount"][2]
    assert {"cores", "memory", "free", "gpus"} == content["machine"].keys()
