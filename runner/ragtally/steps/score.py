"""score: turn a cell's verdicts and ranking into numbers, on all questions and on the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ragtally.api import Choice, GradedAnswers, RankingRelevance, Score
from ragtally.metrics import metric_scores, no_answers
from ragtally.relevance import select_rows
from ragtally.steps import base, context, parse, relevance, sample, vote
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import read_json, write_json
from ragtally.voting import Ballots, judge_decided, select_ballots

STEP = "score"
VERSION = 1
# What the engine itself says of the passages before the readers: by name the unit, and whether more is better.
CONTEXT_SCORES: Mapping[str, tuple[Literal["share", "number"], bool | None]] = {
    "context_document_hit": ("share", True),
    "context_evidence": ("share", True),
    "context_evidence_ceiling": ("share", True),
    "context_mean_words": ("number", None),
}


def task(
    factory: TaskFactory,
    sampled: Task,
    metrics: Sequence[Choice],
    *,
    question_sets: Sequence[str],
    verdicts: Task | None = None,
    kept: Task | None = None,
    judged: Task | None = None,
    judged_context: Task | None = None,
    contexts: Task | None = None,
    top_k: int | None = None,
    not_scored: Mapping[str, str] | None = None,
    **about: Any,
) -> Task:
    """Describe the work."""
    choices = {f"metric {number}": metric for number, metric in enumerate(metrics)}
    settings = {"question_sets": list(question_sets), "top_k": top_k, "not_scored": dict(not_scored or {})}
    inputs: dict[str, Task | Sequence[Task] | None] = {
        "sample": sampled, "vote": verdicts, "base": kept, "judge": judged, "context": contexts,
        "judge_context": judged_context,
        "parse": verdicts.inputs["parse"] if verdicts else None,
    }  # fmt: skip
    return factory.task(STEP, VERSION, choices=choices, settings=settings, inputs=inputs, **about)


def run(work: Work) -> None:
    """Write `scores.json`: by question set and printed name the value, its denominator and the reason."""
    scores: dict[str, dict[str, Any]] = {}
    for question_set in work.task.settings["question_sets"]:
        rows = _rows(work, question_set)
        found: dict[str, Score] = {"questions": Score(float(len(rows)), len(rows))}
        found.update(_of_answers(work, question_set, rows))
        found.update(_of_retrieval(work, rows))
        scores[question_set] = {
            name: {"value": score.value, "denominator": score.denominator, "reason": score.reason}
            for name, score in found.items()
        }
    write_json(work.folder / "scores.json", scores)


def load_scores(folder: Path) -> dict[str, dict[str, Score]]:
    """Read the scores."""
    return {
        question_set: {name: Score(**score) for name, score in scores.items()}
        for question_set, scores in read_json(folder / "scores.json").items()
    }


def load_relevance(folders: Mapping[str, Path], ballots: Sequence[Path], question_set: str) -> GradedAnswers:
    """Put a cell's verdicts beside the labels of one set of questions."""
    if question_set == "base":
        labels = base.load_base(folders["base"])
    else:
        labels = sample.load_questions(folders["sample"]).with_row_index("question")
    tables = [parse.load_ballots(folder) for folder in ballots]
    rows = np.searchsorted(tables[0]["question"].to_numpy(), labels["question"].to_numpy()).tolist()
    cast = Ballots([table["ballot"].to_list() for table in tables], [table["failed"].to_list() for table in tables])
    verdicts = vote.load_verdicts(folders["vote"])["verdict"].to_list()
    return judge_decided(
        select_ballots(cast, rows),
        [verdicts[row] for row in rows],
        labels["label"].to_list(),
        sample.load_answers(folders["sample"]),
    )


def _rows(work: Work, question_set: str) -> NDArray[np.int64]:
    if question_set == "base":
        return base.load_rows(work.input("base"))
    return np.arange(len(sample.load_questions(work.input("sample"))))


def _metrics(work: Work, measures: str) -> list[Choice]:
    return [choice for choice in work.task.choices.values() if work.registry.traits(choice).measures == measures]


def _of_answers(work: Work, question_set: str, rows: NDArray[np.int64]) -> dict[str, Score]:
    if work.optional("vote") is None:
        return {}
    folders = {role: work.input(role) for role in ("sample", "vote", "base") if role in work.entries}
    ballots = [entry.folder for entry in work.entries["parse"]]
    reason = work.task.settings["not_scored"].get(question_set)
    if question_set == "all" and sample.load_questions(folders["sample"])["label"].null_count():
        reason = "the questions have no gold label"
    scores: dict[str, Score] = {}
    if reason is None:
        graded = load_relevance(folders, ballots, question_set)
    else:
        graded = no_answers(sample.load_answers(folders["sample"]))
    for choice in _metrics(work, "answers"):
        for name, score in metric_scores(work.registry.build(choice), graded).items():
            scores[name] = score if reason is None else Score(None, len(rows), reason)
    return scores


def _of_retrieval(work: Work, rows: NDArray[np.int64]) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    if work.optional("judge") is not None:
        judged = select_rows(relevance.load_relevance(work.input("judge")), rows)
        for choice in _metrics(work, "retrieval"):
            scores.update(metric_scores(work.registry.build(choice), judged))
    if work.optional("judge_context") is not None:
        before = select_rows(relevance.load_relevance(work.input("judge_context")), rows)
        scores.update(_before_the_reader(before, work.task.settings["top_k"]))
    if work.optional("context") is not None:
        words = context.load_words(work.input("context"))[rows]
        scores["context_mean_words"] = _mean(words, "no question")
    return scores


def _before_the_reader(judged: RankingRelevance, top_k: int | None) -> dict[str, Score]:
    """Say how much of the evidence stood before the reader, and how much could have at this chunk size."""
    scored = judged.evidence_total > 0
    last = (judged.covered.shape[1] if top_k is None else top_k) - 1
    total = judged.evidence_total[scored]
    found = judged.relevant_document[scored, : last + 1].any(axis=1)
    reason = "no question has evidence"
    return {
        "context_document_hit": _mean(found, reason),
        "context_evidence": _mean(judged.covered[scored, last] / total, reason),
        "context_evidence_ceiling": _mean(judged.coverable[scored, last] / total, reason),
    }


def _mean(values: Any, reason: str) -> Score:
    return Score(float(np.mean(values)), len(values)) if len(values) else Score(None, 0, reason)
