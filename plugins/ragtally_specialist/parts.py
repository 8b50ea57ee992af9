"""Parts of question and context, and the columns of numbers that a classifier reads of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, hstack

from ragtally import Embedder, Reading
from ragtally_specialist.features import sentence_cues
from ragtally_specialist.options import TAKES
from ragtally_specialist.sentences import matched_words, split_sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.feature_extraction.text import TfidfVectorizer

_NGRAMS = {"words": (1, 2), "characters": (2, 5)}


@dataclass(frozen=True)
class Part:
    """One part, as the spec declares it."""

    name: str
    of_question: bool
    take: str | None  # A key of `TAKES`; None for the whole text
    count: int  # How many sentences or paragraphs
    features: str
    ngrams: tuple[int, int]
    weight: float

    def texts(self, reading: Reading) -> list[str]:
        """The part's text of each question."""
        if self.of_question:
            wholes: Sequence[str] = reading.question
        else:
            wholes = ["\n".join(passages) for passages in reading.passages]
        if self.take == "matching_sentences":
            pairs = zip(reading.question, wholes, strict=True)
            return ["\n".join(_matching(question, text, self.count)) for question, text in pairs]
        return ["\n".join(self._pieces(text)) for text in wholes]

    def _pieces(self, text: str) -> Sequence[str]:
        if self.take is None:
            return [text]
        paragraphs = [line for line in text.split("\n") if line.strip()]
        pieces = split_sentences(text) if self.take.endswith("sentences") else paragraphs
        return pieces[: self.count] if self.take.startswith("first") else pieces[-self.count :]


def _matching(question: str, text: str, count: int) -> list[str]:
    """The sentences that share the largest part of their words with the question, in the text's order."""
    targets, sentences = set(matched_words(question)), split_sentences(text)
    words = [matched_words(sentence) for sentence in sentences]
    shares = [len(targets.intersection(of_one)) / (len(of_one) + 5) for of_one in words]
    rows = sorted(range(len(sentences)), key=lambda row: (-shares[row], row))[:count]
    return [sentences[row] for row in sorted(rows)]


def parts_of(declarations: Mapping[str, Mapping[str, Any]]) -> tuple[Part, ...]:
    """The parts that a spec declares."""
    parts = []
    for name, part in declarations.items():
        take = next((take for take in TAKES if take in part), None)
        features = part.get("features", "words")
        low, high = part.get("ngrams", _NGRAMS.get(features, (1, 1)))
        of_question, count = part.get("text") == "question", part[take] if take else 0
        parts.append(Part(name, of_question, take, count, features, (low, high), float(part.get("weight", 1))))
    return tuple(parts)


@dataclass(frozen=True)
class Vocabulary:
    """N-grams with their weights: log((1 + n) / (1 + df)) + 1."""

    gram: tuple[str, ...]  # In alphabetical order
    weight: NDArray[np.float64]  # Of each; shape [grams]


@dataclass(frozen=True)
class Scale:
    """The means and spreads by which cues are made comparable."""

    mean: NDArray[np.float64]  # Shape [cues]
    spread: NDArray[np.float64]  # Likewise


@dataclass(frozen=True)
class Columns:
    """The columns of one part, as learnt from examples."""

    part: Part
    state: Vocabulary | Scale | None  # None for vectors, which the embedder makes

    def read(self, content: PartContent) -> csr_array:
        """Turn a part of each question into a row of numbers, of length 1 for words, characters and vectors."""
        if isinstance(self.state, Vocabulary) and not (self.state.gram and content.texts):
            rows = csr_array((len(content.texts), len(self.state.gram)))
        elif isinstance(self.state, Vocabulary):
            vectorizer = _vectorizer(self.part)
            vectorizer.vocabulary = {gram: number for number, gram in enumerate(self.state.gram)}
            vectorizer.idf_ = self.state.weight
            rows = csr_array(vectorizer.transform(content.texts))
        elif isinstance(self.state, Scale):
            spread = np.where(self.state.spread > 0, self.state.spread, 1.0)
            rows = csr_array((content.numbers - self.state.mean) / spread / np.sqrt(len(spread)))
        else:
            rows = csr_array(content.numbers)
        return csr_array(rows * self.part.weight)


@dataclass(frozen=True)
class PartContent:
    """A part of some questions: its texts, or the numbers that stand for them whatever is learnt."""

    texts: Sequence[str]
    numbers: NDArray[np.float64]  # Cues or vectors; no column where the texts are read

    def rows(self, rows: NDArray[np.int64]) -> PartContent:
        """The content of some questions."""
        return PartContent([self.texts[row] for row in rows.tolist()], self.numbers[rows])


def content_of(part: Part, reading: Reading, embedder: Embedder | None) -> PartContent:
    """Take a part of every question; embedded where it is of vectors."""
    texts = part.texts(reading)
    numbers = np.zeros((len(texts), 0))
    if part.features == "cues":
        numbers = np.array([_mean_cues(text) for text in texts]).reshape(len(texts), -1)
    elif part.features == "vectors" and texts:
        assert embedder is not None
        embed = embedder.embed_queries if part.of_question else embedder.embed_documents
        numbers = embed(texts).astype(np.float64)
        length = np.linalg.norm(numbers, axis=1, keepdims=True)
        numbers /= np.where(length > 0, length, 1.0)
    return PartContent(texts, numbers)


def _mean_cues(text: str) -> NDArray[np.float64]:
    cues = np.array([sentence_cues(sentence) for sentence in split_sentences(text) or [""]])
    mean: NDArray[np.float64] = cues.mean(axis=0)
    return mean


def learn_columns(part: Part, content: PartContent) -> Columns:
    """Learn the columns of a part from examples."""
    if part.features == "cues":
        return Columns(part, Scale(content.numbers.mean(axis=0), content.numbers.std(axis=0)))
    if part.features == "vectors":
        return Columns(part, None)
    vectorizer = _vectorizer(part)
    try:
        vectorizer.fit(content.texts)
    except ValueError:  # No text holds a word.
        return Columns(part, Vocabulary((), np.zeros(0)))
    return Columns(part, Vocabulary(tuple(vectorizer.get_feature_names_out().tolist()), vectorizer.idf_))


def read_columns(columns: Sequence[Columns], contents: Mapping[str, PartContent]) -> csr_array:
    """Put the columns of several parts side by side."""
    return csr_array(hstack([each.read(contents[each.part.name]) for each in columns], format="csr"))


def _vectorizer(part: Part) -> TfidfVectorizer:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="word" if part.features == "words" else "char_wb", ngram_range=part.ngrams)
