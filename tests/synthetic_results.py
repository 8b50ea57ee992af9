"""The results of a study that nobody ran, of any size: every answer is drawn from a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.results import Results
from ragtally.results.columns import PROMPTS, VOTERS
from sample_results import ACCURACY

LABELS = ("yes", "no", "maybe")
READERS = ("small", "middle", "large", "huge")


def synthetic_results(
    folder: Path,
    questions: int,
    cells: int,
    shown: int,
    *,
    sizes: int,
    readers: int,
    spice: str = "",
    words: int = 25,
) -> Results:
    """Make results: each reader has its gold-context and closed-book controls, each cell three votes with texts.

    Args:
        folder: Where its files would lie.
        questions: How many questions are asked.
        cells: How many grid cells answer them.
        shown: Of how many questions there are passages.
        sizes: How many chunk sizes there are.
        readers: How many readers.
        spice: A text that stands in everything that comes from data or spec.
        words: How many words a passage has.
    """
    random = np.random.default_rng(7)
    ids = [f"q{row:05}" for row in range(questions)]
    gold = np.array(LABELS)[random.integers(0, 3, questions)]
    rows: list[dict[str, Any]] = []
    for reader in READERS[:readers]:
        for condition in ("closed_book", "gold_context"):
            context = condition if condition == "gold_context" else None
            rows.append(_row(f"{condition}/{reader}/3 votes", "control", condition, reader, None, context))
    for number in range(cells):
        size, retriever = 64 << number // readers % sizes, f"retriever{number // readers // sizes}{spice}"
        context = f"words({size})/{retriever}/top 3"
        reader = READERS[number % readers]
        rows.append(_row(f"{context}/{reader}/3 votes", "grid", "retrieved", reader, (size, retriever), context))
    answers = []
    for row in rows:
        usual = 0.1 if row["cell"] == rows[-1]["cell"] else 0.6 + 0.3 * random.random()
        chance = {"gold_context": 0.95, "closed_book": 0.4}.get(row["condition"], usual)
        verdict = np.where(
            random.random(questions) < chance, gold, np.array(LABELS)[random.integers(0, 3, questions)]
        )
        answers.append(_answers(row, ids, gold, verdict, random, spice))
        row |= {"questions": questions}
        row |= {"accuracy": float((verdict == gold).mean()), "accuracy_denominator": questions}
        row |= {"context_document_hit": float(random.random()), "context_document_hit_denominator": questions}
    passages = _passages([row["context"] for row in rows if row["context"]], ids[:shown], random, spice, words)
    grid = [row["cell"] for row in rows if row["kind"] == "grid"]
    by_class = {one: int((gold == one).sum()) for one in LABELS}
    asked = {"in_dataset": 2 * questions, "in_split": questions, "dropped_by_answers": 0, "sampled": questions}
    family = {"metric": "accuracy", "baseline": {"retriever": f"retriever0{spice}"}}
    return Results(
        study=f"made-up{spice}",
        folder=folder,
        cells=pl.DataFrame(rows, infer_schema_length=None),
        answers=pl.concat(answers),
        questions=pl.DataFrame(
            {
                "id": ids,
                "question": [
                    f"Does treatment {row} change outcome {row % 17} in patients? {spice}" for row in range(questions)
                ],
                "label": gold,
                "in_base": [True] * questions,
                "evidence_characters": [100] * questions,
                "document_group": np.arange(questions, dtype=np.int32),
                "voters_verdict": gold,
                "label_doubtful": [row % 10 == 0 for row in range(questions)],
            }
        ),
        rankings=pl.DataFrame(schema={"ranking": pl.String, "question": pl.String}),
        passages=passages,
        prompts=_prompts(passages, spice),
        voters=VOTERS.empty(),
        dataset={
            "study": "made-up",
            "dataset": f"made-up{spice}",
            "split": None,
            "corpus": {"answers": list(LABELS), "splits": [], "documents": questions, "questions": questions},
            "questions": {"answers": list(LABELS), **asked, "sampled_by_class": by_class, "sampled_without_label": 0},
            "addresses": {"prepare": "r1:0", "sample": "r1:0"},
        },
        base={"study": "made-up", "funnel": None, "address": "r1:0"},
        comparisons={
            "select_on": "all",
            "answered_elsewhere": [],
            "control_cells": [],
            "seed": 7,
            "metrics": [ACCURACY],
            "families": [family | {"pairs": [{"cell": cell, "baseline": grid[0]} for cell in grid[1:]]}],
        },
    )


def _row(
    cell: str, kind: str, condition: str, reader: str, pick: tuple[int, str] | None, context: str | None
) -> dict[str, Any]:
    size, retriever = pick or (None, None)
    return {
        "cell": cell, "description": f"the set-up {cell}",
        "kind": kind, "condition": condition, "question_set": "all",
        "chunker": "words" if pick else None, "chunker.size": size, "retriever": retriever,
        "top_k": 3 if pick else None, "context_words": None, "reader": reader, "votes": 3,
        "distinct_votes": 3, "rule": "majority",
        "ranking": None, "context": context, "note": None, "not_scored": None, "input_tokens": 1_000_000,
        "output_tokens": 10_000, "dollars": float(1 + READERS.index(reader)), "answer_seconds": 4_000.0,
        "index_dollars": None,
    }  # fmt: skip


def _answers(
    row: dict[str, Any],
    ids: list[str],
    gold: NDArray[np.str_],
    verdict: NDArray[np.str_],
    random: np.random.Generator,
    spice: str,
) -> pl.DataFrame:
    changes = random.random(len(ids))
    told = [
        f"The change was {change:.3f}, so: {said}. {spice}" for change, said in zip(changes, verdict, strict=True)
    ]
    found = random.random(len(ids)) < 0.7
    covered = {"gold_context": np.full(len(ids), 100), "closed_book": np.zeros(len(ids), int)}
    return pl.DataFrame(
        {
            "cell": [row["cell"]] * len(ids),
            "question": ids,
            "in_base": [True] * len(ids),
            "label": gold,
            "verdict": verdict,
            "status": np.where(verdict == gold, "right", "wrong"),
            "ballots": [[said] * 3 for said in verdict.tolist()],
            "readings": [["bare label", "answer with its explanation", "bare label"]] * len(ids),
            "texts": [[text, f"{text} Surely.", said] for text, said in zip(told, verdict.tolist(), strict=True)],
            "errors": [[None, None, None]] * len(ids),
            "covered_characters": covered.get(row["condition"], np.where(found, 100, 0)),
            "input_tokens": [200] * len(ids),
            "output_tokens": [2] * len(ids),
            "dollars": [0.001] * len(ids),
            "answer_seconds": [0.8] * len(ids),
        },
        schema_overrides={"errors": pl.List(pl.String), "covered_characters": pl.Int64},
    )


def _passages(
    contexts: list[str], ids: list[str], random: np.random.Generator, spice: str, words: int
) -> pl.DataFrame:
    known = np.array([f"word{number}" for number in range(4_000)])
    rows = []
    for number, context in enumerate(dict.fromkeys(contexts)):
        for question in ids:
            for rank in range(1, 4):
                # An emoji is one character, and two of JavaScript's: marks must not move.
                text = f"😀 {' '.join(known[random.integers(0, len(known), words)])} {spice}"
                marks = ([2], [20]) if rank == 2 else ([], [])
                rows.append(
                    (context, question, rank, f"d{number}-{question}-{rank}{spice}", 0, len(text), text, *marks)
                )
    names = ("context", "question", "rank", "document", "start", "end", "text", "evidence_starts", "evidence_ends")
    lists = {"evidence_starts": pl.List(pl.Int32), "evidence_ends": pl.List(pl.Int32)}
    return pl.DataFrame(rows, schema=list(names), orient="row", schema_overrides=lists)


def _prompts(passages: pl.DataFrame, spice: str) -> pl.DataFrame:
    """What the first reader was asked on every context."""
    rows = [
        (READERS[0], context, question, ["system", "user"],
         [f"You answer. {spice}", "\n\n".join(["Context:", *table.sort("rank")["text"], f"Question {question}?"])])
        for (context, question), table in passages.group_by("context", "question", maintain_order=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=PROMPTS.schema, orient="row")
