"""ask: let a language model answer every prompt once; the calls themselves lie in the call store."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

from ragtally.api import Call, Choice, PluginError, Reply, canonical_json, derive_seed
from ragtally.api.address import address
from ragtally.steps import prompt, read
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import write_table

STEP = "ask"
VERSION = 1
# Raised whenever keys of calls are made in another way: calls paid before are then not found again.
KEY_VERSION = 1


def task(
    factory: TaskFactory,
    prompts: Task,
    model: Choice,
    purpose: Literal["label", "measure"],
    index: int,
    **about: Any,
) -> Task:
    """Describe the work."""
    settings = {"purpose": purpose, "vote": index, "model": _identity(factory, model)}
    return factory.task(
        STEP, VERSION, choices={"model": model}, settings=settings, inputs={"prompt": prompts}, **about
    )


def _identity(factory: TaskFactory, model: Choice) -> dict[str, Any]:
    """Say what a model is, in every way of writing it: `gpt-5-mini` is `openai/gpt-5-mini`."""
    # Parameters that are not set are left out, so that a plugin's new optional parameter leaves paid calls as they
    # are.
    identity = factory.identity(model)
    traits = factory.registry.traits(model)
    given = {name: value for name, value in identity["parameters"].items() if value is not None and name != "model"}
    return {**identity, "parameters": given, "provider": traits.provider, "model": traits.model}


class Asked(NamedTuple):
    """The calls of a task."""

    questions: list[int]  # Rows of questions in the sample
    calls: list[Call]  # One call each; equal prompts make equal calls


def calls_of(ask: Task, prompts: Path, *, takes_seed: bool) -> Asked:
    """Make the calls of a task."""
    purpose, vote = ask.settings["purpose"], ask.settings["vote"]
    rows, messages = prompt.load_prompts(prompts)
    # One hash of what all calls share, so that the model's identity is not written out once a call.
    shared = canonical_json([KEY_VERSION, ask.settings["model"], purpose, vote])
    seed = derive_seed(0, "call", purpose, vote) >> 1 if takes_seed else None
    calls = [
        Call(address({"shared": shared, "messages": prompt.plain(each)}), each, purpose, vote, seed)
        for each in messages
    ]
    return Asked(rows, calls)


def run(work: Work) -> None:
    """Write `answers.parquet`, in the form of the step read, from the call store."""
    # A call that failed for good leaves a row with its error; the entry is then provisional, so that the next run
    # tries that call again. Dollars are not written: a price may change, what was answered does not.
    model = work.registry.traits(work.task.choices["model"])
    rows, calls = calls_of(work.task, work.input("prompt"), takes_seed=model.takes_seed)
    keys = [call.key for call in calls]
    replies = work.calls.answered(keys)
    failures = work.calls.failures([key for key in keys if key not in replies])
    columns: dict[str, list[Any]] = {name: [] for name in read.COLUMNS}
    for row, key in zip(rows, keys, strict=True):
        reply = replies.get(key)
        if reply is None and key not in failures:
            raise PluginError(f"a call of {model.provider}/{model.model} was neither answered nor tried")
        if reply is None:
            work.mark_provisional(failures[key].message)
        error = failures[key].message if reply is None else unusable(reply)
        said = {
            "question": row,
            "text": None if error else reply and reply.text,
            "error": error,
            "input_tokens": reply and reply.input_tokens,
            "output_tokens": reply and reply.output_tokens,
            "seconds": reply and reply.seconds,
        }
        for name, column in columns.items():
            column.append(said.get(name))
    write_table(work.folder / "answers.parquet", columns, read.COLUMNS)


def unusable(reply: Reply) -> str | None:
    """Say why a reply that was paid for holds no answer to parse."""
    if reply.text.strip() or reply.finish_reason != "length":
        return None
    return "the answer is empty: all tokens went into reasoning; raise max_tokens or lower reasoning_effort"
