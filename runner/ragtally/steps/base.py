"""base: keep the questions that the voters can answer from their gold context."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.api import DataError
from ragtally.steps import sample, vote
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import read_table, write_json, write_table

STEP = "base"
VERSION = 1


def task(
    factory: TaskFactory,
    sampled: Task,
    verdicts: Task,
    closed_book: Sequence[Task],
    *,
    agree_with_gold: bool,
    **about: Any,
) -> Task:
    """Describe the work."""
    inputs: dict[str, Task | Sequence[Task]] = {"sample": sampled, "vote": verdicts, "closed_book": closed_book}
    return factory.task(STEP, VERSION, settings={"agree_with_gold": agree_with_gold}, inputs=inputs, **about)


def run(work: Work) -> None:
    """Write `base.parquet` (the questions kept, with their labels) and `funnel.json`."""
    questions = sample.load_questions(work.input("sample")).with_row_index("question")
    agree = work.task.settings["agree_with_gold"]
    unlabelled = questions["label"].null_count()
    if agree and unlabelled:
        raise DataError(
            f"the base is to agree with gold labels, but {unlabelled} of {len(questions)} questions have none",
            location=work.task.location,
            hint="write agree_with_gold: false; the verdicts are then silver labels",
        )
    verdicts = vote.load_verdicts(work.input("vote"))
    table = questions.with_columns(verdicts["verdict"], verdicts["parsed"])
    table = table.with_columns(_known_without_context(work, table))
    stages = {
        "asked": pl.lit(value=True),
        "voted": pl.col("parsed") > 0,
        "verdict": pl.col("verdict").is_not_null(),
        "agreed": (pl.col("verdict") == pl.col("label")) if agree else pl.lit(value=True),
        "kept": ~pl.col("known"),
    }
    table = table.with_columns(final=pl.coalesce("label", "verdict"))
    funnel: dict[str, Any] = {"labels": "silver" if unlabelled else "gold", "stages": {}}
    for stage, condition in stages.items():
        table = table.filter(condition)
        by_class = {name: int((table["final"] == name).sum()) for name in sample.load_answers(work.input("sample"))}
        funnel["stages"][stage] = {"questions": len(table), "by_class": by_class}
    if not len(table):
        raise DataError(
            "no question is left in the base",
            location=work.task.location,
            hint="loosen base.rule, or vote with readers that can read these questions",
        )
    kind = pl.when(pl.col("label").is_null()).then(pl.lit("silver")).otherwise(pl.lit("gold"))
    kept = table.select("question", "id", label="final", label_kind=kind, verdict="verdict")
    write_table(work.folder / "base.parquet", kept)
    write_json(work.folder / "funnel.json", funnel)


def load_base(folder: Path) -> pl.DataFrame:
    """Read the base."""
    return read_table(folder / "base.parquet")


def load_rows(folder: Path) -> NDArray[np.int64]:
    """Read which of the sample's questions are kept."""
    rows: NDArray[np.int64] = (
        read_table(folder / "base.parquet", ["question"])["question"].to_numpy().astype(np.int64)
    )
    return rows


def _known_without_context(work: Work, table: pl.DataFrame) -> pl.Series:
    """Tell which questions are answered as their label (gold, else the voters' verdict) without any context."""
    known = pl.Series("known", np.zeros(len(table), dtype=bool))
    label = table.select(pl.coalesce("label", "verdict"))["label"]
    for entry in work.entries.get("closed_book", ()):
        right = vote.load_verdicts(entry.folder)["verdict"] == label
        known = known | right.fill_null(value=False)
    return known.alias("known")
