"""The result files of the bench: cells, metrics, answers and timings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.api import Score
from ragtally.plan import Cell, StudyPlan, comparisons, in_order
from ragtally.plan.cells import flat_parameters
from ragtally.relevance import evidence_characters
from ragtally.results.costs import Cost, cost_columns, cost_of, costs_by_question
from ragtally.results.metrics import MetricInfo, describe_metrics, metric_json, rounded, score_columns
from ragtally.results.questions import context_of, write_questions
from ragtally.steps import (
    RERANK,
    Task,
)
from ragtally.steps.score import load_graded_answers
from ragtally.store import write_csv, write_json, write_result_table
from ragtally.tables import (
    load_answer_options,
    load_answers,
    load_ballots,
    load_base_rows,
    load_evidence,
    load_questions,
    load_relevance,
    load_reply_counts,
    load_scores,
    load_search_scores,
    load_verdicts,
)
from ragtally.workspace import Workspace

_ANSWERS = {
    "cell": pl.String(),
    "question": pl.String(),
    "in_base": pl.Boolean(),
    "label": pl.String(),
    "verdict": pl.String(),
    "status": pl.String(),
    "ballots": pl.List(pl.String),
    "texts": pl.List(pl.String),
    "errors": pl.List(pl.String),
    "covered_characters": pl.Int64(),
    "input_tokens": pl.Int64(),
    "output_tokens": pl.Int64(),
    "dollars": pl.Float64(),
    "answer_seconds": pl.Float64(),
}


def write_bench(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write the files of cells (`cells.csv`, `metrics.json`, `comparisons.json`, `answers.parquet`), those of single
    questions (see `write_questions`) and `timings.json`.
    """
    columns, metrics = cell_table(plan, workspace)
    write_csv(folder / "cells.csv", columns)
    write_json(folder / "metrics.json", metrics)
    write_result_table(folder / "answers.parquet", _answers(plan, workspace))
    described = [metric_json(info) for info in study_metrics(plan, workspace)]
    write_json(folder / "comparisons.json", comparisons(plan, workspace.registry) | {"metrics": described})
    write_questions(plan, workspace, folder)
    write_json(folder / "timings.json", _timings(plan, workspace))


def study_metrics(plan: StudyPlan, workspace: Workspace) -> list[MetricInfo]:
    """Describe the spec's metrics, those of the voters' table, and what retrievers measured themselves."""
    of_voters = [metric for voter in plan.voters for metric in voter.score.choices.values()]
    measured = [name for cell in plan.cells for name in _measured(cell, workspace)]
    answers = load_answer_options(workspace.entry(plan.sample))
    return describe_metrics([*plan.study.metrics, *of_voters], workspace.registry, answers, measured)


def cell_table(plan: StudyPlan, workspace: Workspace) -> tuple[dict[str, list[Any]], dict[str, float | None]]:
    """Collect every cell's picks and scores."""
    picked: list[dict[str, Any]] = []
    scored: list[dict[str, Score]] = []
    costs: list[Cost] = []
    metrics: dict[str, float | None] = {}
    by_class = {name for info in study_metrics(plan, workspace) if not info.is_single for name in info.names}
    for cell in plan.cells:
        for question_set, scores in load_scores(workspace.entry(cell.score)).items():
            picked.append(_picks(cell, question_set, _note(cell, workspace)))
            scores = scores | _measured(cell, workspace)
            scored.append(scores)
            votes = cell.verdicts.inputs["parse"] if cell.verdicts else ()
            costs.append(cost_of(votes, question_set, plan.base, workspace) if votes else Cost())
            for name, number in scores.items():
                if name != "questions" and name not in by_class:
                    metrics[f"{cell.name} ({question_set}) {name}"] = rounded(number.value)
    # A study without cells has a table with a heading alone: whoever reads it finds the columns.
    names = dict.fromkeys((*_AXES, *(name for row in picked for name in row)))
    ordered = sorted(names, key=lambda name: _AXES.index(name.partition(".")[0]))
    columns = {name: [row.get(name) for row in picked] for name in ordered}
    return columns | score_columns(scored) | cost_columns(costs), metrics


def _measured(cell: Cell, workspace: Workspace) -> dict[str, Score]:
    """What the retriever itself measured of the ranking that the cell's metrics relevance, on all questions."""
    judged = cell.score.inputs.get("relevance", ())
    return load_search_scores(workspace.entry(judged[0])) if judged else {}


_AXES = (
    "cell",
    "kind",
    "condition",
    "question_set",
    "chunker",
    "retriever",
    "top_k",
    "context_words",
    "reader",
    "votes",
    "rule",
    "ranking",
    "context",
    "note",
)


def _note(cell: Cell, workspace: Workspace) -> str | None:
    """What one must know to read a cell's numbers, what was found when the work was done included."""
    notes = [] if cell.note is None else [cell.note]
    for task in in_order((cell.score,)):
        counts = load_reply_counts(workspace.entry(task)) if task.step is RERANK and "ask" in task.inputs else None
        if counts is not None and counts.unread:
            notes.append(f"{counts.unread} of {counts.replies} replies ranked nothing: their order stayed")
    return "; ".join(notes) or None


