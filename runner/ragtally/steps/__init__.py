"""The steps, one file each: its version, what it reads, what it writes, and `run`."""

from collections.abc import Callable, Mapping

from ragtally.steps import (
    ask,
    base,
    chunk,
    context,
    context_relevance,
    embed,
    embed_questions,
    index,
    parse,
    prepare,
    prompt,
    read,
    relevance,
    rerank,
    rerank_prompt,
    retrieve,
    sample,
    score,
    train,
    vote,
)
from ragtally.steps.task import Task, TaskFactory, Work

_ORDER = (
    prepare, sample, chunk, embed, embed_questions, index, retrieve, rerank_prompt, rerank, relevance, context,
    context_relevance, train, prompt, ask, read, parse, vote, base, score,
)  # fmt: skip

# What each step does, by its name, in the order of the work.
STEPS: Mapping[str, Callable[[Work], None]] = {step.STEP: step.run for step in _ORDER}

# The version of each step; raised whenever the same input would give another output.
VERSIONS: Mapping[str, int] = {step.STEP: step.VERSION for step in _ORDER}

__all__ = ["STEPS", "VERSIONS", "Task", "TaskFactory", "Work"]
