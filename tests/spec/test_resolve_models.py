"""Models are named once under `models` and used by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ragtally.api import STRUCTURED_PARAMETER, TRAIN_PARAMETER, Component, ModelTraits, RagtallyError, ReaderTraits
from ragtally.registry import Registry
from ragtally.spec.study import Study

from .conftest import registry_of

Load = Callable[[str], Study]
Errors = Callable[[str], list[RagtallyError]]

SPEC = """\
study: models
dataset: {toy: {split: test}}
models:
  cold: {remote: {model: a/b, temperature: 0}}
  warm: {remote: {model: a/b, host: there}}
readers:
  sure: {asking: {model: cold}}
  unsure: {asking: {model: warm, examples: 2}}
label: {voters: [unsure], votes: 3}
base: {from: [unsure], rule: majority}
grid: {reader: [sure, unsure]}
controls: [gold_context]
metrics: [accuracy]
budget: {usd: 5}
max_failed: 0.01
"""


@pytest.fixture(scope="module")
def registry() -> Registry:
    text = {"type": "string", "description": "The model."}
    number = {"type": "number", "default": 0.7, "description": "How varied."}
    host = {"type": ["string", "null"], "default": None, "description": "Where.", "x-ragtally-identity": False}
    schema = {"enum": [True, False, None], "default": False, "description": "Whether it takes a schema."}
    model = {"x-ragtally-kind": "model", "description": "A model."}
    count = {"type": "integer", "default": 0, "description": "How many examples."}
    remote = Component(
        "remote",
        dict,
        "A model.",
        params={"model": text, "temperature": number, "host": host, "schema": schema},
        traits=lambda parameters: ModelTraits(
            "a", "b", deterministic=parameters["temperature"] == 0, takes_schema=parameters["schema"]
        ),
    )
    asking = Component(
        "asking",
        dict,
        "Asks.",
        params={"model": model, "examples": count, "train": TRAIN_PARAMETER, "structured": STRUCTURED_PARAMETER},
        traits=lambda parameters: ReaderTraits(
            prompts=True, examples=parameters["examples"], structured=parameters["structured"]
        ),
    )
    return registry_of(
        {
            "dataset": [Component("toy", dict, "A toy.")],
            "model": [remote],
            "reader": [asking],
            "rule": [Component("majority", dict, "Most.")],
            "metric": [Component("accuracy", dict, "Right.")],
        }
    )


def test_a_reader_gets_the_model_that_it_names(load: Load) -> None:
    study = load(SPEC)
    assert study.readers["sure"].choice.parameters["model"] == study.models["cold"]
    assert study.readers["sure"].train_split is None
    assert study.readers["unsure"].train_split == "train"
    assert (study.budget.usd, study.budget.hours, study.max_failed) == (5.0, None, 0.01)


def test_a_host_is_no_part_of_a_models_identity(load: Load, registry: Registry) -> None:
    one = load(SPEC).models["warm"]
    other = load(SPEC.replace("there", "elsewhere")).models["warm"]
    assert one != other
    assert registry.identity(one) == registry.identity(other)


def test_a_deterministic_model_makes_its_reader_one_vote(errors: Errors, tmp_path: Path) -> None:
    (error,) = errors(SPEC.replace("[unsure], votes", "[sure], votes").replace("from: [un", "from: ["))
    assert "3 votes of sure, which always answers the same" in error.message
    assert str(error.location).startswith(str(tmp_path / "spec.yaml") + ":9:")


def test_a_misspelt_model_is_told_at_its_place(errors: Errors) -> None:
    (error,) = errors(SPEC.replace("model: cold", "model: clod"))
    assert (error.message, error.hint) == ("there is no model 'clod' under models", "did you mean 'cold'?")
    assert str(error.location).endswith("spec.yaml:7:26")


def test_an_error_in_a_model_is_told_once(errors: Errors) -> None:
    errors = errors(SPEC.replace("temperature: 0", "temprature: 0"))
    assert [error.hint for error in errors] == ["did you mean 'temperature'?"]


def test_a_schema_is_not_asked_of_a_model_that_takes_none(errors: Errors, load: Load) -> None:
    strict = SPEC.replace("{model: cold}", "{model: cold, structured: true}")
    (error,) = errors(strict)
    assert error.message == "a/b takes no schema of an answer, or has a form of its own"
    assert str(error.hint).startswith("structured: false; or prompt")
    assert str(error.location).endswith("spec.yaml:7:44")
    for way in ("prompt", "auto", "false"):
        load(strict.replace("structured: true", f"structured: {way}"))
    for known in ("true", "null"):
        load(strict.replace("temperature: 0", f"temperature: 0, schema: {known}"))
