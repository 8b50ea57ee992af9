"""The result file of judges: every answer that they were asked about, with ballots, reasons, and people's grades."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import canonical_json, file_hash
from ragtally.plan import Cell, StudyPlan
from ragtally.plan.judging import Judge, judges_of, panel, pools_votes, sheet_path
from ragtally.registry import Registry
from ragtally.results import columns as files
from ragtally.results.people import grades_by_item, load_draw, load_grades, probabilities, record_path, stratum_of
from ragtally.steps import Task
from ragtally.tables import load_judgments, load_passages, load_questions, load_texts, load_verdicts, passage_texts
from ragtally.workspace import Workspace

_WORDS = {True: "yes", False: "no", None: "no verdict"}


def answer_columns(plan: StudyPlan, workspace: Workspace, cell: Cell, rows: pl.Series) -> dict[str, list[Any]]:
    """What judges say of a cell's answers, as columns of `answers.parquet`; nothing where there are none."""
    columns: dict[str, list[Any]] = {}
    for criterion, task in _judge_tasks(cell):
        table = load_judgments(workspace.entry(task))
        verdicts = dict(table.select("question", "verdict").iter_rows())
        name = f"{criterion}_by_judges"
        columns[name] = [_WORDS[verdicts[row]] if row in verdicts else None for row in rows]
        if criterion == "right":
            items = {row: item for row, item, *_ in _items(plan, workspace, cell, criterion, task)}
            columns["item"] = [items.get(row) for row in rows]
    return columns


def write_judgments(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write `judgments.parquet`: no rows where nobody judges."""
    rows: dict[str, dict[str, Any]] = {}
    ids = load_questions(workspace.entry(plan.sample))["id"]
    judges = [judge.name for judge in panel(plan.study, workspace.registry)]
    for cell in plan.cells:
        for criterion, task in _judge_tasks(cell):
            table = {row["question"]: row for row in load_judgments(workspace.entry(task)).iter_rows(named=True)}
            for question, item, answer, context in _items(plan, workspace, cell, criterion, task):
                if item in rows:
                    continue
                judgment = table[question]
                rows[item] = {
                    "item": item,
                    "criterion": criterion,
                    "question": ids[question],
                    "answer": answer,
                    "context": context,
                    "verdict": judgment["verdict"],
                    "panel": judges,
                    "judge_verdicts": judgment["by_judge"],
                    **{name: judgment[name] for name in ("ballots", "reasons", "errors")},
                    "doubt": stratum_of(judgment["ballots"]),
                }
    frame = files.JUDGMENTS.empty()
    if rows:
        values = list(rows.values())
        of_people = _people(plan, workspace, list(rows))
        frame = files.JUDGMENTS.frame({name: [row[name] for row in values] for name in values[0]} | of_people)
    files.JUDGMENTS.write(folder, frame.sort("criterion", "question", "item", maintain_order=True))


def judges_json(plan: StudyPlan, workspace: Workspace) -> dict[str, Any]:
    """What `comparisons.json` says of the judges; nothing where there are none."""
    judges = judges_of(plan.study, workspace.registry)
    if judges is None:
        return {}
    return {
        "panel": [_judge_json(judge) for judge in panel(plan.study, workspace.registry)],
        "panel_rule": str(judges.parameters["rule"]),
        "panel_votes": judges.parameters["votes"],
        "sheet": str(sheet_path(plan.study, judges)),
        # Said only where it is so: the files of other studies stay.
        **({"panel_pools_votes": True} if pools_votes(judges, workspace.registry) else {}),
    }


def _judge_json(judge: Judge) -> dict[str, Any]:
    return judge._asdict() | {"readers": list(judge.readers)}


def check_sheet(plan: StudyPlan, registry: Registry) -> None:
    """Read the grades of people before anything is paid: a faulty sheet would stop the results."""
    judges = judges_of(plan.study, registry)
    if judges is not None:
        load_grades(sheet_path(plan.study, judges))


def people_hashes(plan: StudyPlan, registry: Registry) -> dict[str, Any]:
    """What the results hold besides the outcome of tasks: what people say; nothing without judges."""
    judges = judges_of(plan.study, registry)
    if judges is None:
        return {}
    sheet = sheet_path(plan.study, judges)
    return {"people": {path.name: file_hash(path) for path in (sheet, record_path(sheet)) if path.is_file()}}


def _people(plan: StudyPlan, workspace: Workspace, items: list[str]) -> dict[str, list[Any]]:
    judges = judges_of(plan.study, workspace.registry)
    assert judges is not None
    sheet = sheet_path(plan.study, judges)
    record, by_item = load_draw(sheet), grades_by_item(load_grades(sheet))
    frame = probabilities(record, by_item)
    # Grades of an earlier draw say nothing of this one's probabilities.
    sample = set() if record is None else set(record.sample)
    grades = [by_item.get(item, {}) if item in sample else {} for item in items]
    return {
        "stratum": [frame[item][0] if item in frame else None for item in items],
        "probability": [frame[item][1] if item in frame else None for item in items],
        "people": [list(one) for one in grades],
        "grades": [list(one.values()) for one in grades],
    }


def _judge_tasks(cell: Cell) -> Iterator[tuple[str, Task]]:
    for grades in cell.score.inputs.get("grade", ()):
        for task in grades.inputs.get("judge", ()):
            yield "right", task
    for task in cell.score.inputs.get("support", ()):
        yield "supported", task


def _items(
    plan: StudyPlan, workspace: Workspace, cell: Cell, criterion: str, task: Task
) -> Iterator[tuple[int, str, str, str | None]]:
    """The answers of a cell that judges were asked about: the question's row, the item, the answer, the context."""
    questions = load_questions(workspace.entry(plan.sample))
    assert cell.verdicts is not None
    verdicts = dict(load_verdicts(workspace.entry(cell.verdicts)).select("question", "verdict").iter_rows())
    context = cell.score.inputs["context"][0] if criterion == "supported" else None
    passages = {} if context is None else _passages(workspace, context.inputs["prepare"][0], context)
    columns = questions["id"].to_list(), questions["text"].to_list(), questions["references"].to_list()
    for row in load_judgments(workspace.entry(task))["question"].to_list():
        name, text, references = (column[row] for column in columns)
        answer = verdicts[row]
        # Whatever the run, cell and judge: grades of people stay where an answer is the same.
        content = [criterion, name, text, references, " ".join(answer.split()), passages.get(row, [])]
        item = hashlib.blake2b(canonical_json(content).encode(), digest_size=8).hexdigest()
        yield row, item, answer, None if context is None else context.label


def _passages(workspace: Workspace, dataset: Task, context: Task) -> dict[int, list[str]]:
    table = load_passages(workspace.entry(context))
    passages: dict[int, list[str]] = {}
    for row, text in zip(table["question"], passage_texts(table, load_texts(workspace.entry(dataset))), strict=True):
        passages.setdefault(row, []).append(text)
    return passages
