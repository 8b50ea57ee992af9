"""What a cell's answers cost: all calls that they needed, whenever these were made; the index once, apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ragtally.api import EmbedderTraits
from ragtally.llm.embeddings import texts_to_embed
from ragtally.llm.tokens import count_tokens
from ragtally.plan import in_order
from ragtally.plan.comparisons import answers_elsewhere
from ragtally.results.metrics import round_number
from ragtally.steps import ASK, EMBED, EMBED_QUESTIONS, Task
from ragtally.tables import (
    ANSWERS,
    CACHED_TOKENS,
    load_answers,
    load_base_rows,
    load_questions,
    load_vector_dollars,
)
from ragtally.workspace import Workspace

# Columns of the answers of a step, by the name that they have in the result files.
_SOURCES = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "dollars": "dollars",
    "answer_seconds": "seconds",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Sums over some questions; None where the number of some answer is unknown."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    dollars: float | None = None  # US dollars at today's price; of a recorded answer, what its file says
    answer_seconds: float | None = None  # Seconds for which they kept models busy
    index_dollars: float | None = None  # US dollars of the chunks' vectors, paid once; None where none were paid for


def cost_of(score: Task, question_set: str, base_task: Task | None, workspace: Workspace) -> Cost:
    """The cost of a cell's answers to a set of questions, or of a ranking."""
    tables = _paid_work(score, workspace)
    if not tables:
        return Cost(index_dollars=_index_dollars(score, workspace))
    table = pl.concat(tables)
    if question_set == "base" and base_task is not None:
        rows = pl.DataFrame({"question": load_base_rows(workspace.entry(base_task))}).cast(pl.Int32)
        table = table.join(rows, on="question", how="semi")
    return Cost(**_totals(table), index_dollars=_index_dollars(score, workspace))


def costs_by_question(score: Task, questions: pl.Series, workspace: Workspace) -> dict[str, pl.Series]:
    """The cost of the answers to each question."""
    # A missing number is an unknown one: what is added to it is unknown as well.
    sums = [pl.when(pl.col(source).null_count() == 0).then(pl.col(source).sum()) for source in _SOURCES.values()]
    table = pl.concat(_paid_work(score, workspace)).group_by("question").agg(sums)
    ordered = pl.DataFrame({"question": questions}).join(table, on="question", how="left", maintain_order="left")
    columns = {name: ordered[source] for name, source in _SOURCES.items()}
    return {name: column.round(10) if column.dtype == pl.Float64 else column for name, column in columns.items()}


def cost_columns(costs: Sequence[Cost]) -> dict[str, list[Any]]:
    """Costs as columns of a result file."""
    return {
        "input_tokens": [cost.input_tokens for cost in costs],
        "output_tokens": [cost.output_tokens for cost in costs],
        "dollars": [round_number(cost.dollars) for cost in costs],
        "answer_seconds": [round_number(cost.answer_seconds) for cost in costs],
    }


def index_costs(costs: Sequence[Cost]) -> dict[str, list[Any]]:
    """What was paid once for each cell's index, as a column of a result file."""
    return {"index_dollars": [round_number(cost.index_dollars) for cost in costs]}


def cost_of_asking(asks: Sequence[Task], workspace: Workspace) -> Cost:
    """What all replies to some prompts cost together; an unknown price stays unknown."""
    if not asks:
        return Cost(0, 0, 0.0, 0.0)
    table = pl.concat([answer_costs(task, workspace) for task in asks])
    return Cost(**_totals(table))


def _totals(table: pl.DataFrame) -> dict[str, Any]:
    return {name: None if table[own].null_count() else table[own].sum() for name, own in _SOURCES.items()}


def _paid_work(score: Task, workspace: Workspace) -> list[pl.DataFrame]:
    """The work for each question, a table for each vote, each reranker's replies and each embedder of questions."""
    # Two votes may be one task, where a reader draws nothing: it was paid once.
    reads = [task.inputs["read"][0] for task in dict.fromkeys(score.inputs.get("parse", ()))]
    before = _retrieval(score)
    paid = [answer_costs(task, workspace) for task in before if task.step is ASK]
    paid += [table for task in before if task.step is EMBED_QUESTIONS for table in _embedded(task, workspace)]
    # A reader that computes here costs nothing beside what was paid for its passages.
    return [*(answer_costs(task, workspace) for task in reads if not paid or not _computes(task, workspace)), *paid]


def _retrieval(score: Task) -> list[Task]:
    """Everything behind the passages that were put before the reader; behind a ranking where there is no reader."""
    goals = score.inputs.get("context", ()) or score.inputs.get("relevance", ())
    return list(in_order(goals))


def _computes(read: Task, workspace: Workspace) -> bool:
    return read.step is not ASK and not answers_elsewhere(workspace.registry.traits(read.choices["reader"]))


def answer_costs(task: Task, workspace: Workspace) -> pl.DataFrame:
    """What each answer of a task cost, by `question`."""
    answers = load_answers(workspace.entry(task))
    table = answers.select("question", *_SOURCES.values())
    if task.step is not ASK:
        return table
    # A call that failed costs nothing; every one that was answered has its seconds.
    has_failed = pl.col("seconds").is_null()
    table = table.with_columns(
        pl.when(has_failed).then(0).otherwise(pl.col(name)).alias(name)
        for name in ("input_tokens", "output_tokens", "seconds")
    )
    price = workspace.registry.traits(task.choices["model"]).effective_price
    if price is None:
        return table
    cached = answers[CACHED_TOKENS] if CACHED_TOKENS in answers.columns else [None] * len(answers)
    rows = zip(table["input_tokens"], table["output_tokens"], table["seconds"], cached, strict=True)
    return table.with_columns(dollars=pl.Series([price.dollars(*row) for row in rows], dtype=pl.Float64))


def _embedded(task: Task, workspace: Workspace) -> list[pl.DataFrame]:
    """The dollars of the questions' vectors, where they are paid for."""
    if not _is_paid(task, workspace):
        return []
    price = workspace.registry.traits(task.choices["embedder"]).price
    texts = load_questions(workspace.entry(task.inputs["sample"][0]))["text"]
    columns = {
        "question": range(len(texts)),
        "input_tokens": 0,
        "output_tokens": 0,
        "dollars": [None if price is None else price.dollars(count_tokens(text), 0, 0.0) for text in texts],
        "seconds": 0.0,
    }
    return [pl.DataFrame(columns, schema={name: ANSWERS[name] for name in columns})]


def _index_dollars(score: Task, workspace: Workspace) -> float | None:
    embeds = [task for task in _retrieval(score) if task.step is EMBED and _is_paid(task, workspace)]
    if not embeds:
        return None
    paid: dict[bytes, float] = {}
    others: set[bytes] = set()
    for task in embeds:
        dollars = load_vector_dollars(workspace.entry(task))
        paid |= dollars or {}
        # Of entries that say nothing, the stored vectors may: those that an earlier version of the step has written.
        if dollars is None and (texts := texts_to_embed(task, workspace)):
            others.update(texts.texts)
    return sum(paid.values()) + workspace.vectors.dollars(sorted(others - paid.keys()))


def _is_paid(task: Task, workspace: Workspace) -> bool:
    traits: EmbedderTraits = workspace.registry.traits(task.choices["embedder"])
    return traits.cacheable and (traits.price is None or traits.price.input != 0)
