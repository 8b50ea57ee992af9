"""Single questions: what was asked, what stood before each reader, every vote; columnar, each text once."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from ragtally.analysis import Analysis
from ragtally.analysis.aligned_answers import align_answers
from ragtally.analysis.error_breakdown import outcomes
from ragtally.results import Results

# Of how many questions at most the page holds the answers.
MOST_QUESTIONS = 200
# How much of the text of one vote is kept.
MOST_CHARACTERS = 4_000
# How large the packed data may become; with more, fewer questions are kept.
MOST_BYTES = 12_000_000


class _Texts:
    """Texts by number, each once."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def number(self, text: str | None) -> int:
        """Give a text its number; -1 for none."""
        return -1 if text is None else self._known.setdefault(text, len(self._known))

    @property
    def all(self) -> list[str]:
        """The texts in order."""
        return list(self._known)


def packed_explorer(results: Results, analysis: Analysis) -> str:
    """Pack the explorer's data for the page."""
    shown = sampled(results)
    while True:
        data = explorer_data(results, analysis, shown)
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        # Without a time, so that the same results give the same bytes.
        packed = base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()
        if len(packed) <= MOST_BYTES or len(shown) <= 1:
            return packed
        shown = shown[: max(1, len(shown) // 2)]


def sampled(results: Results) -> list[str]:
    """Choose the questions that the explorer shows."""
    known = set(results.passages["question"])
    ids: list[str] = results.questions["id"].to_list()
    return [question for question in ids if question in known or not known][:MOST_QUESTIONS]


def explorer_data(results: Results, analysis: Analysis, shown: Sequence[str]) -> dict[str, Any]:
    """Collect the explorer's data."""
    location = {question: row for row, question in enumerate(shown)}
    questions = results.questions.filter(pl.col("id").is_in(list(shown)))
    cells = results.cells.filter(pl.col("kind") != "retrieval").unique("cell", keep="first", maintain_order=True)
    names = cells["cell"].to_list()
    contexts = list(dict.fromkeys(results.passages["context"]))
    texts = _Texts()
    return {
        "sampled": len(shown),
        "questions_asked": len(results.questions),
        "chosen": analysis.chosen,
        "questions": {
            "id": questions["id"].to_list(),
            "text": questions["question"].to_list(),
            "label": questions["label"].to_list(),
            "in_base": questions["in_base"].to_list(),
            "voters": questions["voters_verdict"].to_list(),
            "doubtful": questions["label_doubtful"].to_list(),
        },
        "contexts": contexts,
        "cells": names,
        "context_of": [contexts.index(name) if name in contexts else -1 for name in cells["context"]],
        "said": _said(results, analysis, names, location, texts),
        **_passages(results, contexts, location, texts),
        "texts": texts.all,
    }


def _said(
    results: Results, analysis: Analysis, names: Sequence[str], location: Mapping[str, int], texts: _Texts
) -> list[dict[str, Any]]:
    """By cell, in columns, what it said on the questions that are shown."""
    kept = results.answers.filter(pl.col("question").is_in(list(location)))
    by_cell = {str(name): table for (name,), table in kept.group_by("cell", maintain_order=True)}
    buckets = _buckets(results, analysis, location)
    found = []
    for name in names:
        table = by_cell.get(name, kept.clear())
        of_cell = buckets.get(name, {})
        found.append(
            {
                "question": [location[question] for question in table["question"]],
                "verdict": [texts.number(one) for one in table["verdict"]],
                "status": [texts.number(one) for one in table["status"]],
                "bucket": [texts.number(of_cell.get(question)) for question in table["question"]],
                "ballots": [[texts.number(one) for one in row] for row in table["ballots"].to_list()],
                "votes": [[texts.number(_cut(one)) for one in row] for row in table["texts"].to_list()],
                "errors": [[texts.number(_cut(one)) for one in row] for row in table["errors"].to_list()],
            }
        )
    return found


def _cut(text: str | None) -> str | None:
    if text is None or len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}… ({len(text) - MOST_CHARACTERS:,} more characters are in answers.parquet)"


def _buckets(results: Results, analysis: Analysis, location: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """By cell and question the bucket."""
    found: dict[str, dict[str, str]] = {}
    # Only what is shown is lined up: of a large study all answers take seconds.
    kept = replace(
        results,
        questions=results.questions.filter(pl.col("id").is_in(list(location))),
        answers=results.answers.filter(pl.col("question").is_in(list(location))),
    )
    for question_set, judged in analysis.sets.items():
        answers = align_answers(kept, question_set)
        if answers is None:
            continue
        for cell, breakdown in judged.error_breakdowns.items():
            buckets = outcomes(answers, cell, breakdown.gold_cell).buckets()
            found.setdefault(cell, {}).update(zip(answers.ids, map(str, buckets), strict=True))
    return found


def _passages(
    results: Results, contexts: Sequence[str], location: Mapping[str, int], texts: _Texts
) -> dict[str, list[Any]]:
    """The passages once each, and for every context and question which ones stood before the reader."""
    known: dict[tuple[str, int, int], int] = {}
    columns: dict[str, list[Any]] = {"document": [], "start": [], "end": [], "text": []}
    shown: list[list[list[Any]]] = [[[] for _ in location] for _ in contexts]
    number = {name: row for row, name in enumerate(contexts)}
    for row in results.passages.sort("rank", maintain_order=True).iter_rows(named=True):
        if row["question"] not in location:
            continue
        key = (row["document"], row["start"], row["end"])
        if key not in known:
            known[key] = len(known)
            values = (texts.number(row["document"]), row["start"], row["end"], texts.number(row["text"]))
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
        marks = [list(mark) for mark in zip(row["evidence_starts"], row["evidence_ends"], strict=True)]
        # A passage without evidence is its number alone: most have none.
        entry = [known[key], marks] if marks else known[key]
        shown[number[row["context"]]][location[row["question"]]].append(entry)
    return {"passages": columns, "shown": shown}  # type: ignore[dict-item]
