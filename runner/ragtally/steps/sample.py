"""sample: which questions are asked: those of one split, with the answers that count, at most so many."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ragtally.api import DataError, QuestionEvidence
from ragtally.steps import prepare
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import read_json, read_table, write_json, write_table

STEP = "sample"
VERSION = 2


def task(
    factory: TaskFactory,
    prepared: Task,
    *,
    split: str | None,
    answers: tuple[str, ...],
    size: int | None = None,
    balance: bool = False,
    seed: int = 0,
    **about: Any,
) -> Task:
    """Describe the work."""
    settings = {"split": split, "answers": answers, "size": size, "balance": balance}
    if size is not None or balance:
        settings["seed"] = seed
    return factory.task(STEP, VERSION, settings=settings, inputs={"prepare": prepared}, **about)


def run(work: Work) -> None:
    """Write `questions.parquet`, `evidence.parquet` and `funnel.json`."""
    # A sample of n questions is the n whose seeded hash is smallest, so that a larger sample holds the smaller one.
    settings = work.task.settings
    if settings["balance"] and not settings["answers"]:
        raise DataError(
            "a balanced sample takes equally many questions of each class, but the dataset has no classes",
            location=work.task.location,
            hint="write balance: false, or name the answers under the dataset",
        )
    everything = prepare.load_questions(work.input("prepare")).with_row_index("row")
    in_split = everything if settings["split"] is None else everything.filter(pl.col("split") == settings["split"])
    kept = in_split.filter(pl.col("label").is_null() | pl.col("label").is_in(settings["answers"]))
    sampled = _sample(kept, settings)
    if not len(sampled):
        raise DataError(
            "no question is left to ask after split, answers and sample",
            location=work.task.location,
            hint=f"of {len(in_split)} in the split, {len(kept)} have no label other than "
            f"{', '.join(settings['answers']) or 'none'}",
        )
    write_table(work.folder / "questions.parquet", sampled.select("row", "id", "text", "label"))
    write_table(work.folder / "evidence.parquet", _evidence(work.input("prepare"), sampled))
    funnel = {
        "answers": list(settings["answers"]),
        "in_dataset": len(everything),
        "in_split": len(in_split),
        "dropped_by_answers": len(in_split) - len(kept),
        "sampled": len(sampled),
        "sampled_by_class": {name: int((sampled["label"] == name).sum()) for name in settings["answers"]},
        "sampled_without_label": int(sampled["label"].null_count()),
    }
    write_json(work.folder / "funnel.json", funnel)


def load_questions(folder: Path) -> pl.DataFrame:
    """Read the questions asked."""
    return read_table(folder / "questions.parquet")


def load_evidence(folder: Path) -> QuestionEvidence:
    """Read the evidence of the questions asked."""
    frame = read_table(folder / "evidence.parquet")
    return QuestionEvidence(*(frame[name].to_numpy() for name in ("question", "document", "start", "end", "grade")))


def load_answers(folder: Path) -> tuple[str, ...]:
    """Read the answers that count."""
    return tuple(read_json(folder / "funnel.json")["answers"])


def _sample(kept: pl.DataFrame, settings: Any) -> pl.DataFrame:
    size, classes = settings["size"], settings["answers"]
    if size is None and not settings["balance"]:
        return kept
    seed = str(settings["seed"]).encode()
    order = [hashlib.blake2b(name.encode(), digest_size=8, key=seed).digest() for name in kept["id"]]
    shuffled = kept.with_columns(order=pl.Series(order, dtype=pl.Binary)).sort("order")
    if settings["balance"]:
        counts = [int((kept["label"] == name).sum()) for name in classes]
        each = min(counts) if size is None else min(min(counts), size // len(classes))
        picked = pl.concat([shuffled.filter(pl.col("label") == name).head(each) for name in classes])
    else:
        picked = shuffled.head(size)
    return picked.sort("row").drop("order")


def _evidence(prepared: Path, sampled: pl.DataFrame) -> pl.DataFrame:
    evidence = prepare.load_evidence(prepared)
    rows = sampled["row"].to_numpy()
    local = np.searchsorted(rows, evidence.question)
    known = (local < len(rows)) & (rows[np.minimum(local, len(rows) - 1)] == evidence.question)
    return pl.DataFrame(
        {
            "question": local[known].astype(np.int32),
            "document": evidence.document[known],
            "start": evidence.start[known],
            "end": evidence.end[known],
            "grade": evidence.grade[known],
        }
    )
