"""`ragtally advise`: the machine, and what a study's models need of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from command_line import SMALL_SPEC, in_process
from model_shapes import LORA, SMOLLM2
from ragtally.api import DataError, Footprint
from ragtally.registry import Registry
from ragtally.steps import Task
from ragtally.workspace import Workspace


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
def trained_here(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    real, tuning = Registry.get, replace(LORA, length=getattr(request, "param", 2048))

    def footprint(parameters: Mapping[str, Any]) -> Footprint:
        return Footprint(SMOLLM2, 32, 32, "cpu", tuning)

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
    assert "training, 4 x " in outcome.out
    assert {"weights", "activations", "predictions"} <= set(outcome.out.split())
    content = json.loads(in_process(spec.parent, "advise", "spec.yaml", "--json").out)
    (need,) = content["needs"]
    assert need["amount"][0] < need["amount"][1] < need["amount"][2]
    assert {"cores", "memory", "free", "gpus"} == content["machine"].keys()


@pytest.mark.parametrize("trained_here", [700, 2048], indirect=True)
def test_the_examples_of_readers_that_are_tuned_are_counted(spec: Path, trained_here: None) -> None:
    content = json.loads(in_process(spec.parent, "advise", "spec.yaml", "--json", RAGTALLY_STORE="store").out)
    tokens, (need,) = content["training_tokens"]["words"], content["needs"]
    examples, longest, room = tokens["examples"], tokens["longest"], tokens["room"]
    assert examples * 100 < tokens["total"] < examples * longest
    assert 700 < longest < 2048
    assert 0 < tokens["too_long"] < examples if room == 700 else tokens["too_long"] == 0
    # Memory is needed for the longest example, not for what one may have.
    assert need["footprint"]["tuning"]["length"] == min(longest, room)


@pytest.mark.usefixtures("trained_here")
def test_examples_that_cannot_be_counted_say_why(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(self: Workspace, task: Task) -> Path:
        raise DataError("the download stopped")

    monkeypatch.setattr(Workspace, "entry", entry)
    outcome = in_process(spec.parent, "advise", "spec.yaml", RAGTALLY_STORE="store")
    assert outcome.code == 0
    assert "words: its examples' tokens are not known: the download stopped" in " ".join(outcome.out.split())
    assert "training, 4 x 2,048 tokens" in outcome.out


def test_a_model_that_is_not_here_is_named_with_its_remedy(spec: Path) -> None:
    text = SMALL_SPEC.replace("  floor:", "  tuned: {lora: {base: ./nowhere}}\n  floor:")
    spec.write_text(text, encoding="utf-8")
    outcome = in_process(spec.parent, "advise", "spec.yaml", RAGTALLY_STORE="store")
    assert outcome.code == 0 and "reader tuned: what it needs is not known: " in outcome.out
    assert "  hint: " in outcome.out and "no model of this study" not in outcome.out


def test_what_cannot_be_said_about_money_is_an_error(spec: Path) -> None:
    outcome = in_process(spec.parent, "advise", "spec.yaml", "--usd-labelling", "9")
    assert outcome.code == 2
    assert "is not known before small has results" in outcome.err and "ragtally run spec.yaml" in outcome.err
    for option, other in (("--hours-expert", "--usd-hour"), ("--usd-hour", "--hours-expert")):
        outcome = in_process(spec.parent, "advise", "spec.yaml", option, "9")
        assert outcome.code == 2 and other in outcome.err


def test_results_that_cannot_be_read_leave_the_rest_of_the_advice(spec: Path) -> None:
    folder = spec.parent / "data" / "results" / "small"
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text("{}", encoding="utf-8")
    outcome = in_process(spec.parent, "advise", "spec.yaml")
    assert (outcome.code, outcome.out.startswith("this machine: ")) == (0, True)
    assert "the approaches of small are not compared: " in outcome.err
    outcome = in_process(spec.parent, "advise", "spec.yaml", "--usd-training", "9")
    assert outcome.code == 2