def _picks(cell: Cell, question_set: str, note: str | None) -> dict[str, Any]:
    picks = cell.picks
    return {
        "cell": cell.name,
        "kind": picks.kind,
        "condition": picks.condition,
        "question_set": question_set,
        **flat_parameters("chunker", picks.chunker),
        **flat_parameters("retriever", picks.retriever),
        "top_k": picks.top_k,
        "context_words": picks.context_words,
        "reader": picks.reader,
        "votes": picks.votes,
        **flat_parameters("rule", picks.rule),
        "ranking": cell.ranking,
        "context": before.label if (before := context_of(cell)) else None,
        "note": note,
    }


def _answers(plan: StudyPlan, workspace: Workspace) -> pl.DataFrame:
    questions = load_questions(workspace.entry(plan.sample))
    in_base = np.ones(len(questions), dtype=bool)
    if plan.base is not None:
        in_base[:] = False
        in_base[load_base_rows(workspace.entry(plan.base))] = True
    frames = [pl.DataFrame(schema=_ANSWERS)]
    for cell in plan.cells:
        if cell.verdicts is not None:
            frames.append(_cell_answers(plan, workspace, cell, questions, pl.Series(in_base)))
    return pl.concat(frames, rechunk=True)


def _cell_answers(
    plan: StudyPlan, workspace: Workspace, cell: Cell, questions: pl.DataFrame, in_base: pl.Series
) -> pl.DataFrame:
    assert cell.verdicts is not None
    parsed = cell.verdicts.inputs["parse"]
    ballots = [load_ballots(workspace.entry(task)) for task in parsed]
    said = [load_answers(workspace.entry(task.inputs["read"][0])) for task in parsed]
    rows = ballots[0]["question"].to_numpy()
    everywhere = "all" in cell.question_sets
    folders = {"sample": workspace.entry(plan.sample), "vote": workspace.entry(cell.verdicts)}
    if plan.base is not None:
        folders["base"] = workspace.entry(plan.base)
    if everywhere and questions["label"].null_count():
        verdict = load_verdicts(folders["vote"])["verdict"].to_list()
        label, status = questions["label"].to_list(), [None] * len(rows)
    else:
        judged = load_graded_answers(
            folders, [workspace.entry(task) for task in parsed], "all" if everywhere else "base"
        )
        verdict, label, status = list(judged.verdict), list(judged.gold), list(judged.status)  # type: ignore[arg-type]
    columns = {
        "cell": [cell.name] * len(rows),
        "question": questions["id"].gather(rows),
        "in_base": in_base.gather(rows),
        "label": label,
        "verdict": verdict,
        "status": [None if value is None else str(value) for value in status],
        "ballots": _by_question([table["ballot"] for table in ballots]),
        "texts": _by_question([table["text"] for table in said]),
        "errors": _by_question([table["error"] for table in said]),
        "covered_characters": _covered(cell, workspace, rows),
        **costs_by_question(parsed, workspace),
    }
    return pl.DataFrame(columns, schema=_ANSWERS)


def _covered(cell: Cell, workspace: Workspace, rows: NDArray[np.int64]) -> pl.Series:
    """Characters of a question's evidence before the reader; null for a reader that gets nothing from us."""
    condition, inputs = cell.picks.condition, cell.score.inputs
    covered = None
    if cell.picks.kind == "control":
        sampled = workspace.entry(inputs["sample"][0])
        evidence = evidence_characters(load_evidence(sampled), len(load_questions(sampled)))
        covered = evidence if condition == "gold_context" else np.zeros_like(evidence)
    elif "context_relevance" in inputs:
        judged = load_relevance(workspace.entry(inputs["context_relevance"][0]))
        covered = judged.covered[:, (cell.picks.top_k or judged.covered.shape[1]) - 1]
    return pl.Series([None] * len(rows) if covered is None else covered[rows], dtype=pl.Int64)


def _by_question(votes: Sequence[pl.Series]) -> list[list[str | None]]:
    return [list(row) for row in zip(*(vote.to_list() for vote in votes), strict=True)]


def _timings(plan: StudyPlan, workspace: Workspace) -> dict[str, Any]:
    goals = [task for stage in ("prepare", "train", "label", "bench") for task in plan.goals(stage)]
    by_step: dict[str, float] = {}
    for task in in_order(goals):
        name = task.step.name
        by_step[name] = by_step.get(name, 0.0) + _seconds(workspace, task)
    read_seconds = {
        cell.name: round(
            sum(_seconds(workspace, task.inputs["read"][0]) for task in cell.verdicts.inputs["parse"]), 3
        )
        for cell in plan.cells
        if cell.verdicts is not None
    }
    return {
        "about": "seconds of wall time when the work was done; shared work counts once per step",
        "seconds_by_step": {step: round(seconds, 3) for step, seconds in by_step.items()},
        "read_seconds_by_cell": read_seconds,
    }


def _seconds(workspace: Workspace, task: Task) -> float:
    # Work whose outcome nobody needed, or whose entry was removed since, has none.
    return workspace.store.seconds(task.step.stored_as, task.address) or 0.0
