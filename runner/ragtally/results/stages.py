"""The result files of the stages before the bench: dataset, trained readers, voters and base."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import Score
from ragtally.plan import StudyPlan, Voter, in_order
from ragtally.results.costs import cost_columns, cost_of
from ragtally.results.metrics import score_columns
from ragtally.steps import Task, base, sample, score
from ragtally.store import read_json, write_csv, write_json, write_result_table
from ragtally.workspace import Workspace


def write_prepare(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write `dataset.json`: the corpus, and how its questions were narrowed down."""
    choice = plan.study.dataset.choice
    content = {
        "study": plan.study.name,
        "dataset": choice.name,
        "split": plan.study.dataset.split,
        "corpus": read_json(workspace.entry(plan.prepared) / "dataset.json"),
        "questions": read_json(workspace.entry(plan.sampled) / "funnel.json"),
        "addresses": {"prepare": plan.prepared.address, "sample": plan.sampled.address},
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
    scores: list[dict[str, Score]] = [score.load_scores(workspace.entry(row.score))["all"] for row in plan.voters]
    columns: dict[str, list[Any]] = {
        "voter": [row.reader for row in plan.voters],
        "decision": [row.decision for row in plan.voters],
    }
    costs = [cost_of(_votes(row), "all", None, workspace) for row in plan.voters]
    write_csv(folder / "voters.csv", columns | score_columns(scores) | cost_columns(costs))
    if plan.base is None:
        kept = sample.load_questions(workspace.entry(plan.sampled)).select("id", "label", label_kind=pl.lit("gold"))
        funnel: dict[str, Any] | None = None
    else:
        kept = base.load_base(workspace.entry(plan.base)).select("id", "label", "label_kind")
        funnel = read_json(workspace.entry(plan.base) / "funnel.json")
    write_result_table(folder / "base.parquet", kept)
    addresses = [task.address for task in in_order((plan.base,))] if plan.base else []
    content = {"study": plan.study.name, "base": funnel, "made_by": _made_by(plan, workspace)}
    write_json(folder / "base.json", {**content, "address": addresses[-1] if addresses else plan.sampled.address})


def _made_by(plan: StudyPlan, workspace: Workspace) -> dict[str, Any] | None:
    """Say who chose the base and how, so that an export can tell where its labels come from."""
    base_of, label = plan.study.base, plan.study.label
    if base_of is None or label is None:
        return None
    readers = {name: plan.study.readers[name].choice for name in base_of.voters}
    return {
        "voters": {
            name: _described(workspace.registry.identity(readers[name], fingerprint=False)) for name in readers
        },
        "votes": label.votes,
        "rule": str(base_of.rule),
        "agree_with_gold": base_of.agree_with_gold,
        "exclude_closed_book_right": list(base_of.exclude_closed_book_right),
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
