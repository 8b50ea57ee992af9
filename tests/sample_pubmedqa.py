"""Made-up PubMedQA files in the published forms, and ways to read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ragtally_pubmedqa
from ragtally.api import DataError, Dataset, DatasetBatch, Location

FILES = {"labeled": "ori_pqal.json", "artificial": "ori_pqaa.json", "unlabeled": "ori_pqau.json"}
SENTINEL = "PLANTED"

Records = dict[str, dict[str, Any]]


def record(number: int, label: str = "yes") -> dict[str, Any]:
    return {
        "QUESTION": f"Does drug {number} help?",
        "CONTEXTS": [f"Background {number}.", f"Methods of {number} ü.", "Results."],
        "LABELS": [f"{SENTINEL} section"] * 3,
        "MESHES": [f"{SENTINEL} mesh"],
        "YEAR": f"{SENTINEL} year",
        "reasoning_required_pred": "no",
        "reasoning_free_pred": label,
        "final_decision": label,
        "LONG_ANSWER": f"{SENTINEL} answer",
    }


def labeled_records() -> Records:
    return {str(100 + n): record(n, ("yes", "no", "maybe")[n % 3]) for n in range(6)}


def write(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=4, ensure_ascii=False), encoding="utf-8")
    return path


def build(subset: str = "labeled", path: Path | str | None = None) -> Dataset:
    return ragtally_pubmedqa.build_dataset(subset, None if path is None else str(path))


def read_all(subset: str = "labeled", path: Path | str | None = None) -> DatasetBatch:
    (batch,) = build(subset, path).batches()
    return batch


def fingerprint(subset: str = "labeled", path: Path | str | None = None) -> str:
    return ragtally_pubmedqa.fingerprint_dataset({"subset": subset, "path": None if path is None else str(path)})


def failure(subset: str = "labeled", path: Path | str | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        list(build(subset, path).batches())
    return caught.value


def place_of(path: Path, text: str) -> Location:
    """Where a text stands that occurs once in a file."""
    content = path.read_text(encoding="utf-8")
    assert content.count(text) == 1
    before = content[: content.index(text)]
    return Location(str(path), before.count("\n") + 1, len(before) - before.rfind("\n"))


def write_parquet(path: Path, records: Records, columns: dict[str, str] | None = None) -> Path:
    """Write records in the form of the Hugging Face data set qiaojin/PubMedQA."""
    rows = [
        {
            "pubid": int(identifier),
            "question": r["QUESTION"],
            "context": {"contexts": r["CONTEXTS"], "labels": r["LABELS"], "meshes": r["MESHES"]},
            "long_answer": r["LONG_ANSWER"],
            **({"final_decision": r["final_decision"]} if "final_decision" in r else {}),
        }
        for identifier, r in records.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame(rows, schema_overrides={"pubid": pl.Int32}, infer_schema_length=None)
    frame.rename(columns or {}).write_parquet(path, row_group_size=2)
    return path
