"""The result files of single questions: what was asked, how each ranking did on it, what stood before the reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.api import MeanMetric, QuestionEvidence, derive_seed
from ragtally.metrics import question_values
from ragtally.plan import Cell, StudyPlan
from ragtally.relevance import evidence_characters
from ragtally.steps import Task
from ragtally.store import read_table, write_result_table
from ragtally.tables import (
    load_ballots,
    load_base_rows,
    load_evidence,
    load_passages,
    load_questions,
    load_relevance,
    load_texts,
    load_verdicts,
)
from ragtally.workspace import Workspace

# Of how many questions, drawn by the study's seed, the passages are written out.
MOST_SHOWN = 200
# How many characters of passages are written out at most; with many contexts, of fewer questions.
MOST_CHARACTERS = 12_000_000

_PASSAGES = {
    "context": pl.String(),
    "question": pl.String(),
    "rank": pl.Int32(),
    "document": pl.String(),
    "start": pl.Int32(),
    "end": pl.Int32(),
    "text": pl.String(),
    "evidence_starts": pl.List(pl.Int32),
    "evidence_ends": pl.List(pl.Int32),
}


def write_questions(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write `questions.parquet`, `rankings.parquet` and `passages.parquet`."""
    write_result_table(folder / "questions.parquet", _questions(plan, workspace))
    write_result_table(folder / "rankings.parquet", _rankings(plan, workspace))
    write_result_table(folder / "passages.parquet", _passages(plan, workspace))


def document_clusters(evidence: QuestionEvidence, questions: int) -> NDArray[np.int64]:
    """Group the questions that share a document, directly or by way of others."""
    # Such questions stand and fall together, so an interval that takes them for independent is too narrow: they are
    # resampled together.
    parent = list(range(questions))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    owner: dict[int, int] = {}
    for row, document in zip(evidence.question.tolist(), evidence.document.tolist(), strict=True):
        one, other = root(row), root(owner.setdefault(document, row))
        parent[max(one, other)] = min(one, other)
    return np.array([root(row) for row in range(questions)], dtype=np.int64)


def _questions(plan: StudyPlan, workspace: Workspace) -> pl.DataFrame:
    sampled = workspace.entry(plan.sample)
    questions, evidence = load_questions(sampled), load_evidence(sampled)
    count = len(questions)
    in_base = np.ones(count, dtype=bool)
    if plan.base is not None:
        in_base[:] = False
        in_base[load_base_rows(workspace.entry(plan.base))] = True
    labels = questions["label"].to_list()
    voted = _voted(plan, workspace, count)
    others = [voted, *_annotated(plan, workspace)]
    return pl.DataFrame(
        {
            "id": questions["id"],
            "question": questions["text"],
            "label": questions["label"],
            "in_base": in_base,
            "evidence_characters": evidence_characters(evidence, count),
            "document_group": document_clusters(evidence, count).astype(np.int32),
            "voters_verdict": voted,
            "label_doubtful": [_doubtful(label, said) for label, *said in zip(labels, *others, strict=True)],
        },
        schema_overrides={"voters_verdict": pl.String, "label_doubtful": pl.Boolean},
    )


def _doubtful(label: str | None, said: Sequence[str | None]) -> bool | None:
    """Whether the voters or an annotator disagree with a label; None where nobody said anything."""
    known = [answer for answer in said if answer is not None]
    return None if label is None or not known else any(answer != label for answer in known)


def _voted(plan: StudyPlan, workspace: Workspace, count: int) -> list[str | None]:
    """What most of all ballots of all voters say, on the gold context; None where there is no most."""
    tasks = dict.fromkeys(task for row in plan.voters for task in row.score.inputs["parse"])
    ballots: list[Counter[str]] = [Counter() for _ in range(count)]
    for task in tasks:
        table = load_ballots(workspace.entry(task))
        for row, ballot in table.select("question", "ballot").iter_rows():
            if ballot is not None:
                ballots[row][ballot] += 1
    return [_most(cast) for cast in ballots]


