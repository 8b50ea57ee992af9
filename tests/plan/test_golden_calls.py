"""Calls that were paid for before answers could be held to a schema stay paid for: addresses and keys are pinned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ragtally.api import Message
from ragtally.plan import STAGES, in_order, plan_study
from ragtally.registry import load_registry
from ragtally.spec.load import load_study
from ragtally.steps import Task
from ragtally.steps.ask import calls_of
from ragtally.tables import write_prompts

SPEC = """\
study: golden
seed: 3
dataset: {{synthetic: {{questions: 40}}}}
models: {{big: {{litellm: {{model: {model}}}}}}}
readers: {{big: {{chat: {{model: big, prompt: {prompt}, structured: {structured}}}}}}}
grid: {{reader: [big]}}
controls: [gold_context]
metrics: [accuracy]
"""
KEY = "r1:8d188208b27e6c3d0c4111499fbf6d358f5e55a9"
# What was `structured: true` in version 0.1 asked for JSON in the prompt, and sent no schema: it is `prompt` today.
FIRST = {
    ("label_only", "false"): (
        "r1:e45263a3eabc74e3677c2ad0fac8b69d4acd5834",
        "r1:47323ca5747d00585f19188562c1bf0d403cadb7",
    ),
    ("explain_then_label", "false"): (
        "r1:85cc8e1ee370a3f8ce908d1c09ebe38f09705569",
        "r1:86c747b27e4c50ff3dc633cd54b065dafb192800",
    ),
    ("label_only", "prompt"): (
        "r1:adcce47c63446fdb4f1f605b3472a514850766ec",
        "r1:47ff6c8dc093c26a314d4eba1199f710b7f5dd63",
    ),
    ("explain_then_label", "prompt"): (
        "r1:806f70495fa1ba036c13d586d8565ea9ff89b567",
        "r1:22cd305d91763f9701ca2a5d4f2f65f33881f164",
    ),
}
"""The first addresses of the steps prompt and ask, by `prompt` and `structured`."""
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}}}


def tasks_of(folder: Path, prompt: str, structured: str, model: str = "groq/openai/gpt-oss-20b") -> dict[str, Task]:
    path = folder / "spec.yaml"
    path.write_text(SPEC.format(model=model, prompt=prompt, structured=structured), encoding="utf-8")
    registry = load_registry()
    plan = plan_study(load_study(path, registry), registry)
    return {task.step.name: task for task in in_order([goal for stage in STAGES for goal in plan.goals(stage)])}


@pytest.mark.parametrize(("prompt", "structured"), FIRST)
def test_without_a_schema_addresses_stay(prompt: str, structured: str, tmp_path: Path) -> None:
    tasks = tasks_of(tmp_path, prompt, structured)
    assert (tasks["prompt"].address, tasks["ask"].address) == FIRST[prompt, structured]


def test_where_nothing_is_known_of_a_provider_auto_comes_to_false(tmp_path: Path) -> None:
    unknown = "groq/a-model-of-tomorrow"
    auto, words = (tasks_of(tmp_path, "label_only", structured, unknown) for structured in ("auto", "false"))
    assert {name: task.address for name, task in auto.items()} == {name: task.address for name, task in words.items()}


def test_where_the_provider_is_known_to_constrain_auto_comes_to_true(tmp_path: Path) -> None:
    auto, true, prompt = (tasks_of(tmp_path, "label_only", structured) for structured in ("auto", "true", "prompt"))
    assert auto["ask"].address == true["ask"].address
    assert auto["prompt"].address not in {tasks_of(tmp_path, "label_only", "false")["prompt"].address}
    assert auto["prompt"].address != prompt["prompt"].address, "the same messages, sent with a schema or without"


def test_a_call_without_a_schema_keeps_its_key_and_one_with_a_schema_has_another(tmp_path: Path) -> None:
    ask = tasks_of(tmp_path, "label_only", "false")["ask"]
    keys = []
    reordered = dict(reversed(SCHEMA.items()))
    for number, schema in enumerate((None, SCHEMA, reordered)):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_prompts(folder, [0], [(Message("user", "Is it?"),)], schema)
        (call,) = calls_of(replace(ask, address=f"r1:{number}"), folder, takes_seed=True)
        assert call.schema == schema
        keys.append(call.key)
    assert keys[0] == KEY
    assert len(set(keys)) == 3, "the order of a schema's keys is that of the answer's"
