"""The tasks that write examples: which there are, their addresses, and a run of the smallest study."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from ragtally.plan import StudyPlan, in_order
from ragtally.registry import load_registry
from ragtally.steps import Task
from ragtally.tables import load_prompts
from workbench import Bench

SPEC = """\
study: tiny
seed: 7
dataset: {synthetic: {questions: 4, split: test}}
models:
  echo: {echo: {words: [yes, no]}}
  big: {litellm: {model: groq/openai/gpt-oss-20b}}
examples:
  kinds: [question_answer]
  generators: [echo]
  language: en
"""
MORE = """\
  validate: {from: [echo, big]}
  repair: 2
  evolve: {rounds: 2, ways: [harder]}
"""
FIRST = {
    "prepare": "r1:fb351f25d34956d65ed4cbbd61bc557264a826e9",
    "chunk": "r1:49603af613f95cd70ce2c0c2dfdfd1de4c641cd4",
    "generate_prompt": "r1:0c0ecc4615b006c16776df421763cb96323fa2cb",
    "ask": "r1:f5ac9a57604a085b77080a7a2ca3873c0f17e519",
    "generate": "r1:ce6e0fa3cd92643df28885216ba6b71b72f911ee",
    "validate_prompt": "r1:5b05b522c5b9f8d015b966db268fa1256204323b",
    "validate": "r1:51839eb5c6844da41f58d7fbd6d4824fec6b9c7c",
    "repair_prompt": "r1:ff5fce1e1ed57e4b81700202fdc7e6cb362de6c9",
    "repair": "r1:0a90d9a6594fc37c247612aa0e524ca950ffc07e",
    "evolve_prompt": "r1:24c9070695d94230ee485b49f6a69ebc2340533e",
    "evolve": "r1:2a4df585988baf297d893f1cc8d8267e1e1871d3",
    "deduplicate": "r1:9f8e3af5222f6d3c55e6c9d5f1a82da9c06430d2",
    "curate": "r1:deb6c104c4016663982f333fe9bedb7d260a4039",
    "split": "r1:61ec9bd8e63811d672c5ea2f9c21023fbd4dd999",
    "export": "r1:90f7583012917120192cae69ff95e146209fee9d",
}
"""The address of the first task of each step."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, load_registry())


def tasks(plan: StudyPlan) -> tuple[Task, ...]:
    assert plan.examples is not None
    return in_order([plan.examples.export])


def test_addresses_are_pinned(bench: Bench) -> None:
    first: dict[str, str] = {}
    for task in tasks(bench.plan(SPEC + MORE)):
        first.setdefault(task.step.stored_as, task.address)
    assert first == FIRST


def test_every_round_is_written_and_graded(bench: Bench) -> None:
    plan = bench.plan(SPEC + MORE)
    assert plan.examples is not None
    assert [each.name for each in plan.examples.rounds] == [
        "generate", "repair 1", "repair 2", "evolve 1", "evolve 2",
    ]  # fmt: skip
    counts = Counter(task.step.name for task in tasks(plan))
    assert {name: counts[name] for name in ("generate", "repair", "evolve", "validate")} == {
        "generate": 1, "repair": 2, "evolve": 2, "validate": 5,
    }  # fmt: skip
    assert counts["ask"] == 5 + 5 * 2
    purposes = Counter(task.settings["purpose"] for task in tasks(plan) if task.step.name == "ask")
    assert purposes == {"generate": 1, "repair": 2, "evolve": 2, "validate": 10}


def test_the_names_of_models_count_in_no_address(bench: Bench) -> None:
    renamed = (SPEC + MORE).replace("big", "large").replace("echo: {echo", "loud: {echo").replace("[echo", "[loud")
    assert [task.address for task in tasks(bench.plan(renamed))] == [
        task.address for task in tasks(bench.plan(SPEC + MORE))
    ]


def test_another_generator_leaves_what_was_paid_for(bench: Bench) -> None:
    both = {
        task.address for task in tasks(bench.plan(SPEC.replace("[echo]", "[echo, big]"))) if "ask" in task.step.name
    }
    assert {task.address for task in tasks(bench.plan(SPEC)) if task.step.name == "ask"} <= both


def test_a_model_that_writes_none_leaves_a_funnel_and_no_error(bench: Bench) -> None:
    folder = bench.run(SPEC)
    funnel = pl.read_csv(folder / "funnel.csv")
    prompts = next(task for task in tasks(bench.plan(SPEC)) if task.step.name == "generate_prompt")
    count = 3 * len(load_prompts(bench.do(prompts)).prompts)
    rows = {(row["row"], row["name"]): row["examples"] for row in funnel.iter_rows(named=True)}
    assert rows == {
        ("stage", "asked for"): count, ("loss", "prose without JSON"): count,
        **{("stage", name): 0 for name in ("returned", "parsed", "unique", "accepted", "kept")},
    }  # fmt: skip
    assert not len(pl.read_parquet(folder / "examples.parquet"))
