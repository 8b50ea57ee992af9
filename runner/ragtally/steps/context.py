"""context: which passages stand before the reader, under which condition."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.api import DataError, Reading, derive_seed
from ragtally.steps import chunk, prepare, retrieve, sample
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import read_array, read_table, write_array, write_table

STEP = "context"
VERSION = 1

_WORD = re.compile(r"\S+")


def control_task(
    factory: TaskFactory, prepared: Task, sampled: Task, condition: str, seed: int, **about: Any
) -> Task:
    """Describe the work for a context that needs no retrieval."""
    settings: dict[str, Any] = {"condition": condition}
    if condition == "wrong_context":
        settings["seed"] = seed
    inputs = {"prepare": prepared, "sample": sampled}
    return factory.task(STEP, VERSION, settings=settings, inputs=inputs, **about)


def retrieved_task(
    factory: TaskFactory,
    prepared: Task,
    sampled: Task,
    chunked: Task,
    retrieved: Task,
    *,
    top_k: int | None = None,
    context_words: int | None = None,
    **about: Any,
) -> Task:
    """Describe the work for a retrieved context; exactly one of `top_k` and `context_words` is given."""
    inputs = {"prepare": prepared, "sample": sampled, "chunk": chunked, "retrieve": retrieved}
    size = {"top_k": top_k} if context_words is None else {"context_words": context_words}
    return factory.task(STEP, VERSION, settings={"condition": "retrieved", **size}, inputs=inputs, **about)


def run(work: Work) -> None:
    """Write `passages.parquet` (best first for each question) and `words.npy` (words before the reader)."""
    condition = work.task.settings["condition"]
    if condition == "retrieved":
        passages = _retrieved(work)
    elif condition == "closed_book":
        passages = _table(np.empty(0), np.empty(0), np.empty(0), np.empty(0))
    else:
        passages = _documents(work, wrong=condition == "wrong_context")
    write_table(work.folder / "passages.parquet", passages)
    texts = prepare.load_texts(work.input("prepare"))
    words = np.zeros(len(sample.load_questions(work.input("sample"))), dtype=np.int64)
    np.add.at(words, passages["question"].to_numpy(), [len(text.split()) for text in _texts(passages, texts)])
    write_array(work.folder / "words.npy", words)


def load_words(folder: Path) -> NDArray[np.int64]:
    """Read how many words stand before the reader."""
    return read_array(folder / "words.npy")


def load_reading(
    folder: Path | None, prepared: Path, sampled: Path, rows: NDArray[np.int64] | None = None
) -> Reading:
    """Read questions with the passages in front of them."""
    questions = sample.load_questions(sampled)
    passages: list[list[str]] = [[] for _ in range(len(questions))]
    if folder is not None:
        table = load_passages(folder)
        for question, text in zip(table["question"], _texts(table, prepare.load_texts(prepared)), strict=True):
            passages[question].append(text)
    picked = range(len(questions)) if rows is None else rows.tolist()
    identifiers, texts = questions["id"].to_list(), questions["text"].to_list()
    return Reading(
        id=[identifiers[row] for row in picked],
        question=[texts[row] for row in picked],
        passages=[passages[row] for row in picked],
        answers=sample.load_answers(sampled),
    )


def load_passages(folder: Path) -> pl.DataFrame:
    """Read where the passages stand."""
    return read_table(folder / "passages.parquet")


def _retrieved(work: Work) -> pl.DataFrame:
    spans = chunk.load_spans(work.input("chunk"))
    hits = retrieve.load_hits(work.input("retrieve")).passage[:, : work.task.settings.get("top_k")]
    questions, ranks = np.nonzero(hits >= 0)
    found = hits[questions, ranks]
    passages = _table(questions, spans.document[found], spans.start[found], spans.end[found])
    budget = work.task.settings.get("context_words")
    return passages if budget is None else cut_to_words(passages, budget, prepare.load_texts(work.input("prepare")))


def cut_to_words(passages: pl.DataFrame, budget: int, texts: list[str]) -> pl.DataFrame:
    """Keep so many words of each question's passages; a passage is cut where the words are used up."""
    kept: list[tuple[int, int, int, int]] = []
    asked, left = -1, 0
    for question, document, start, end in passages.iter_rows():
        if question != asked:
            asked, left = question, budget
        if not left:
            continue
        ends = [match.end() for match in itertools.islice(_WORD.finditer(texts[document], start, end), left)]
        left -= len(ends)
        # What is cut is cut behind a word; a passage that fits stays as it is.
        kept.append((question, document, start, end if left or not ends else ends[-1]))
    columns = np.array(kept, dtype=np.int32).reshape(-1, 4).T
    return _table(*columns)


def _documents(work: Work, *, wrong: bool) -> pl.DataFrame:
    questions = sample.load_questions(work.input("sample"))
    evidence = sample.load_evidence(work.input("sample"))
    own = np.unique(np.stack([evidence.question, evidence.document], axis=1), axis=0)
    without = np.setdiff1d(np.arange(len(questions)), own[:, 0])
    if len(without):
        name = questions["id"][int(without[0])]
        raise DataError(f"question {name!r} has no evidence, so it has no gold context", location=work.task.location)
    if wrong:
        own = _others(work, questions["id"].to_list(), own)
    texts = prepare.load_texts(work.input("prepare"))
    lengths = np.fromiter((len(texts[row]) for row in own[:, 1]), dtype=np.int32, count=len(own))
    return _table(own[:, 0], own[:, 1], np.zeros(len(own)), lengths)


def _others(work: Work, identifiers: list[str], own: NDArray[np.int32]) -> NDArray[np.int32]:
    """Pick for each question a document that is another question's context, whatever else was sampled."""
    candidates = np.unique(prepare.load_evidence(work.input("prepare")).document)
    first = np.searchsorted(own[:, 0], np.arange(len(identifiers) + 1))
    picked = np.empty((len(identifiers), 2), dtype=np.int32)
    for row, name in enumerate(identifiers):
        mine = set(own[first[row] : first[row + 1], 1].tolist())
        if len(candidates) <= len(mine):
            raise DataError(
                "there is no other question whose context could be the wrong one", location=work.task.location
            )
        at = derive_seed(work.task.settings["seed"], "wrong_context", name) % len(candidates)
        while int(candidates[at]) in mine:
            at = (at + 1) % len(candidates)
        picked[row] = row, candidates[at]
    return picked


def _table(question: NDArray[Any], document: NDArray[Any], start: NDArray[Any], end: NDArray[Any]) -> pl.DataFrame:
    columns = {"question": question, "document": document, "start": start, "end": end}
    return pl.DataFrame({name: np.asarray(column, dtype=np.int32) for name, column in columns.items()})


def _texts(passages: pl.DataFrame, texts: list[str]) -> list[str]:
    spans = passages.select("document", "start", "end").iter_rows()
    return [texts[document][start:end] for document, start, end in spans]
