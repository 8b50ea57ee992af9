"""deduplicate: what becomes of every example: repetitions go, of other examples and of questions that test models."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ragtally import duplicates
from ragtally.examples.example import OUTCOMES, Outcome, example_of
from ragtally.steps.step import Step, Work
from ragtally.tables import load_all_questions, load_example_verdicts, load_examples, write_examples

# Prompts are compared as sets of words, as `check --data` compares questions.
_WIDTH = 1


def run(work: Work) -> None:
    """Write `examples.parquet`, with the outcomes."""
    settings = work.task.settings
    rows = _all_examples(work)
    questions = _test_questions(work)
    candidates = [row for row in rows if Outcome(row["status"]).is_usable]
    texts = [example_of(row).prompt_text for row in candidates] + questions["text"].to_list()
    is_example = np.arange(len(texts)) < len(candidates)
    if len(texts):
        classes = np.stack([is_example, ~is_example], axis=1)
        near = duplicates.near_duplicates(duplicates.word_sequences(texts), _WIDTH, settings["similarity"], classes)
        leaks = near.examples(~is_example).text
        first: dict[int, str] = {}
        for number, row in enumerate(candidates):
            group = int(near.group[number])
            if leaks[number] >= 0:
                question = questions["id"][int(leaks[number]) - len(candidates)]
                row |= {"status": str(Outcome.LEAKS_TEST_QUESTION), "duplicate_of": question}
            elif group >= 0 and group in first:
                row |= {"status": str(Outcome.DUPLICATE), "duplicate_of": first[group]}
            elif group >= 0:
                first[group] = row["example"]
    write_examples(work.folder, rows, OUTCOMES)


def _all_examples(work: Work) -> list[dict[str, Any]]:
    """All examples, each once, those that no model wrote first, with what the validators say of them."""
    nobody: dict[str, Any] = {"status": str(Outcome.NOT_VALIDATED), "reasons": [], "duplicate_of": None}
    rows: dict[str, dict[str, Any]] = {}
    for entry in work.entries.get("ungraded", ()):
        for row in load_examples(entry.folder).iter_rows(named=True):
            rows.setdefault(row["example"], row | nobody)
    for entry, grades in zip(work.entries.get("examples", ()), work.entries.get("validate", ()), strict=True):
        verdicts = load_example_verdicts(grades.folder).select("status", "reasons").iter_rows(named=True)
        for row, verdict in zip(load_examples(entry.folder).iter_rows(named=True), verdicts, strict=True):
            rows.setdefault(row["example"], row | verdict | {"duplicate_of": None})
    return list(rows.values())


def _test_questions(work: Work) -> pl.DataFrame:
    """The questions that no example may repeat, by id and text."""
    tables = [pl.DataFrame(schema={"id": pl.String, "text": pl.String})]
    for entry, split in zip(work.entries.get("questions", ()), work.task.settings["splits"], strict=True):
        questions = load_all_questions(entry.folder)
        own = questions if split is None else questions.filter(split=split)
        tables.append(own.select("id", "text"))
    return pl.concat(tables)


DEDUPLICATE = Step("deduplicate", 1, run, inputs=("examples", "validate", "ungraded", "questions"))
