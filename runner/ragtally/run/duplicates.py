"""Near-duplicates in a study's data: among documents, among questions, and across splits (leakage)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.plan import StudyPlan
from ragtally.run.workplace import Workplace
from ragtally.stats.near_duplicates import NearDuplicates, near_duplicates, word_sequences
from ragtally.steps import prepare
from ragtally.store import read_table

DOCUMENT_SHINGLE = 3
"""Words of a shingle of documents; questions are short and compared as sets of words."""
SIMILARITY = 0.8
"""From which Jaccard similarity on texts are near-duplicates."""
MOST_PAIRS = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that are nearly the same.

    Attributes:
        first: The id of one.
        second: The id of the other.
        similarity: Their Jaccard similarity; 1 for the same words in the same order.
        first_text: The words of one.
        second_text: The words of the other.
    """

    first: str
    second: str
    similarity: float
    first_text: str
    second_text: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in one comparison.

    Attributes:
        what: What was compared, in words.
        advice: What to do about it.
        texts: How many texts were looked at.
        exact: How many of them have an exact duplicate (the same words in the same order).
        near: How many of them have a near-duplicate, exact ones included.
        pairs: A few of the pairs, most similar first.
    """

    what: str
    advice: str
    texts: int
    exact: int
    near: int
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class DataReport:
    """The near-duplicates of a study's data.

    Attributes:
        study: The study.
        similarity: From which similarity on texts count.
        findings: One a comparison; those across splits only where the dataset has several splits.
    """

    study: str
    similarity: float
    findings: tuple[Found, ...]


@dataclass(frozen=True)
class _Texts:
    """Texts with their near-duplicates."""

    ids: Sequence[str]
    texts: Sequence[str]
    duplicates: NearDuplicates

    def found(self, what: str, advice: str, rows: NDArray[np.bool_], among: NDArray[np.bool_]) -> Found:
        """Count which of some rows have a near-duplicate among others."""
        examples = self.duplicates.examples(among)
        near = rows & (examples.text >= 0)
        exact = rows & self.duplicates.copies(among)
        hit = np.flatnonzero(near)
        order = hit[np.lexsort((hit, -examples.similarity[hit]))]
        pairs: list[Pair] = []
        for row in order.tolist():
            other = int(examples.text[row])
            if len(pairs) < MOST_PAIRS and not any(
                (pair.first, pair.second) == (self.ids[other], self.ids[row]) for pair in pairs
            ):
                said = (self.ids[row], self.ids[other], round(float(examples.similarity[row]), 4))
                pairs.append(Pair(*said, self.texts[row], self.texts[other]))
        return Found(what, advice, int(rows.sum()), int(exact.sum()), int(near.sum()), tuple(pairs))


def check_data(plan: StudyPlan, place: Workplace, similarity: float = SIMILARITY) -> DataReport:
    """Look for near-duplicates in a study's dataset.

    Args:
        plan: The plan; its dataset is prepared where it is not yet.
        place: Where the work is done.
        similarity: From which Jaccard similarity on texts are near-duplicates, above 0 and up to 1.

    Returns:
        What was found.
    """
    folder = place.entry(plan.prepared)
    questions, evidence = prepare.load_questions(folder), prepare.load_evidence(folder)
    splits, labels = questions["split"], questions["label"]
    names = list(dict.fromkeys(splits))
    in_split = np.stack([(splits == name).to_numpy() for name in names], axis=1)
    of_label = np.stack([(labels == name).fill_null(value=False).to_numpy() for name in plan.answers], axis=1)
    gold = np.zeros((len(prepare.load_texts(folder)), len(names)), dtype=np.bool_)
    for number in range(len(names)):
        gold[evidence.document[in_split[evidence.question, number]], number] = True
    asked = _search(
        questions["id"].to_list(), questions["text"].to_list(), 1, similarity,
        np.concatenate([in_split, of_label], axis=1), place, "questions",
    )  # fmt: skip
    documents = read_table(folder / "documents.parquet", ["id", "text"])
    corpus = _search(
        documents["id"].to_list(), documents["text"].to_list(), DOCUMENT_SHINGLE, similarity, gold, place, "documents"
    )
    everything: NDArray[np.bool_] = np.ones(len(documents), dtype=np.bool_)
    every: NDArray[np.bool_] = np.ones(len(questions), dtype=np.bool_)
    findings = [
        corpus.found(
            "documents with another document nearly the same",
            "a retriever that finds the other one is counted as wrong; deduplicate the corpus, or read "
            "document_hit with care",
            everything, everything,
        ),
        asked.found(
            "questions with another question nearly the same",
            "they are no independent questions: intervals are too narrow by them",
            every, every,
        ),
        *_across(plan, asked, corpus, names, in_split, gold),
        _contradictory(asked, labels, of_label, plan.answers),
    ]  # fmt: skip
    return DataReport(plan.study.name, similarity, tuple(findings))


def _search(
    ids: Sequence[str],
    texts: Sequence[str],
    width: int,
    similarity: float,
    classes: NDArray[np.bool_],
    place: Workplace,
    what: str,
) -> _Texts:
    def told(step: str, total: int, done: int) -> None:
        place.progress.measure(f"{what}: {step}", total, done)

    return _Texts(ids, texts, near_duplicates(word_sequences(texts), width, similarity, classes, told))


def _across(
    plan: StudyPlan,
    asked: _Texts,
    corpus: _Texts,
    names: Sequence[str],
    in_split: NDArray[np.bool_],
    gold: NDArray[np.bool_],
) -> list[Found]:
    """What of the split that is asked stands in another split too."""
    own = plan.study.dataset.split
    if own is None or len(names) < 2 or own not in names:
        return []
    number = names.index(own)
    others = [other for other in range(len(names)) if other != number]
    elsewhere: NDArray[np.bool_] = np.asarray(in_split[:, others].any(axis=1))
    read: NDArray[np.bool_] = np.asarray(gold[:, others].any(axis=1))
    rest = ", ".join(names[other] for other in others)
    advice = f"a reader that learns from {rest} has seen them: leave them out of training, or of the sample"
    return [
        asked.found(f"questions of {own} that stand in {rest} too", advice, in_split[:, number], elsewhere),
        corpus.found(f"gold documents of {own} that are nearly one of {rest}", advice, gold[:, number] & ~read, read),
    ]


def _contradictory(asked: _Texts, labels: pl.Series, of_label: NDArray[np.bool_], answers: Sequence[str]) -> Found:
    """Near-duplicate questions with different labels."""
    rows = np.zeros(len(labels), dtype=np.bool_)
    exact = rows.copy()
    pairs: list[Pair] = []
    for number, answer in enumerate(answers):
        other = (labels.is_not_null() & (labels != answer)).fill_null(value=False).to_numpy()
        pairs.extend(asked.found("", "", other, of_label[:, number]).pairs)
        rows |= other & asked.duplicates.near(of_label[:, number])
        exact |= other & asked.duplicates.copies(of_label[:, number])
    return Found(
        "questions with one nearly the same and another label",
        "one of the labels is wrong, or the question depends on its context: look at them",
        int(labels.is_not_null().sum()),
        int(exact.sum()),
        int(rows.sum()),
        tuple(sorted(pairs, key=lambda pair: (-pair.similarity, pair.first))[:MOST_PAIRS]),
    )
