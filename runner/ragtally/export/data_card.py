"""The data card of an exported dataset: what it is, how it was made, what it must not be taken for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

_STAGES = {
    "asked": "asked",
    "voted": "some ballot could be read",
    "verdict": "the rule decided",
    "agreed": "the verdict is the gold label",
    "kept": "kept",
}


def data_card(folder: Path, summary: Mapping[str, Any], questions: pl.DataFrame) -> str:
    """Write the card."""
    counts = {answer: int((questions["label"] == answer).sum()) for answer in summary["answers"]}
    silver = summary["labels"] == "silver"
    shown = Path("data/datasets", folder.name) if folder.is_absolute() else folder
    use = ", ".join([f"folder: {shown.as_posix()}", *(["accept_silver: true"] if silver else [])])
    parts = [
        f"# {folder.name}",
        f"{len(questions):,} questions of `{summary['dataset']}` that stayed in the base of the study "
        f"`{summary['study']}`, with {_documents(summary)}. Written by `ragtally export base`.",
        f"```yaml\ndataset: {{exported: {{{use}}}}}\n```",
        "## Labels",
        _labels(summary, silver=silver),
        _table(
            ("answer", "questions", "share"),
            [(answer, f"{count:,}", _share(count, len(questions))) for answer, count in counts.items()],
        ),
        "## How it was made",
        *_made(summary),
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


def _labels(summary: Mapping[str, Any], *, silver: bool) -> str:
    if silver:
        return (
            "Silver: the voters' verdicts, since the questions have no gold labels. A score against them says how "
            "often a reader agrees with the voters, not how often it is right."
        )
    return "Gold: those of the dataset that the questions come from, unchanged."


def _made(summary: Mapping[str, Any]) -> list[str]:
    made_by, base = summary["made_by"], summary["base"]
    if made_by is None or base is None:
        return ["All questions that were asked: the study has no base."]
    voters = "\n".join(f"- `{voter}`: `{what}`" for voter, what in made_by["voters"].items())
    rules = [f"{made_by['votes']} votes each, decided by `{made_by['rule']}`"]
    if made_by["agree_with_gold"]:
        rules.append("kept where the verdict is the gold label")
    if made_by["exclude_closed_book_right"]:
        readers = ", ".join(f"`{reader}`" for reader in made_by["exclude_closed_book_right"])
        rules.append(f"dropped where {readers} answered right without any context")
    answers = summary["answers"]
    rows = [
        (
            _STAGES.get(stage, stage),
            f"{found['questions']:,}",
            *(f"{found['by_class'].get(each, 0):,}" for each in answers),
        )
        for stage, found in base["stages"].items()
    ]
    return [f"Voters, which read each question with its gold context:\n\n{voters}", "; ".join(rules) + ".",
            _table(("stage", "questions", *answers), rows)]  # fmt: skip


def _warnings(summary: Mapping[str, Any], counts: Mapping[str, int], questions: int) -> list[str]:
    most = max(counts.values(), default=0)
    lines = [
        "- These are the questions that the voters could answer from that context: easier than those asked. "
        "Scores on them are no scores on the dataset that they come from.",
        f"- Always answering the most frequent label is right for {_share(most, questions)}.",
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


_FILES = """\
- `documents.parquet`: `id`, `text`, `section_starts`, `section_ends` (character offsets)
- `questions.parquet`: `id`, `text`, `label`, `label_kind`, `split`
- `evidence.parquet`: `question`, `document`, `start`, `end`, `grade`
- `dataset.json`: the numbers above for programs, and the addresses that the data had in the store"""
