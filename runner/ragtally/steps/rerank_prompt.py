"""rank_prompt: write the prompts with which a retriever asks a language model to rank what others found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ragtally.api import Choice, PluginError, PromptingReranker
from ragtally.steps import rerank, retrieve
from ragtally.steps.prompt import write_prompts
from ragtally.steps.task import Task, TaskFactory, Work

STEP = "rank_prompt"
VERSION = 1


def task(
    factory: TaskFactory, found: Sequence[Task], chunked: Task, sampled: Task, retriever: Choice, **about: Any
) -> Task:
    """Describe the work; which model is asked does not count, so that models share prompts."""
    unasked = Choice(retriever.kind, retriever.name, {**retriever.parameters, "model": None})
    inputs: dict[str, Task | Sequence[Task] | None]
    inputs = {**chunked.inputs, "hits": found, "chunk": chunked, "sample": sampled}
    return factory.task(STEP, VERSION, choices={"retriever": unasked}, inputs=inputs, **about)


def run(work: Work) -> None:
    """Write `prompts.parquet`, in the form of the step prompt."""
    retriever: PromptingReranker = work.build("retriever")
    queries = retrieve.load_queries(work.input("sample"), None, evidence=False)
    prompts = retriever.prompts(queries, rerank.load_found(work))
    if len(prompts) != len(queries) or not all(prompts):
        name = work.task.choices["retriever"].name
        raise PluginError(f"the retriever {name} did not write one prompt for each of {len(queries)} questions")
    write_prompts(work.folder, list(range(len(queries))), prompts)
