"""Export a study's base as a dataset of its own: a folder that other specs can name, with a data card."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from ragtally.api import DataError, Location, RagtallyError
from ragtally.results.columns import BASE, BASE_TABLE, DATASET
from ragtally.steps import PREPARE
from ragtally.store import Store, read_json, read_table, write_json, write_table, write_text
from ragtally.tables import load_evidence

# What `dataset.json` says of the folder's form; the dataset `exported` reads it.
FORM = "ragtally dataset 1"
# Its kind of labels where answers are open: texts that are right.
REFERENCES = "references"
Documents = Literal["gold", "all"]
_STAGES = {
    "sample": "the sample",
    "ballots": "some ballot could be read",
    "verdict": "the rule decided",
    "agreement": "the verdict is the gold label",
    "base": "the base",
}
_FILES = """\
- `documents.parquet`: `id`, `text`, `section_starts`, `section_ends` (character offsets); `section_names` where
  the sections have names, as in `page 3`
- `questions.parquet`: `id`, `text`, `label`, `label_kind`, `split`; `references` where answers are open
- `evidence.parquet`: `question`, `document`, `start`, `end`, `grade`
- `dataset.json`: the numbers above for programs, and the addresses that the data had in the store"""


@dataclass(frozen=True, slots=True)
class ExportedDataset:
    """A dataset on disk."""

    folder: Path
    questions: int
    documents: int
    bytes: int  # of all files


def export_dataset(results: Path, store: Store, folder: Path, documents: Documents) -> ExportedDataset:
    """Write the base of a study as a dataset."""
    dataset, base, rows = DATASET.read(results), BASE.read(results), BASE_TABLE.read(results)
    if folder.exists() and not is_export(folder):
        hint = "name a folder that does not exist yet"
        raise RagtallyError("the folder holds something else", location=Location(str(folder)), hint=hint)
    tables = base_tables(dataset, rows, store, documents)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its destination, so that it can be moved there in one piece.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as name:
        draft = Path(name) / "draft"
        draft.mkdir()
        for table, frame in tables.items():
            write_table(draft / f"{table}.parquet", frame)
        summary = _summary(dataset, base, tables, documents)
        write_json(draft / "dataset.json", summary)
        write_text(draft / "README.md", data_card(folder, summary, tables["questions"]))
        if folder.exists():
            folder.rename(Path(name) / "earlier")
        draft.rename(folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    return ExportedDataset(folder, len(tables["questions"]), len(tables["documents"]), size)


def base_tables(
    dataset: Mapping[str, Any], base: pl.DataFrame, store: Store, documents: Documents
) -> dict[str, pl.DataFrame]:
    """The documents, questions and evidence of a base, out of the store."""
    address = str(dataset["addresses"]["prepare"])
    if not store.complete(PREPARE.stored_as, address):
        raise RagtallyError(
            f"the dataset that {dataset['study']} was made from is not in this store",
            location=Location(str(store.root)),
            hint="run the study again: what is paid for is not paid again",
        )
    return _tables(store.open(PREPARE.stored_as, address).folder, base, documents)


def is_export(folder: Path) -> bool:
    """Whether a folder is an exported dataset."""
    path = folder / "dataset.json"
    try:
        return path.is_file() and read_json(path).get("form") == FORM
    except (ValueError, AttributeError):
        return False


def _tables(dataset: Path, base: pl.DataFrame, documents: Documents) -> dict[str, pl.DataFrame]:
    questions = read_table(dataset / "questions.parquet")
    rows = questions.with_row_index("row").join(base, on="id", how="inner", suffix="_base").sort("row")
    if len(rows) < len(base):
        raise DataError(f"{len(base) - len(rows)} questions of the base are not in the prepared dataset")
    evidence = load_evidence(dataset)
    spans = pl.DataFrame(
        {
            "question_row": evidence.question,
            "document_row": evidence.document,
            "start": evidence.start,
            "end": evidence.end,
            "grade": evidence.grade,
        }
    ).join(rows.select(question_row=pl.col("row").cast(pl.Int32), question="id"), on="question_row", how="inner")
    corpus = pl.scan_parquet(dataset / "documents.parquet").with_row_index("row")
    names = corpus.select(
        pl.col("row").cast(pl.Int32).alias("document_row"), pl.col("id").alias("document")
    ).collect()
    spans = spans.join(names, on="document_row", how="left").sort("question_row", "document_row", "start", "end")
    if documents == "gold":
        corpus = corpus.filter(pl.col("row").is_in(spans["document_row"].unique().cast(pl.UInt32).to_list()))
    references = ["references"] if "references" in rows.columns else []
    return {
        "documents": corpus.drop("row").collect(),
        "questions": rows.select(
            "id", "text", *references, label="label_base", label_kind="label_kind", split="split"
        ),
        "evidence": spans.select("question", "document", "start", "end", "grade"),
    }


def _summary(
    dataset: Mapping[str, Any], base: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], documents: Documents
) -> dict[str, Any]:
    questions = tables["questions"]
    splits = set(questions["split"])
    kinds = set(questions["label_kind"])
    is_open = "references" in questions.columns
    language = {"language": dataset["questions"]["language"]} if is_open else {}
    return {
        "form": FORM,
        "answers": dataset["questions"]["answers"],
        "splits": [split for split in dataset["corpus"]["splits"] if split in splits],
        "labels": REFERENCES if is_open else "silver" if "silver" in kinds else "gold",
        **language,
        "questions": len(questions),
        "documents": len(tables["documents"]),
        "which_documents": documents,
        "study": dataset["study"],
        "dataset": dataset["dataset"],
        "sample": dataset["questions"],
        "funnel": base["funnel"],
        "selection": base["selection"],
        "addresses": {"prepare": dataset["addresses"]["prepare"], "base": base["address"]},
    }


def data_card(folder: Path, summary: Mapping[str, Any], questions: pl.DataFrame) -> str:
    """The card: what the dataset is, how it was made, and what it must not be mistaken for."""
    counts = {answer: int((questions["label"] == answer).sum()) for answer in summary["answers"]}
    silver = summary["labels"] == "silver"
    # An absolute path is of one machine alone.
    path = Path("data/datasets", folder.name) if folder.is_absolute() else folder
    language = summary.get("language", "en")
    more = [*(["accept_silver: true"] if silver else []), *([] if language == "en" else [f"language: {language}"])]
    use = ", ".join([f"folder: {path.as_posix()}", *more])
    parts = [
        f"# {folder.name}",
        f"{len(questions):,} questions of `{summary['dataset']}` that stayed in the base of the study "
        f"`{summary['study']}`, with {_documents(summary)}. Written by `ragtally export base`.",
        f"```yaml\ndataset: {{exported: {{{use}}}}}\n```",
        *_answers(summary, questions, counts),
        "## How it was made",
        *_selection(summary),
        "## What to bear in mind",
        *_warnings(summary, counts, len(questions)),
        "## Files",
        _FILES,
    ]
    return "\n\n".join(parts) + "\n"


def _documents(summary: Mapping[str, Any]) -> str:
    if summary["which_documents"] == "gold":
        return f"the {summary['documents']:,} documents in which their answers stand (and no others)"
    return f"the whole corpus of {summary['documents']:,} documents"


def _answers(summary: Mapping[str, Any], questions: pl.DataFrame, counts: Mapping[str, int]) -> list[str]:
    """What is right, and how much of it there is."""
    if summary["labels"] == REFERENCES:
        without = int((questions["references"].list.len() == 0).sum())
        return [
            "## Answers",
            "Texts that are right, those of the dataset that the questions come from, unchanged; of"
            f" {without:,} questions ({_share(without, len(questions))}) there is none, so that to say that"
            " they cannot be answered is right.",
        ]
    return [
        "## Labels",
        _labels(silver=summary["labels"] == "silver"),
        _table(
            ("answer", "questions", "share"),
            [(answer, f"{count:,}", _share(count, len(questions))) for answer, count in counts.items()],
        ),
    ]


def _labels(*, silver: bool) -> str:
    if silver:
        return (
            "Silver: the voters' verdicts, since the questions have no gold labels. A score against them says how "
            "often a reader agrees with the voters, not how often it is right."
        )
    return "Gold: those of the dataset that the questions come from, unchanged."


def _selection(summary: Mapping[str, Any]) -> list[str]:
    selection, funnel = summary["selection"], summary["funnel"]
    if selection is None or funnel is None:
        return ["All questions that were asked: the study has no base."]
    voters = "\n".join(f"- `{voter}`: `{component}`" for voter, component in selection["voters"].items())
    rules = [f"{selection['votes']} votes each, decided by `{selection['rule']}`"]
    if selection["agree_with_gold"]:
        is_open = summary["labels"] == REFERENCES
        rules.append(f"included where the verdict is {'graded right' if is_open else 'the gold label'}")
    if selection["exclude_closed_book_right"]:
        readers = ", ".join(f"`{reader}`" for reader in selection["exclude_closed_book_right"])
        rules.append(f"excluded where {readers} answered right without any context")
    answers = summary["answers"]
    rows = [
        (
            _STAGES.get(stage, stage),
            f"{counts['questions']:,}",
            *(f"{counts['by_class'].get(answer, 0):,}" for answer in answers),
        )
        for stage, counts in funnel["stages"].items()
    ]
    return [f"Voters, who read each question with its gold context:\n\n{voters}", "; ".join(rules) + ".",
            _table(("stage", "questions", *answers), rows)]  # fmt: skip


def _warnings(summary: Mapping[str, Any], counts: Mapping[str, int], questions: int) -> list[str]:
    most = max(counts.values(), default=0)
    lines = [
        "- These are the questions that the voters could answer from that context: easier than those asked. "
        "Scores on them are no scores on the dataset that they come from.",
        *([f"- Always answering the most frequent label is right for {_share(most, questions)}."] if counts else []),
        "- The texts are those of the dataset that they come from, under its licence: do not publish this folder "
        "where that licence does not allow it.",
    ]
    if summary["which_documents"] == "gold":
        lines.append(
            "- Every document answers some question, so that retrieval is easier than from the whole corpus."
        )
    return ["\n".join(lines)]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, ("---", *("---:" for _ in heads[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
