"""The result files of the stages before the bench: dataset, trained readers, voters and base."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import Score
from ragtally.plan import StudyPlan, Voter
from ragtally.results.costs import cost_columns, cost_of
from ragtally.results.metrics import score_columns
from ragtally.steps import (
    Task,
)
from ragtally.store import read_json, write_csv, write_json, write_result_table
from ragtally.tables import load_base, load_questions, load_scores
from ragtally.workspace import Workspace

_FUNNEL_STAGES = {
    "asked": "sample",
    "voted": "ballots",
    "verdict": "verdict",
    "agreed": "agreement",
    "kept": "base",
}


def write_prepare(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write `dataset.json`: the corpus, and how its questions were narrowed down."""
    choice = plan.study.dataset.choice
    content = {
        "study": plan.study.name,
        "dataset": choice.name,
        "split": plan.study.dataset.split,
        "corpus": read_json(workspace.entry(plan.dataset) / "dataset.json"),
        "questions": read_json(workspace.entry(plan.sample) / "funnel.json"),
        "addresses": {"prepare": plan.dataset.address, "sample": plan.sample.address},
    }
    write_json(folder / "dataset.json", content)


def write_train(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write `train.json`: which models were trained, on how many examples of which class."""
    models: dict[str, Any] = {}
    for task in plan.goals("train"):
        (examples,) = task.inputs["sample"]
        funnel = read_json(workspace.entry(examples) / "funnel.json")
        models[task.label] = {
            "split": examples.settings["split"],
            "examples": funnel["sampled"],
            "examples_by_class": funnel["sampled_by_class"],
            "address": task.address,
        }
    write_json(folder / "train.json", {"study": plan.study.name, "models": models})


def write_label(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write `voters.csv`, `base.parquet` and `base.json` (the funnel from the questions to the base)."""
    scores: list[dict[str, Score]] = [load_scores(workspace.entry(row.score))["all"] for row in plan.voters]
    columns: dict[str, list[Any]] = {
        "voter": [row.reader for row in plan.voters],
        "decision": [row.decision for row in plan.voters],
    }
    costs = [cost_of(_votes(row), "all", None, workspace) for row in plan.voters]
    write_csv(folder / "voters.csv", columns | score_columns(scores) | cost_columns(costs))
    if plan.base is None:
        table = load_questions(workspace.entry(plan.sample)).select("id", "label", label_kind=pl.lit("gold"))
    else:
        table = load_base(workspace.entry(plan.base)).select("id", "label", "label_kind")
    write_result_table(folder / "base.parquet", table)
    content = {
        "study": plan.study.name,
        "funnel": _funnel(plan, workspace),
        "selection": _selection(plan, workspace),
        "address": (plan.base or plan.sample).address,
    }
    write_json(folder / "base.json", content)


def _funnel(plan: StudyPlan, workspace: Workspace) -> dict[str, Any] | None:
    if plan.base is None:
        return None
    funnel = read_json(workspace.entry(plan.base) / "funnel.json")
    # The store's entries have the stages' names of version 0.1.
    stages = {_FUNNEL_STAGES[name]: counts for name, counts in funnel["stages"].items()}
    return {**funnel, "stages": stages}


def _selection(plan: StudyPlan, workspace: Workspace) -> dict[str, Any] | None:
    """Who selected the base and how, so that an export can say where its labels come from."""
    rules, label = plan.study.base, plan.study.label
    if rules is None or label is None:
        return None
    readers = {name: plan.study.readers[name].choice for name in rules.voters}
    return {
        "voters": {
            name: _described(workspace.registry.identity(readers[name], fingerprint=False)) for name in readers
        },
        "votes": label.votes,
        "rule": str(rules.rule),
        "agree_with_gold": rules.agree_with_gold,
        "exclude_closed_book_right": list(rules.exclude_closed_book_right),
    }


def _described(identity: Mapping[str, Any]) -> str:
    """Write a component as a spec would name it, without what says where or how fast."""
    given = {name: value for name, value in identity["parameters"].items() if value not in (None, {}, [])}
    inner = ", ".join(
        f"{name}={_described(value) if isinstance(value, Mapping) and 'kind' in value else value}"
        for name, value in given.items()
    )
    return f"{identity['name']}({inner})" if inner else str(identity["name"])


def _votes(row: Voter) -> tuple[Task, ...]:
    return row.score.inputs["parse"]
