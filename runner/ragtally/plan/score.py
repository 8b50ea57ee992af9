"""The task that scores a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragtally.api import Choice
from ragtally.steps import SCORE, Task, TaskFactory


def score_task(
    factory: TaskFactory,
    sample: Task,
    metrics: Sequence[Choice],
    *,
    question_sets: Sequence[str],
    verdicts: Task | None = None,
    grades: Task | None = None,
    support: Task | None = None,
    language: str | None = None,
    base: Task | None = None,
    relevance: Task | None = None,
    context: Task | None = None,
    context_relevance: Task | None = None,
    top_k: int | None = None,
    not_scored: Mapping[str, str] | None = None,
    label: str = "",
) -> Task:
    """The scores of a cell; what it has not is None."""
    inputs: dict[str, Task | Sequence[Task] | None] = {
        "sample": sample, "vote": verdicts, "base": base, "relevance": relevance, "context": context,
        "context_relevance": context_relevance, "parse": verdicts.inputs["parse"] if verdicts else None,
        "grade": grades, "support": support,
    }  # fmt: skip
    settings = {"question_sets": list(question_sets), "top_k": top_k, "not_scored": dict(not_scored or {})}
    return factory.task(
        SCORE,
        choices={f"metric {number}": metric for number, metric in enumerate(metrics)},
        settings=settings if language is None else settings | {"language": language},
        inputs=inputs,
        label=label,
    )
