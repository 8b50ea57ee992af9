"""base: the questions that the voters can answer from their gold context."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ragtally.api import DataError
from ragtally.steps.step import Step, Work
from ragtally.store import write_json, write_table
from ragtally.tables import load_answer_options, load_grades, load_questions, load_verdicts


def run(work: Work) -> None:
    """Write `base.parquet` (the questions of the base, with their labels) and `funnel.json`."""
    questions = load_questions(work.input("sample")).with_row_index("question")
    agree = work.task.settings["agree_with_gold"]
    without_label = questions["label"].null_count()
    grades = work.optional("grade")
    is_open = grades is not None
    keep_unlabelled = work.task.settings.get("unlabelled") == "keep"
    if agree and without_label and not is_open and not keep_unlabelled:
        raise DataError(
            f"the base is to agree with gold labels, but {without_label} of {len(questions)} questions have none",
            location=work.task.location,
            hint="write agree_with_gold: false; the verdicts are then silver labels",
        )
    verdicts = load_verdicts(work.input("vote"))
    table = questions.with_columns(verdicts["verdict"], verdicts["parsed"])
    right = (pl.col("verdict") == pl.col("label")).fill_null(value=keep_unlabelled)
    if grades is not None:
        table, right = table.with_columns(load_grades(grades)["right"]), pl.col("right").fill_null(value=False)
    table = table.with_columns(_right_without_context(work, table))
    stages = {
        "asked": pl.lit(value=True),
        "voted": pl.col("parsed") > 0,
        "verdict": pl.col("verdict").is_not_null(),
        "agreed": right if agree else pl.lit(value=True),
        "kept": ~pl.col("right_without_context"),
    }
    table = table.with_columns(final=pl.col("label") if is_open else pl.coalesce("label", "verdict"))
    options = load_answer_options(work.input("sample"))
    funnel: dict[str, Any] = {"labels": "silver" if without_label and not is_open else "gold", "stages": {}}
    for stage, condition in stages.items():
        table = table.filter(condition)
        by_class = {name: int((table["final"] == name).sum()) for name in options}
        funnel["stages"][stage] = {"questions": len(table), "by_class": by_class}
    if not len(table):
        raise DataError(
            "no question is left in the base",
            location=work.task.location,
            hint="loosen base.rule, or vote with readers that can read these questions",
        )
    kind = pl.when(pl.col("label").is_null() & (not is_open)).then(pl.lit("silver")).otherwise(pl.lit("gold"))
    base = table.select("question", "id", label="final", label_kind=kind, verdict="verdict")
    write_table(work.folder / "base.parquet", base)
    write_json(work.folder / "funnel.json", funnel)


def _right_without_context(work: Work, table: pl.DataFrame) -> pl.Series:
    """Which questions are answered as their label (gold, else the voters' verdict) without any context."""
    right = pl.Series("right_without_context", np.zeros(len(table), dtype=bool))
    label = table.select(pl.coalesce("label", "verdict"))["label"]
    for entry in work.entries.get("closed_book_grade", ()):
        right = right | load_grades(entry.folder)["right"].fill_null(value=False)
    for entry in work.entries.get("closed_book", ()):
        agrees = load_verdicts(entry.folder)["verdict"] == label
        right = right | agrees.fill_null(value=False)
    return right.alias("right_without_context")


BASE = Step("base", 1, run, inputs=("sample", "vote", "grade", "closed_book", "closed_book_grade"))
