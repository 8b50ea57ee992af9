"""score: turn a cell's verdicts and ranking into numbers, on all questions and on the base."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.api import Choice, GradedAnswers, RankingRelevance, Score
from ragtally.metrics import metric_scores, no_answers
from ragtally.relevance import select_rows
from ragtally.steps.step import Step, Work
from ragtally.store import write_json
from ragtally.tables import (
    load_answer_options,
    load_ballots,
    load_base,
    load_base_rows,
    load_grades,
    load_judgments,
    load_questions,
    load_relevance,
    load_verdicts,
    load_words,
)
from ragtally.voting import Ballots, grade_open, grade_verdicts, select_ballots

# What the engine itself says of the passages before the readers: by name the unit, and whether more is better.
CONTEXT_SCORES: Mapping[str, tuple[Literal["share", "number"], bool | None]] = {
    "context_document_hit": ("share", True),
    "context_evidence": ("share", True),
    "context_evidence_ceiling": ("share", True),
    "context_mean_words": ("number", None),
}


def run(work: Work) -> None:
    """Write `scores.json`: by question set and printed name the value, its denominator and the reason."""
    scores: dict[str, dict[str, Any]] = {}
    for question_set in work.task.settings["question_sets"]:
        rows = _rows(work, question_set)
        of_set: dict[str, Score] = {"questions": Score(float(len(rows)), len(rows))}
        of_set.update(_of_answers(work, question_set, rows))
        of_set.update(_of_retrieval(work, rows))
        scores[question_set] = {
            name: {"value": score.value, "denominator": score.denominator, "reason": score.reason}
            for name, score in of_set.items()
        }
    write_json(work.folder / "scores.json", scores)


def load_graded_answers(
    folders: Mapping[str, Path], ballots: Sequence[Path], question_set: str, language: str = "en"
) -> GradedAnswers:
    """Put a cell's verdicts beside the labels of one set of questions, or beside its grades where there are any."""
    if question_set == "base":
        labels = load_base(folders["base"])
    else:
        labels = load_questions(folders["sample"]).with_row_index("question")
    tables = [load_ballots(folder) for folder in ballots]
    rows = np.searchsorted(tables[0]["question"].to_numpy(), labels["question"].to_numpy()).tolist()
    cast = Ballots([table["ballot"].to_list() for table in tables], [table["failed"].to_list() for table in tables])
    cast = select_ballots(cast, rows)
    verdicts = load_verdicts(folders["vote"])["verdict"][rows].to_list()
    if "grade" in folders:
        grades = load_grades(folders["grade"])[rows]
        references = load_questions(folders["sample"])["references"][labels["question"].to_list()].to_list()
        answers = grade_open(cast, verdicts, grades["right"].to_list(), references, language)
        return replace(
            answers,
            right_by_judges=_right_by_judges(grades),
            supported_by_judges=_supported_by_judges(folders, labels["question"]),
        )
    return grade_verdicts(
        cast,
        verdicts,
        labels["label"].to_list(),
        load_answer_options(folders["sample"]),
    )


def _right_by_judges(grades: pl.DataFrame) -> list[bool | None] | None:
    """Which answers the judges call right; None of one that they were not asked about, and where there are none."""
    return (grades["by_judges"] == "right").to_list() if "by_judges" in grades.columns else None


def _supported_by_judges(folders: Mapping[str, Path], questions: pl.Series) -> list[bool | None] | None:
    """Likewise, which ones they find supported by the passages before the reader."""
    if "support" not in folders:
        return None
    verdicts = dict(
        load_judgments(folders["support"]).select("question", pl.col("verdict").fill_null(value=False)).rows()
    )
    return [verdicts.get(row) for row in questions]


def _rows(work: Work, question_set: str) -> NDArray[np.int64]:
    if question_set == "base":
        return load_base_rows(work.input("base"))
    return np.arange(len(load_questions(work.input("sample"))))


def _metrics(work: Work, measures: str) -> list[Choice]:
    return [choice for choice in work.task.choices.values() if work.registry.traits(choice).measures == measures]


def _of_answers(work: Work, question_set: str, rows: NDArray[np.int64]) -> dict[str, Score]:
    reason = work.task.settings["not_scored"].get(question_set)
    if work.optional("vote") is None:
        return _unscored(work, len(rows), reason) if reason else {}
    folders = {
        role: work.input(role) for role in ("sample", "vote", "grade", "support", "base") if role in work.entries
    }
    language = work.task.settings.get("language", "en")
    ballots = [entry.folder for entry in work.entries["parse"]]
    labels = load_questions(folders["sample"])["label"]
    if "grade" not in folders and question_set == "all" and (missing := labels.null_count()):
        which = "the" if missing == len(labels) else f"{missing:,} of the {len(labels):,}"
        reason = f"{which} questions have no gold label"
    if reason is not None:
        return _unscored(work, len(rows), reason)
    answers = load_graded_answers(folders, ballots, question_set, language)
    scores: dict[str, Score] = {}
    for choice in _metrics(work, "answers"):
        scores.update(metric_scores(work.registry.build(choice), answers))
    return scores


def _unscored(work: Work, questions: int, reason: str) -> dict[str, Score]:
    """The reason in place of each score."""
    answers = no_answers(load_answer_options(work.input("sample")))
    metrics = [work.registry.build(choice) for choice in _metrics(work, "answers")]
    return {name: Score(None, questions, reason) for metric in metrics for name in metric_scores(metric, answers)}


def _of_retrieval(work: Work, rows: NDArray[np.int64]) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    if work.optional("relevance") is not None:
        relevance = select_rows(load_relevance(work.input("relevance")), rows)
        for choice in _metrics(work, "retrieval"):
            scores.update(metric_scores(work.registry.build(choice), relevance))
    if work.optional("context_relevance") is not None:
        passages = select_rows(load_relevance(work.input("context_relevance")), rows)
        scores.update(_before_the_reader(passages, work.task.settings["top_k"]))
    if work.optional("context") is not None:
        words = load_words(work.input("context"))[rows]
        scores["context_mean_words"] = _mean(words, "no question")
    return scores


def _before_the_reader(relevance: RankingRelevance, top_k: int | None) -> dict[str, Score]:
    """Say how much of the evidence reached the reader, and how much could have at this chunk size."""
    with_evidence = relevance.evidence_total > 0
    # A ranking is never longer than the corpus.
    last = min(top_k or sys.maxsize, relevance.covered.shape[1]) - 1
    total = relevance.evidence_total[with_evidence]
    hit = relevance.relevant_document[with_evidence, : last + 1].any(axis=1)
    reason = "no question has evidence"
    return {
        "context_document_hit": _mean(hit, reason),
        "context_evidence": _mean(relevance.covered[with_evidence, last] / total, reason),
        "context_evidence_ceiling": _mean(relevance.coverable[with_evidence, last] / total, reason),
    }


def _mean(values: Any, reason: str) -> Score:
    return Score(float(np.mean(values)), len(values)) if len(values) else Score(None, 0, reason)


SCORE = Step(
    "score",
    2,
    run,
    inputs=("sample", "parse", "vote", "grade", "support", "base", "relevance", "context", "context_relevance"),
    stored_roles={"relevance": "judge", "context_relevance": "judge_context"},
)
