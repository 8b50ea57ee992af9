"""The result files of single questions: the sample, how each ranking did on it, and what stood before the readers."""

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
from ragtally.results import columns as files
from ragtally.results.approximation import evidence_shares
from ragtally.results.parsers import lost_by_parsers
from ragtally.steps import Task
from ragtally.store import read_table
from ragtally.tables import (
    load_ballots,
    load_base_rows,
    load_evidence,
    load_passages,
    load_prompts,
    load_questions,
    load_relevance,
    load_same_document,
    load_texts,
    load_verdicts,
)
from ragtally.workspace import Workspace

# Passages are written for at most so many questions, drawn by the study's seed ...
MOST_QUESTIONS = 200
# ... and at most so many characters of them; with many contexts, for fewer questions.
MOST_CHARACTERS = 12_000_000


def write_questions(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write `questions.parquet`, `rankings.parquet`, `passages.parquet` and `prompts.parquet`."""
    files.QUESTIONS.write(folder, _questions(plan, workspace))
    files.RANKINGS.write(folder, _rankings(plan, workspace))
    files.PASSAGES.write(folder, _passages(plan, workspace))
    files.PROMPTS.write(folder, _prompts(plan, workspace))


def in_base(plan: StudyPlan, workspace: Workspace) -> NDArray[np.bool_]:
    """Which questions of the sample are in the base: all where the spec has none."""
    if plan.base is None:
        return np.ones(len(load_questions(workspace.entry(plan.sample))), dtype=np.bool_)
    inside = np.zeros(len(load_questions(workspace.entry(plan.sample))), dtype=np.bool_)
    inside[load_base_rows(workspace.entry(plan.base))] = True
    return inside


def context_of(cell: Cell) -> Task | None:
    """The task that put the passages before the reader of a cell."""
    contexts = cell.score.inputs.get("context", ())
    return contexts[0] if contexts and cell.verdicts is not None else None


def document_clusters(
    evidence: QuestionEvidence, questions: int, same_document: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
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
    # What another parser made of a document is the same document.
    documents = evidence.document if same_document is None else same_document[evidence.document]
    for row, document in zip(evidence.question.tolist(), documents.tolist(), strict=True):
        one, other = root(row), root(owner.setdefault(document, row))
        parent[max(one, other)] = min(one, other)
    return np.array([root(row) for row in range(questions)], dtype=np.int64)


def _questions(plan: StudyPlan, workspace: Workspace) -> dict[str, Any]:
    sample = workspace.entry(plan.sample)
    questions, evidence = load_questions(sample), load_evidence(sample)
    count = len(questions)
    voters = _voters_verdicts(plan, workspace, count)
    opinions = zip(voters, *_annotations(plan, workspace), strict=True)
    return {
        "id": questions["id"],
        "question": questions["text"],
        "label": questions["label"],
        **({"references": questions["references"]} if "references" in questions.columns else {}),
        "in_base": in_base(plan, workspace),
        "evidence_characters": evidence_characters(evidence, count),
        **lost_by_parsers(plan, workspace),
        "document_group": document_clusters(evidence, count, load_same_document(workspace.entry(plan.dataset))),
        "voters_verdict": voters,
        "label_doubtful": [_is_doubtful(*row) for row in zip(questions["label"], opinions, strict=True)],
    }


def _is_doubtful(label: str | None, opinions: Sequence[str | None]) -> bool | None:
    """Whether the voters or an annotator disagree with a label; None where there is nobody to compare with."""
    answers = [answer for answer in opinions if answer is not None]
    return None if label is None or not answers else any(answer != label for answer in answers)


def _voters_verdicts(plan: StudyPlan, workspace: Workspace, count: int) -> list[str | None]:
    """What most ballots of all voters say on the gold context; None for a tie."""
    tasks = dict.fromkeys(task for row in plan.voters for task in row.score.inputs["parse"])
    ballots: list[Counter[str]] = [Counter() for _ in range(count)]
    for task in tasks:
        table = load_ballots(workspace.entry(task))
        for row, ballot in table.select("question", "ballot").iter_rows():
            if ballot is not None:
                ballots[row][ballot] += 1
    if plan.study.dataset.is_open:
        # Ballots in other words may say the same: only the graders compare them.
        return [None] * count
    return [_plurality(counter) for counter in ballots]


def _plurality(ballots: Counter[str]) -> str | None:
    first = ballots.most_common(2)
    return first[0][0] if first and (len(first) == 1 or first[0][1] > first[1][1]) else None


def _annotations(plan: StudyPlan, workspace: Workspace) -> Iterator[list[str | None]]:
    """The answers of readers that have recorded ones, who saw the gold context or the conclusion."""
    for cell in plan.cells:
        if cell.verdicts is not None and cell.picks.kind == "fixed" and cell.picks.condition != "closed_book":
            yield load_verdicts(workspace.entry(cell.verdicts))["verdict"].to_list()


def _rankings(plan: StudyPlan, workspace: Workspace) -> pl.DataFrame:
    ids = load_questions(workspace.entry(plan.sample))["id"]
    registry = workspace.registry
    tables_of_rankings = [
        registry.build(metric) for metric in plan.study.metrics if registry.traits(metric).measures == "retrieval"
    ]
    metrics = [metric for metric in tables_of_rankings if isinstance(metric, MeanMetric)]
    frames = [files.RANKINGS.empty()]
    for cell in plan.cells:
        if cell.picks.is_ranking:
            ranking = load_relevance(workspace.entry(cell.score.inputs["relevance"][0]))
            columns = {"ranking": pl.repeat(cell.name, len(ids), eager=True), "question": ids}
            for metric in metrics:
                for name, values in metric.by_question(ranking).items():
                    columns[name] = pl.Series(question_values(values, len(ids), metric)).fill_nan(None)
            for name, shares in evidence_shares(plan, cell, workspace).items():
                columns[name] = pl.Series(shares).fill_nan(None)
            frames.append(files.RANKINGS.frame(columns))
    return pl.concat(frames, how="diagonal", rechunk=True)


def _passages(plan: StudyPlan, workspace: Workspace) -> pl.DataFrame:
    """What stood before the readers of some questions, with the evidence marked."""
    contexts = dict.fromkeys(task for cell in plan.cells if (task := context_of(cell)) is not None)
    questions = load_questions(workspace.entry(plan.sample))
    tables = {task: load_passages(workspace.entry(task)) for task in contexts}
    characters = sum(int((table["end"] - table["start"]).sum()) for table in tables.values())
    picked_ids = _pick_questions(plan, questions["id"], characters)
    rows = []
    # Each parser has documents of its own; its contexts follow one another.
    for task, table in tables.items():
        dataset = workspace.entry(task.inputs["prepare"][0])
        names = read_table(dataset / "documents.parquet", ["id"])["id"]
        texts, marks = load_texts(dataset), _evidence_spans(workspace.entry(task.inputs["sample"][0]))
        rank, last = 0, -1
        for question, document, start, end in table.iter_rows():
            rank, last = (rank + 1 if question == last else 1), question
            if question not in picked_ids:
                continue
            spans = [(a, b) for a, b in marks.get((question, document), ()) if a < end and b > start]
            starts, ends = [max(a, start) - start for a, _ in spans], [min(b, end) - start for _, b in spans]
            passage = texts[document][start:end]
            rows.append(
                (task.label, questions["id"][question], rank, names[document], start, end, passage, starts, ends)
            )
    return pl.DataFrame(rows, schema=files.PASSAGES.schema, orient="row")


def _evidence_spans(sample: Path) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Where the evidence stands, by question and document."""
    evidence = load_evidence(sample)
    spans: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row in range(len(evidence)):
        key = (int(evidence.question[row]), int(evidence.document[row]))
        spans.setdefault(key, []).append((int(evidence.start[row]), int(evidence.end[row])))
    return spans


def _prompts(plan: StudyPlan, workspace: Workspace) -> pl.DataFrame:
    """What was asked of language models about some questions; each prompt once, though votes and cells share it."""
    tasks: dict[tuple[str, str | None], Task] = {}
    for cell in plan.cells:
        if cell.verdicts is None:
            continue
        answers = cell.verdicts.inputs["parse"][0].inputs["read"][0]
        context = context_of(cell)
        for task in answers.inputs.get("prompt", ()):
            tasks.setdefault((str(cell.picks.reader), context.label if context else None), task)
    ids = load_questions(workspace.entry(plan.sample))["id"]
    tables = {key: load_prompts(workspace.entry(task)) for key, task in tasks.items()}
    characters = sum(
        len(message.content) for table in tables.values() for prompt in table.prompts for message in prompt
    )
    picked_ids = _pick_questions(plan, ids, characters)
    rows = [
        (*key, ids[question], [message.role for message in prompt], [message.content for message in prompt])
        for key, table in tables.items()
        for question, prompt in zip(table.questions, table.prompts, strict=True)
        if question in picked_ids
    ]
    return pl.DataFrame(rows, schema=files.PROMPTS.schema, orient="row")


def _pick_questions(plan: StudyPlan, ids: pl.Series, characters: int) -> set[int]:
    """The rows of the questions of which everything is written, given how many characters that is of all of them."""
    # "shown" is part of what the seed is derived from: another word would draw other questions.
    order = sorted(range(len(ids)), key=lambda row: derive_seed(plan.study.seed, "shown", ids[row]))
    per_question = characters / len(ids) if len(ids) else 0
    most = int(MOST_CHARACTERS / per_question) if per_question else len(ids)
    return set(order[: min(MOST_QUESTIONS, most)])