def _most(cast: Counter[str]) -> str | None:
    first = cast.most_common(2)
    return first[0][0] if first and (len(first) == 1 or first[0][1] > first[1][1]) else None


def _annotated(plan: StudyPlan, workspace: Workspace) -> Iterator[list[str | None]]:
    """What readers with recorded answers of the gold context or the conclusion said."""
    for cell in plan.cells:
        if cell.verdicts is not None and cell.picks.kind == "fixed" and cell.picks.condition != "closed_book":
            yield load_verdicts(workspace.entry(cell.verdicts))["verdict"].to_list()


def _rankings(plan: StudyPlan, workspace: Workspace) -> pl.DataFrame:
    """One row a ranking and question, one column a metric; null where the metric does not apply."""
    ids = load_questions(workspace.entry(plan.sample))["id"]
    metrics = [
        workspace.registry.build(metric) for metric in plan.study.metrics if _judges(metric, workspace) == "retrieval"
    ]
    able = [metric for metric in metrics if isinstance(metric, MeanMetric)]
    frames = [pl.DataFrame(schema={"ranking": pl.String(), "question": pl.String()})]
    for cell in plan.cells:
        if cell.picks.is_ranking:
            judged = load_relevance(workspace.entry(cell.score.inputs["relevance"][0]))
            columns = {"ranking": pl.repeat(cell.name, len(ids), eager=True), "question": ids}
            for metric in able:
                for name, single in metric.by_question(judged).items():
                    columns[name] = pl.Series(question_values(single, len(ids), metric)).fill_nan(None)
            frames.append(pl.DataFrame(columns))
    return pl.concat(frames, how="diagonal", rechunk=True)


def _judges(metric: Any, workspace: Workspace) -> str:
    measures: str = workspace.registry.traits(metric).measures
    return measures


def _passages(plan: StudyPlan, workspace: Workspace) -> pl.DataFrame:
    """What stood before the readers of some questions, with the evidence marked."""
    contexts = dict.fromkeys(task for cell in plan.cells if (task := context_of(cell)) is not None)
    prepared, sampled = workspace.entry(plan.dataset), workspace.entry(plan.sample)
    questions, evidence = load_questions(sampled), load_evidence(sampled)
    names = read_table(prepared / "documents.parquet", ["id"])["id"]
    texts = load_texts(prepared)
    marks: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row in range(len(evidence)):
        key = (int(evidence.question[row]), int(evidence.document[row]))
        marks.setdefault(key, []).append((int(evidence.start[row]), int(evidence.end[row])))
    tables = {task: load_passages(workspace.entry(task)) for task in contexts}
    order = sorted(range(len(questions)), key=lambda row: derive_seed(plan.study.seed, "shown", questions["id"][row]))
    shown = set(order[: _shown(list(tables.values()), len(questions))])
    rows = []
    for task, table in tables.items():
        rank, last = 0, -1
        for question, document, start, end in table.iter_rows():
            rank, last = (rank + 1 if question == last else 1), question
            if question not in shown:
                continue
            own = marks.get((question, document), ())
            cut = [(max(a, start) - start, min(b, end) - start) for a, b in own if a < end and b > start]
            said = (task.label, questions["id"][question], rank, names[document], start, end)
            rows.append((*said, texts[document][start:end], [a for a, _ in cut], [b for _, b in cut]))
    return pl.DataFrame(rows, schema=_PASSAGES, orient="row")


def context_of(cell: Cell) -> Task | None:
    """Say which task put the passages before the reader of a cell."""
    found = cell.score.inputs.get("context", ())
    return found[0] if found and cell.verdicts is not None else None


def _shown(tables: Sequence[pl.DataFrame], questions: int) -> int:
    characters = sum(int((table["end"] - table["start"]).sum()) for table in tables)
    each = characters / questions if questions else 0
    return min(MOST_SHOWN, questions, int(MOST_CHARACTERS / each) if each else questions)
