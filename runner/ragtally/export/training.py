"""Export a study's base for training: each question with what is right to answer, as training programs read it."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ragtally.api import DataError, Location
from ragtally.export.dataset import base_tables
from ragtally.results.columns import BASE_TABLE, DATASET
from ragtally.store import Store
from ragtally.support.training_forms import FORMS, Line, TrainingExample, Turn, full_line

# What a model is taught to say where a question cannot be answered; the answer parser reads it as an abstention.
_CANNOT = {"pt": "Não posso responder", "es": "No puedo responder"}
_CANNOT_IN_ENGLISH = "I cannot answer"


def training_lines(results: Path, store: Store, form: str, *, with_context: bool) -> list[Line]:
    """The questions of a base in a form of `FORMS`: the first right answer, after the gold context where wanted."""
    dataset = DATASET.read(results)
    tables = base_tables(dataset, BASE_TABLE.read(results), store, "gold")
    cannot = _CANNOT.get(dataset["questions"].get("language", ""), _CANNOT_IN_ENGLISH)
    passages = _gold_contexts(tables) if with_context else {}
    lines = []
    for row in tables["questions"].iter_rows(named=True):
        references = row.get("references")
        answer = row["label"] if references is None else references[0] if references else cannot
        if answer is None:
            raise DataError(
                f"the question {row['id']!r} has no answer to learn",
                location=Location(str(results / BASE_TABLE.name)),
                hint="export a study with a base, whose voters' verdicts are silver labels, or with gold labels",
            )
        document, text = passages.get(row["id"], (None, None))
        example = TrainingExample(
            id=row["id"],
            kind="instruction" if text else "question_answer",
            turns=(Turn("user", row["text"]), Turn("assistant", answer)),
            input=text,
            document=document,
            start=None if text is None else 0,
            end=None if text is None else len(text),
        )
        line = full_line(FORMS[form], example)
        assert line is not None, "every form has a place for one question and its answer"
        lines.append(line)
    return lines


def _gold_contexts(tables: dict[str, pl.DataFrame]) -> dict[str, tuple[str, str]]:
    """By question its gold context, with the first document that it is of."""
    texts = dict(tables["documents"].select("id", "text").iter_rows())
    own = tables["evidence"].unique(["question", "document"], keep="first", maintain_order=True)
    documents: dict[str, list[str]] = {}
    for question, document in own.select("question", "document").iter_rows():
        documents.setdefault(question, []).append(document)
    return {question: (names[0], "\n\n".join(texts[name] for name in names)) for question, names in documents.items()}
