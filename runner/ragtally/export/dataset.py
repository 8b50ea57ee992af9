"""Write a study's base as a dataset of its own: a folder that other specs can name, with a data card."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from ragtally.api import DataError, Location, RagtallyError
from ragtally.export.data_card import data_card
from ragtally.steps import prepare
from ragtally.store import Store, read_json, read_table, write_json, write_table, write_text

# What `dataset.json` says of the folder's form; the dataset `exported` reads it.
FORM = "ragtally dataset 1"
# What must stand in the results.
_NEEDED = {"dataset": ("study", "dataset", "corpus", "questions", "addresses"), "base": ("base", "address")}
Kept = Literal["gold", "all"]


@dataclass(frozen=True, slots=True)
class ExportedDataset:
    """What was written."""

    folder: Path  # Where
    questions: int
    documents: int
    bytes: int  # The size of all files


def export_dataset(results: Path, store: Store, folder: Path, documents: Kept) -> ExportedDataset:
    """Write the base of a study as a dataset."""
    made_from = _results_of(results)
    if folder.exists() and not is_export(folder):
        hint = "name a folder that does not exist yet"
        raise RagtallyError("the folder holds something else", location=Location(str(folder)), hint=hint)
    address = str(made_from["dataset"]["addresses"]["prepare"])
    if not store.complete(prepare.STEP, address):
        raise RagtallyError(
            f"the dataset that {made_from['dataset']['study']} was made from is not in this store",
            location=Location(str(store.root)),
            hint="run the study again: what is paid for is not paid again",
        )
    prepared = store.open(prepare.STEP, address).folder
    tables = _tables(prepared, read_table(results / "base.parquet"), documents)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that it can be moved there in one piece.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as name:
        draft = Path(name) / "draft"
        draft.mkdir()
        for table, frame in tables.items():
            write_table(draft / f"{table}.parquet", frame)
        summary = _summary(made_from, tables, documents)
        write_json(draft / "dataset.json", summary)
        write_text(draft / "README.md", data_card(folder, summary, tables["questions"]))
        if folder.exists():
            folder.rename(Path(name) / "earlier")
        draft.rename(folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    return ExportedDataset(folder, len(tables["questions"]), len(tables["documents"]), size)


def is_export(folder: Path) -> bool:
    """Tell whether a folder is a dataset that was exported."""
    path = folder / "dataset.json"
    try:
        return path.is_file() and read_json(path).get("form") == FORM
    except (ValueError, AttributeError):
        return False


def _results_of(results: Path) -> dict[str, Any]:
    found = {}
    for name in ("dataset", "base"):
        path = results / f"{name}.json"
        if not path.is_file():
            raise RagtallyError("there is no such result", location=Location(str(path)), hint="run the whole study")
        found[name] = read_json(path)
        missing = [key for key in _NEEDED[name] if key not in found[name]]
        if missing:
            hint = "run the whole study again: what is paid for is not paid again"
            raise RagtallyError(f"it tells nothing of {', '.join(missing)}", location=Location(str(path)), hint=hint)
    if not (results / "base.parquet").is_file():
        path = results / "base.parquet"
        raise RagtallyError(
            "there is no such result", location=Location(str(path)), hint="run the study's label stage"
        )
    return found


def _tables(prepared: Path, kept: pl.DataFrame, documents: Kept) -> dict[str, pl.DataFrame]:
    questions = read_table(prepared / "questions.parquet")
    rows = questions.with_row_index("row").join(kept, on="id", how="inner", suffix="_kept").sort("row")
    if len(rows) < len(kept):
        raise DataError(f"{len(kept) - len(rows)} questions of the base are not in the prepared dataset")
    evidence = prepare.load_evidence(prepared)
    spans = pl.DataFrame(
        {
            "question_row": evidence.question,
            "document_row": evidence.document,
            "start": evidence.start,
            "end": evidence.end,
            "grade": evidence.grade,
        }
    ).join(rows.select(question_row=pl.col("row").cast(pl.Int32), question="id"), on="question_row", how="inner")
    corpus = pl.scan_parquet(prepared / "documents.parquet").with_row_index("row")
    names = corpus.select(
        pl.col("row").cast(pl.Int32).alias("document_row"), pl.col("id").alias("document")
    ).collect()
    spans = spans.join(names, on="document_row", how="left").sort("question_row", "document_row", "start", "end")
    if documents == "gold":
        gold = spans["document_row"].unique().cast(pl.UInt32)
        corpus = corpus.filter(pl.col("row").is_in(gold.to_list()))
    return {
        "documents": corpus.drop("row").collect(),
        "questions": rows.select("id", "text", label="label_kept", label_kind="label_kind", split="split"),
        "evidence": spans.select("question", "document", "start", "end", "grade"),
    }


def _summary(made_from: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], documents: Kept) -> dict[str, Any]:
    dataset, base = made_from["dataset"], made_from["base"]
    questions = tables["questions"]
    splits = set(questions["split"])
    kinds = set(questions["label_kind"])
    return {
        "form": FORM,
        "answers": dataset["questions"]["answers"],
        "splits": [split for split in dataset["corpus"]["splits"] if split in splits],
        "labels": "silver" if "silver" in kinds else "gold",
        "questions": len(questions),
        "documents": len(tables["documents"]),
        "which_documents": documents,
        "study": dataset["study"],
        "dataset": dataset["dataset"],
        "asked": dataset["questions"],
        "base": base["base"],
        "made_by": base.get("made_by"),
        "addresses": {"prepare": dataset["addresses"]["prepare"], "base": base["address"]},
    }
