"""A small dataset in the form of `ragtally export base --dataset`."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from ragtally_exported.dataset import FORM

SUMMARY = {"form": FORM, "answers": ["yes", "no"], "splits": ["train", "test"], "labels": "gold"}


def write_export(folder: Path) -> None:
    """Write four questions on two documents."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = range(4)
    documents = {
        "id": ["d0", "d1"],
        "text": ["It helps. It does.", "It does not help."],
        "section_starts": [[0, 10], [0]],
        "section_ends": [[9, 18], [17]],
    }
    questions = {
        "id": [f"q{row}" for row in rows],
        "text": [f"Does it help, says {row}?" for row in rows],
        "label": [("yes", "no")[row % 2] for row in rows],
        "label_kind": ["gold"] * 4,
        "split": [("train", "test")[row // 2] for row in rows],
    }
    evidence = {
        "question": questions["id"],
        "document": [f"d{row % 2}" for row in rows],
        "start": [0] * 4,
        "end": [9, 17, 9, 17],
        "grade": [1] * 4,
    }
    for name, columns in {"documents": documents, "questions": questions, "evidence": evidence}.items():
        pl.DataFrame(columns).write_parquet(folder / f"{name}.parquet")
    (folder / "dataset.json").write_text(json.dumps(SUMMARY), encoding="utf-8")
