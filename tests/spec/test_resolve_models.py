"""Models are named once under `models` and used by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtally.api import TRAIN_PARAMETER, Component, ErrorList, ModelTraits, RagtallyError, ReaderTraits
from ragtally.registry import Registry, RegistryEntry
from ragtally.spec.load import load_study
from ragtally.spec.study import Study

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


def _component(kind: str, component: Component) -> tuple[tuple[str, str], RegistryEntry]:
    return (kind, component.name), RegistryEntry(component, kind, "made", "made 1.0")


@pytest.fixture(scope="module")
def registry() -> Registry:
    split = {"type": ["string", "null"], "default": None, "description": "The split."}
    text = {"type": "string", "description": "The model."}
    number = {"type": "number", "default": 0.7, "description": "How varied."}
    host = {"type": ["string", "null"], "default": None, "description": "Where.", "x-ragtally-identity": False}
    component_name = {"x-ragtally-kind": "model", "description": "A model."}
    count = {"type": "integer", "default": 0, "description": "How many examples."}
    return Registry(
        dict(
            (
                _component("dataset", Component("toy", dict, "A toy.", params={"split": split, "answers": split})),
                _component(
                    "model",
                    Component(
                        "remote",
                        dict,
                        "A model.",
                        params={"model": text, "temperature": number, "host": host},
                        traits=lambda given: ModelTraits("a", "b", deterministic=given["temperature"] == 0),
                    ),
                ),
                _component(
                    "reader",
                    Component(
                        "asking",
                        dict,
                        "Asks.",
                        params={"model": component_name, "examples": count, "train": TRAIN_PARAMETER},
                        traits=lambda given: ReaderTraits(prompts=True, examples=given["examples"]),
                    ),
                ),
                _component("rule", Component("majority", dict, "Most.")),
                _component("metric", Component("accuracy", dict, "Right.")),
            )
        )
    )


def _load(tmp_path: Path, registry: Registry, text: str) -> Study:
    path = tmp_path / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return load_study(path, registry)


def _errors(tmp_path: Path, registry: Registry, text: str) -> list[RagtallyError]:
    with pytest.raises(RagtallyError) as caught:
        _load(tmp_path, registry, text)
    return list(caught.value.errors) if isinstance(caught.value, ErrorList) else [caught.value]


def test_a_reader_gets_the_model_that_it_names(tmp_path: Path, registry: Registry) -> None:
    study = _load(tmp_path, registry, SPEC)
    assert study.readers["sure"].choice.parameters["model"] == study.models["cold"]
    assert study.readers["sure"].train_split is None
    assert study.readers["unsure"].train_split == "train"
    assert (study.budget.usd, study.budget.hours, study.max_failed) == (5.0, None, 0.01)


def test_a_host_is_no_part_of_a_models_identity(tmp_path: Path, registry: Registry) -> None:
    one = _load(tmp_path, registry, SPEC).models["warm"]
    other = _load(tmp_path, registry, SPEC.replace("there", "elsewhere")).models["warm"]
    assert one != other
    assert registry.identity(one) == registry.identity(other)


def test_a_deterministic_model_makes_its_reader_one_vote(tmp_path: Path, registry: Registry) -> None:
    (error,) = _errors(
        tmp_path, registry, SPEC.replace("[unsure], votes", "[sure], votes").replace("from: [un", "from: [")
    )
    assert "3 votes of sure, which always answers the same" in error.message
    assert str(error.location).startswith(str(tmp_path / "spec.yaml") + ":9:")


def test_a_misspelt_model_is_told_at_its_place(tmp_path: Path, registry: Registry) -> None:
    (error,) = _errors(tmp_path, registry, SPEC.replace("model: cold", "model: clod"))
    assert (error.message, error.hint) == ("there is no model 'clod' under models", "did you mean 'cold'?")
    assert str(error.location).endswith("spec.yaml:7:26")


def test_an_error_in_a_model_is_told_once(tmp_path: Path, registry: Registry) -> None:
    errors = _errors(tmp_path, registry, SPEC.replace("temperature: 0", "temprature: 0"))
    assert [error.hint for error in errors] == ["did you mean 'temperature'?"]
