"""sample: the questions of the study: those of one split, with the answers that count, up to a limit."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ragtally.api import DataError
from ragtally.steps.step import Step, Work
from ragtally.store import write_json, write_table
from ragtally.tables import load_all_questions, load_evidence


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
    everything = load_all_questions(work.input("prepare")).with_row_index("row")
    in_split = everything if settings["split"] is None else everything.filter(pl.col("split") == settings["split"])
    is_answer = pl.col("label").is_null() | pl.col("label").is_in(settings["answers"])
    answerable = in_split if settings.get("open") else in_split.filter(is_answer)
    sample = _draw(answerable, settings)
    if not len(sample) and not settings.get("may_be_empty"):
        raise DataError(
            "no question is left to ask after split, answers and sample",
            location=work.task.location,
            hint=f"of {len(in_split)} in the split, {len(answerable)} have no label other than "
            f"{', '.join(settings['answers']) or 'none'}",
        )
    is_open = settings.get("open", False)
    columns = ("row", "id", "text", "label", *(["references"] if is_open else []))
    write_table(work.folder / "questions.parquet", sample.select(columns))
    write_table(work.folder / "evidence.parquet", _evidence(work.input("prepare"), sample))
    funnel = {
        "answers": list(settings["answers"]),
        "in_dataset": len(everything),
        "in_split": len(in_split),
        "dropped_by_answers": len(in_split) - len(answerable),
        "sampled": len(sample),
        "sampled_by_class": {name: int((sample["label"] == name).sum()) for name in settings["answers"]},
        "sampled_without_label": int(sample["label"].null_count()),
    }
    if is_open:
        funnel |= {"open": True, "sampled_without_reference": int((sample["references"].list.len() == 0).sum())}
    write_json(work.folder / "funnel.json", funnel)


def _draw(answerable: pl.DataFrame, settings: Any) -> pl.DataFrame:
    size, classes = settings["size"], settings["answers"]
    if size is None and not settings["balance"]:
        return answerable
    seed = str(settings["seed"]).encode()
    order = [hashlib.blake2b(name.encode(), digest_size=8, key=seed).digest() for name in answerable["id"]]
    order_of_draw = answerable.with_columns(order=pl.Series(order, dtype=pl.Binary)).sort("order")
    if settings["balance"]:
        counts = [int((answerable["label"] == name).sum()) for name in classes]
        each = min(counts) if size is None else min(min(counts), size // len(classes))
        picks = pl.concat([order_of_draw.filter(pl.col("label") == name).head(each) for name in classes])
    else:
        picks = order_of_draw.head(size)
    return picks.sort("row").drop("order")


def _evidence(dataset: Path, sample: pl.DataFrame) -> pl.DataFrame:
    evidence = load_evidence(dataset)
    grade = evidence.grade
    assert grade is not None
    rows = sample["row"].to_numpy()
    local = np.searchsorted(rows, evidence.question)
    in_sample = (local < len(rows)) & (rows[np.minimum(local, len(rows) - 1)] == evidence.question)
    return pl.DataFrame(
        {
            "question": local[in_sample].astype(np.int32),
            "document": evidence.document[in_sample],
            "start": evidence.start[in_sample],
            "end": evidence.end[in_sample],
            "grade": grade[in_sample],
        }
    )


SAMPLE = Step("sample", 2, run, inputs=("prepare",))
