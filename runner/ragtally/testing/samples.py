"""Small made-up data for the conformance suites; the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ragtally.api import Documents, Examples, Passages, Queries, QuestionEvidence, Reading, Spans, derive_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANSWERS = ("yes", "no", "maybe")
DIMENSIONS = 24
_NOUNS = (
    "asthma",
    "fever",
    "insulin",
    "placebo",
    "kidney",
    "cohort",
    "dose",
    "relapse",
    "biopsy",
    "statin",
    "lesion",
)
_VERBS = ("lowered", "raised", "predicted", "followed", "prevented", "caused", "reached", "missed")
_PASSAGES = 40
_PASSAGES_A_DOCUMENT = 4


def passage_texts() -> list[str]:
    """Write passages of one sentence; the last one repeats the first."""
    texts = []
    for row in range(_PASSAGES - 1):
        draw = np.random.default_rng(derive_seed(1, "passage", row))
        subject, verb, thing = draw.choice(_NOUNS), draw.choice(_VERBS), draw.choice(_NOUNS)
        texts.append(f"In study {row} of {10 + row * 7} patients {subject} {verb} {thing} (p = 0.0{1 + row % 8}).")
    return [*texts, texts[0]]


def passages() -> Passages:
    """Put the passages into documents of four, one after the other."""
    texts = passage_texts()
    document, start, end = [], [], []
    offset = 0
    for row, text in enumerate(texts):
        offset = 0 if row % _PASSAGES_A_DOCUMENT == 0 else offset
        document.append(row // _PASSAGES_A_DOCUMENT)
        start.append(offset)
        end.append(offset + len(text))
        offset += len(text) + 1
    columns = (np.array(column, dtype=np.int32) for column in (document, start, end))
    return Passages(texts, Spans(*columns))


def queries(reads: frozenset[str]) -> Queries:
    """Ask about every other document, and about something that no passage mentions.

    Args:
        reads: What the retriever's traits read.

    Returns:
        The queries, with vectors and evidence where they are read.
    """
    corpus = passages()
    about = range(0, _PASSAGES, 2 * _PASSAGES_A_DOCUMENT)
    text = [f"Is it so that {corpus.text[row].split('patients ')[1]}" for row in about] + ["Zebrafish quantum?"]
    rows = np.array([*about, 1], dtype=np.int32)
    spans = corpus.spans
    evidence = QuestionEvidence(
        question=np.arange(len(rows), dtype=np.int32),
        document=spans.document[rows],
        start=spans.start[rows],
        end=spans.end[rows],
    )
    return Queries(
        id=[f"q{number}" for number in range(len(text))],
        text=text,
        vectors=StubEmbedder().embed_queries(text) if "vectors" in reads else None,
        evidence=evidence if "evidence" in reads else None,
    )


def documents() -> Documents:
    """Write documents that are awkward to cut: short, long, blank, in several scripts and with several sections."""
    long = " ".join(passage_texts())
    texts = [
        "One sentence. Then another one!\nA new line? Yes: e.g. this one, of Fig. 2.",
        long,
        "word",
        "  leading and trailing white space \n\n",
        "naïve café – “quoted” … 50 µg·kg⁻¹ \u00a0 e\u0301 👩‍🔬 done",
        "漢字の文章です。二つ目の文。",
        "x" * 700,
        "",
        " \n\t ",
        "first part\nsecond part\nthird part",
    ]
    starts = [[0] if text else [] for text in texts]
    ends = [[len(text)] if text else [] for text in texts]
    starts[-1], ends[-1] = [0, 11, 23], [10, 22, 33]
    return Documents([f"d{row}" for row in range(len(texts))], texts, starts, ends)


def reading() -> Reading:
    """Put no, one or several passages before a few questions."""
    texts, questions = passage_texts(), queries(frozenset({"text"}))
    fronts = [texts[:1], texts[3:6], [], [texts[9]], ["", texts[2]]]
    fronts += [texts[row : row + 2] for row in range(len(questions) - len(fronts))]
    return Reading(list(questions.id), list(questions.text), fronts, ANSWERS)


def examples() -> Examples:
    """Write labelled questions whose passage says the label in so many words."""
    words = {"yes": "clearly improved", "no": "did not change", "maybe": "possibly improved"}
    rows = [(number, ANSWERS[number % 3]) for number in range(36)]
    nouns = [_NOUNS[number % len(_NOUNS)] for number, _ in rows]
    return Examples(
        Reading(
            id=[f"t{number}" for number, _ in rows],
            question=[f"Does the diet change {noun}?" for noun in nouns],
            passages=[
                [f"We followed {30 + number} patients. Under the diet {noun} {words[label]} in the end."]
                for (number, label), noun in zip(rows, nouns, strict=True)
            ],
            answers=ANSWERS,
        ),
        [label for _, label in rows],
    )


class StubEmbedder:
    """An embedder that hashes words, for components that are given one."""

    def fit(self, texts: Sequence[str]) -> None:
        """Learn nothing."""

    def save(self, folder: Path) -> None:
        """Write nothing."""

    def load(self, folder: Path) -> None:
        """Read nothing."""

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Count each text's words by their hash."""
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.casefold().split():
                vectors[row, derive_seed(0, word) % DIMENSIONS] += 1
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Count each text's words by their hash."""
        return self.embed_documents(texts)
