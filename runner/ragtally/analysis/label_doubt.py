"""Doubtful labels: who disagrees with them, besides the reader itself and those who do no better than guessing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from ragtally.analysis.proportions import wilson
from ragtally.results.load import Results


@dataclass(frozen=True, slots=True)
class LabelDoubt:
    """The questions with a label that somebody disagrees with."""

    doubters: tuple[str, ...]  # Whose answers were compared with the labels, in words
    questions: frozenset[str]  # The ids of the questions with an answer that is not the label


def label_doubt(results: Results, reader: str | None = None) -> LabelDoubt | None:
    """Collect who disagrees with which label, besides a reader itself; None where nobody can be asked."""
    labels = results.questions.select("id", "label").drop_nulls()
    doubters, differing = [], set()
    for name, opinion in _opinions(results, reader):
        answered = labels.join(opinion.drop_nulls(), on="id")
        if _is_better_than_guessing(answered):
            doubters.append(name)
            differing |= set(answered.filter(pl.col("answer") != pl.col("label"))["id"])
    return LabelDoubt(tuple(doubters), frozenset(differing)) if doubters else None


def _opinions(results: Results, reader: str | None) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each opinion with its name: the voters' plurality, and recorded answers made with the context in view."""
    voters = list(dict.fromkeys(results.voters["voter"]))
    # That a reader disagrees with the label is what is to be explained, and so no explanation.
    if set(voters) - {reader}:
        yield f"the voters ({', '.join(voters)})", results.questions.select("id", answer="voters_verdict")
    fixed = results.cells.filter((pl.col("kind") == "fixed") & (pl.col("condition") != "closed_book"))
    for row in fixed.unique("cell", keep="first", maintain_order=True).iter_rows(named=True):
        if row["reader"] != reader:
            answers = results.answers.filter(pl.col("cell") == row["cell"])
            yield f"the answers of {row['reader']}", answers.select(id="question", answer="verdict")


def _is_better_than_guessing(answered: pl.DataFrame) -> bool:
    """Whether answers agree with the labels more often, beyond chance, than the most frequent label would."""
    if not len(answered):
        return False
    right = int((answered["answer"] == answered["label"]).sum())
    most = int(answered["label"].value_counts()["count"].max())  # type: ignore[arg-type]
    low = wilson(right, len(answered)).low
    return low is not None and low > most / len(answered)
