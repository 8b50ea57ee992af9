"""prompt: write the exact messages that a language model gets, one prompt a question."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ragtally.api import Choice, DataError, Examples, Message, PluginError, Prompt, PromptingReader
from ragtally.steps import base, context, sample
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import read_table, write_table

STEP = "prompt"
VERSION = 1

_SCHEMA = {"question": pl.Int32, "roles": pl.List(pl.String), "contents": pl.List(pl.String)}


def task(
    factory: TaskFactory,
    prepared: Task,
    sampled: Task,
    reader: Choice,
    *,
    contexts: Task,
    kept: Task | None,
    examples: Task | None,
    examples_context: Task | None,
    **about: Any,
) -> Task:
    """Describe the work; which model is asked does not count, so that models share prompts."""
    unasked = Choice(reader.kind, reader.name, {**reader.parameters, "model": None})
    inputs = {
        "prepare": prepared,
        "sample": sampled,
        "context": contexts,
        "base": kept,
        "examples": examples,
        "examples_context": examples_context,
    }
    return factory.task(STEP, VERSION, choices={"reader": unasked}, inputs=inputs, **about)


def run(work: Work) -> None:
    """Write `prompts.parquet`: question rows, and the roles and contents of each prompt's messages."""
    reader: PromptingReader = work.build("reader")
    kept = work.optional("base")
    rows = None if kept is None else base.load_rows(kept)
    reading = context.load_reading(work.input("context"), work.input("prepare"), work.input("sample"), rows)
    prompts = reader.prompts(reading, _examples(work))
    if len(prompts) != len(reading) or not all(prompts):
        name = work.task.choices["reader"].name
        raise PluginError(f"the reader {name} did not write one prompt for each of {len(reading)} questions")
    write_prompts(work.folder, list(range(len(reading))) if rows is None else rows.tolist(), prompts)


def write_prompts(folder: Path, questions: Sequence[int], prompts: Sequence[Prompt]) -> None:
    """Write prompts."""
    columns = {
        "question": questions,
        "roles": [[message.role for message in prompt] for prompt in prompts],
        "contents": [[message.content for message in prompt] for prompt in prompts],
    }
    write_table(folder / "prompts.parquet", columns, _SCHEMA)


class Written(NamedTuple):
    """The prompts of a task."""

    questions: list[int]  # Rows of questions in the sample
    prompts: list[Prompt]  # One prompt each


@functools.lru_cache(maxsize=1)
def load_prompts(folder: Path) -> Written:
    """Read the prompts; the last ones stay in memory, since every vote asks the same, and an entry never changes."""
    table = read_table(folder / "prompts.parquet")
    prompts = [
        tuple(Message(role, content) for role, content in zip(roles, contents, strict=True))
        for roles, contents in table.select("roles", "contents").iter_rows()
    ]
    return Written(table["question"].to_list(), prompts)


def plain(prompt: Prompt) -> list[list[str]]:
    """Write a prompt as JSON-able data."""
    return [[message.role, message.content] for message in prompt]


def _examples(work: Work) -> Examples | None:
    shown = work.optional("examples")
    if shown is None:
        return None
    labels = sample.load_questions(shown)["label"]
    if labels.null_count():
        raise DataError(
            f"{labels.null_count()} of {len(labels)} examples to show have no label",
            location=work.task.location,
            hint="name a labelled split under train: {split: ...}, or show no examples",
        )
    reading = context.load_reading(work.input("examples_context"), work.input("prepare"), shown)
    return Examples(reading, labels.to_list())
