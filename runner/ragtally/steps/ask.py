"""ask: let a language model answer every prompt once; the calls themselves are in the call store."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import polars as pl

from ragtally.api import Call, Choice, StoreError, canonical_json, sampling_seed
from ragtally.api.address import text_address
from ragtally.steps.step import Step, Task, TaskFactory, Work
from ragtally.store import write_table
from ragtally.support.reply_outcomes import unusable
from ragtally.tables import ANSWERS, CACHED_TOKENS, FINISH_REASON, SERVED_BY, load_prompts

# Raised whenever keys of calls are made in another way: calls paid before are then not found again.
KEY_VERSION = 1


def model_identity(factory: TaskFactory, model: Choice) -> dict[str, Any]:
    """What a model is, in every way of writing it: `gpt-5-mini` is `openai/gpt-5-mini`."""
    # Parameters that are not set are left out, so that a plugin's new optional parameter leaves paid calls as they
    # are.
    identity = factory.identity(model)
    traits = factory.registry.traits(model)
    parameters = {
        name: value for name, value in identity["parameters"].items() if value is not None and name != "model"
    }
    return {**identity, "parameters": parameters, "provider": traits.provider, "model": traits.model}


# By task, whose address says all that they are made of. The plan, the client, the step and the results all need a
# task's keys, and a study may have a hundred thousand of them to hash; they are forgotten together with the task.
_KEYS: WeakKeyDictionary[Task, list[str]] = WeakKeyDictionary()


def keys_of(ask: Task, prompts: Path) -> list[str]:
    """The keys of a task's calls, one per question; equal prompts have equal keys."""
    keys = _KEYS.get(ask)
    if keys is None:
        schema = load_prompts(prompts).schema
        # One hash of what all calls share, so that the model's identity is not written out once per call.
        shared = [KEY_VERSION, ask.settings["model"], ask.settings["purpose"], ask.settings["vote"]]
        if schema is not None:
            # As text, since the order of its properties counts; calls without a schema keep the keys they had before.
            shared.append(json.dumps(schema, ensure_ascii=False))
        common = canonical_json(canonical_json(shared))
        # The address of {"messages": ..., "shared": ...}, whose first half is the same for all models and votes.
        keys = [text_address(f'{{"messages":{text},"shared":{common}}}') for text in _message_texts(prompts)]
        _KEYS[ask] = keys
    return keys


@functools.lru_cache(maxsize=1)
def _message_texts(prompts: Path) -> list[str]:
    """Each prompt's messages as canonical JSON."""
    return [
        canonical_json([[message.role, message.content] for message in prompt])
        for prompt in load_prompts(prompts).prompts
    ]


def calls_of(ask: Task, prompts: Path, *, takes_seed: bool) -> list[Call]:
    """Make the calls of a task, one per question."""
    purpose, vote = ask.settings["purpose"], ask.settings["vote"]
    _, messages, schema = load_prompts(prompts)
    return [
        Call(
            key=key,
            messages=each,
            purpose=purpose,
            vote=vote,
            seed=sampling_seed(each, purpose, vote) if takes_seed else None,
            schema=schema,
        )
        for key, each in zip(keys_of(ask, prompts), messages, strict=True)
    ]


def run(work: Work) -> None:
    """Write `answers.parquet`, as the step read does, from the call store."""
    # A call that failed permanently leaves a row with its error; the entry is then provisional, so that the next run
    # tries that call again. Dollars are not written: a price may change, what was answered does not.
    model = work.registry.traits(work.task.choices["model"])
    prompts = work.input("prompt")
    keys = keys_of(work.task, prompts)
    replies = work.calls.replies_to(keys)
    failures = work.calls.failures([key for key in keys if key not in replies])
    schema = {**ANSWERS, FINISH_REASON: pl.String()}
    if any(reply.cached_tokens is not None for reply in replies.values()):
        schema[CACHED_TOKENS] = pl.Int64()
    # Who takes this entry from a shared store has not the calls that it was made of.
    if any(reply.served_by is not None for reply in replies.values()):
        schema[SERVED_BY] = pl.String()
    columns: dict[str, list[Any]] = {name: [] for name in schema}
    for row, key in zip(load_prompts(prompts).questions, keys, strict=True):
        reply = replies.get(key)
        if reply is None and key not in failures:
            raise StoreError(
                f"a call of {model.provider}/{model.model} was neither answered nor tried",
                hint="`ragtally run` with the study's spec asks it",
            )
        if reply is None:
            work.mark_provisional(failures[key].message)
        error = failures[key].message if reply is None else unusable(reply)
        cells = {
            "question": row,
            "text": None if error else reply and reply.text,
            "error": error,
            "input_tokens": reply and reply.input_tokens,
            "output_tokens": reply and reply.output_tokens,
            "seconds": reply and reply.seconds,
            FINISH_REASON: reply and reply.finish_reason,
            CACHED_TOKENS: reply and reply.cached_tokens,
            SERVED_BY: reply and reply.served_by,
        }
        for name, column in columns.items():
            column.append(cells.get(name))
    write_table(work.folder / "answers.parquet", columns, schema)


# What a fine-tuned model learnt from counts by the key of its calls; `tune` is read for its name.
ASK = Step("ask", 1, run, inputs=("prompt", "tune"))
