"""context: which passages reach the reader, under which condition."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.api import DataError, derive_seed
from ragtally.pipelines.budget import cut_to_words, passages_of
from ragtally.steps.step import Step, Work
from ragtally.store import write_array, write_table
from ragtally.support.unspaced import counted_words
from ragtally.tables import (
    load_corpus_rows,
    load_evidence,
    load_files,
    load_hits,
    load_questions,
    load_spans,
    load_texts,
    passage_texts,
)


def run(work: Work) -> None:
    """Write `passages.parquet` (best first for each question) and `words.npy` (words before the reader)."""
    condition = work.task.settings["condition"]
    if condition == "retrieved":
        passages = _hits(work)
    elif condition == "closed_book":
        passages = _table(np.empty(0), np.empty(0), np.empty(0), np.empty(0))
    elif condition == "whole_corpus":
        passages = _whole_corpus(work)
    else:
        passages = _documents(work, wrong=condition == "wrong_context")
    write_table(work.folder / "passages.parquet", passages)
    texts = load_texts(work.input("prepare"))
    words = np.zeros(len(load_questions(work.input("sample"))), dtype=np.int64)
    word = counted_words(work.task.settings.get("language"))
    counts = [len(word.findall(text)) for text in passage_texts(passages, texts)]
    np.add.at(words, passages["question"].to_numpy(), counts)
    write_array(work.folder / "words.npy", words)


def _hits(work: Work) -> pl.DataFrame:
    settings = work.task.settings
    hits, spans = load_hits(work.input("retrieve")), load_spans(work.input("chunk"))
    passages = passages_of(hits, spans, settings.get("top_k"))
    budget = settings.get("context_words")
    if budget is None:
        return passages
    return cut_to_words(passages, budget, load_texts(work.input("prepare")), settings.get("language"))


def _documents(work: Work, *, wrong: bool) -> pl.DataFrame:
    questions = load_questions(work.input("sample"))
    evidence = load_evidence(work.input("sample"))
    own = np.unique(np.stack([evidence.question, evidence.document], axis=1), axis=0)
    # What cannot be answered from the corpus has no place there: nothing is its gold context.
    answerable = (
        np.flatnonzero(questions["references"].list.len().to_numpy() > 0)
        if "references" in questions.columns
        else np.arange(len(questions))
    )
    without = np.setdiff1d(answerable, own[:, 0])
    if len(without):
        name = questions["id"][int(without[0])]
        raise DataError(f"question {name!r} has no evidence, so it has no gold context", location=work.task.location)
    if wrong:
        own = _others(work, questions["id"].to_list(), own)
    if work.task.settings["condition"] == "whole_document":
        own = _whole_files(own, load_files(work.input("prepare")))
    texts = load_texts(work.input("prepare"))
    lengths = np.fromiter((len(texts[row]) for row in own[:, 1]), dtype=np.int32, count=len(own))
    return _table(own[:, 0], own[:, 1], np.zeros(len(own)), lengths)


def _whole_files(own: NDArray[np.int32], files: NDArray[np.int64]) -> NDArray[np.int32]:
    """Put all documents of a file in the place of one, in the order of the corpus."""
    order = np.argsort(files, kind="stable")
    first, last = (np.searchsorted(files[order], files[own[:, 1]], side=side) for side in ("left", "right"))
    rows = [
        np.stack([np.full(stop - start, question), order[start:stop]], axis=1)
        for question, start, stop in zip(own[:, 0].tolist(), first.tolist(), last.tolist(), strict=True)
    ]
    return np.unique(np.concatenate(rows), axis=0).astype(np.int32) if rows else own


def _whole_corpus(work: Work) -> pl.DataFrame:
    """All documents before every question, in the order of the dataset."""
    questions, texts = len(load_questions(work.input("sample"))), load_texts(work.input("prepare"))
    documents = load_corpus_rows(work.input("prepare"))
    lengths = np.array([len(texts[row]) for row in documents.tolist()])
    order, count = np.tile(documents, questions), questions * len(documents)
    return _table(
        np.repeat(np.arange(questions), len(documents)), order, np.zeros(count), np.tile(lengths, questions)
    )


def _others(work: Work, identifiers: list[str], own: NDArray[np.int32]) -> NDArray[np.int32]:
    """Pick for each question a document that is another question's context, whatever else was sampled."""
    candidates = np.unique(load_evidence(work.input("prepare")).document)
    first = np.searchsorted(own[:, 0], np.arange(len(identifiers) + 1))
    picks = np.empty((len(identifiers), 2), dtype=np.int32)
    for row, name in enumerate(identifiers):
        gold = set(own[first[row] : first[row + 1], 1].tolist())
        if len(candidates) <= len(gold):
            raise DataError(
                "there is no other question whose context could be the wrong one", location=work.task.location
            )
        at = derive_seed(work.task.settings["seed"], "wrong_context", name) % len(candidates)
        while int(candidates[at]) in gold:
            at = (at + 1) % len(candidates)
        picks[row] = row, candidates[at]
    return picks


def _table(question: NDArray[Any], document: NDArray[Any], start: NDArray[Any], end: NDArray[Any]) -> pl.DataFrame:
    columns = {"question": question, "document": document, "start": start, "end": end}
    return pl.DataFrame({name: np.asarray(column, dtype=np.int32) for name, column in columns.items()})


CONTEXT = Step("context", 1, run, inputs=("prepare", "sample", "chunk", "retrieve"))
