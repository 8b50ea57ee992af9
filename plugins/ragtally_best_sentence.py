"""The reader `best_sentence`: the sentence that shares most with the question; the floor that needs no model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ragtally import (
    ABSTENTION,
    LANGUAGES,
    Answers,
    Chunker,
    Component,
    DataError,
    Documents,
    Embedder,
    ParameterFault,
    ReaderTraits,
    Reading,
    Starter,
    Vote,
    hookimpl,
)
from ragtally.support.answer_text import all_words

# As in Lucene, whose BM25 most search engines have.
_K1, _B = 1.2, 0.75
_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "sentences": {
        "x-ragtally-kind": "chunker",
        "default": {"sentences": {"size": 1}},
        "description": "How passages are cut into what may be the answer.",
    },
    "language": {
        "enum": list(LANGUAGES),
        "default": LANGUAGES[0],
        "description": "The language of the passages: how words are told apart.",
        "x-ragtally-language": True,
    },
    "embedder": {
        "x-ragtally-kind": "embedder",
        "default": None,
        "description": "Whose vectors of question and sentence are compared, by their cosine; BM25 where it is left "
        "out. What it learns it learns from the sentences of the question at hand, so lsa needs `dim: null`.",
        "x-ragtally-identity": "if given",
    },
}
# They run here: vectors that a server makes would be paid for again with every run.
_EMBEDDERS = ("hashing", "lsa", "sentence_transformers")


class BestSentence:
    """Answers with a sentence of the passages, as it stands there; abstains where nothing is like the question."""

    def __init__(self, sentences: Chunker, language: str, embedder: Embedder | None = None) -> None:
        self._sentences, self._language, self._embedder = sentences, language, embedder

    def read(self, reading: Reading, vote: Vote) -> Answers:
        """See `ragtally.Reader`."""
        choice = list(map(self._answer, reading.question, reading.passages))
        return Answers(text=[None] * len(reading), choice=choice, error=[None] * len(reading))

    def _answer(self, question: str, passages: Sequence[str]) -> str:
        sentences = self._cut(passages)
        scores = self._cosines(question, sentences) if self._embedder else self._bm25(question, sentences)
        best = max(scores, default=0.0)
        # Of equally good ones the first: in the passage that the retriever put first.
        return sentences[scores.index(best)] if best > 0 else ABSTENTION

    def _cut(self, passages: Sequence[str]) -> list[str]:
        texts = list(passages)
        names = [str(number) for number in range(len(texts))]
        spans = self._sentences.split(Documents(names, texts, [[] for _ in texts], [[] for _ in texts]))
        rows = zip(spans.document.tolist(), spans.start.tolist(), spans.end.tolist(), strict=True)
        return [texts[document][start:end] for document, start, end in rows]

    def _cosines(self, question: str, sentences: Sequence[str]) -> list[float]:
        assert self._embedder is not None
        try:
            self._embedder.fit(sentences)
        except DataError:
            # Sentences without a word from which anything could be learnt are like no question.
            return []
        vectors = self._embedder.embed_documents(sentences).astype("float64")
        query = self._embedder.embed_queries([question])[0].astype("float64")
        lengths = (vectors**2).sum(axis=1) ** 0.5 * (query**2).sum() ** 0.5
        # A text without a word that is known has a vector without length, and is like nothing.
        lengths[lengths == 0] = 1
        cosines: list[float] = (vectors @ query / lengths).round(6).tolist()
        return cosines

    def _bm25(self, question: str, sentences: Sequence[str]) -> list[float]:
        """BM25 of each sentence, with the frequencies of words in these sentences alone."""
        words = [Counter(all_words(sentence, self._language)) for sentence in sentences]
        mean = sum(counts.total() for counts in words) / len(words) if words else 0.0
        weights = {}
        for word in dict.fromkeys(all_words(question, self._language)):
            containing = sum(word in counts for counts in words)
            weights[word] = math.log(1 + (len(words) - containing + 0.5) / (containing + 0.5))
        return [
            round(
                sum(weight * _saturation(counts[word], counts.total(), mean) for word, weight in weights.items()), 9
            )
            for counts in words
        ]


def _saturation(count: int, length: int, mean: float) -> float:
    return count / (count + _K1 * (1 - _B + _B * length / mean)) if count else 0.0


def _check(params: Mapping[str, Any]) -> list[ParameterFault]:
    embedder = params.get("embedder")
    if embedder is None:
        return []
    if embedder.name not in _EMBEDDERS:
        message = f"sentences are compared by vectors made here, and {embedder.name} may ask a server for them"
        return [ParameterFault("embedder", message, f"one of {', '.join(_EMBEDDERS)}")]
    if embedder.parameters.get("dim", 0) is not None and embedder.name == "lsa":
        message = "the few sentences of a question allow no number of dimensions that could be stated"
        return [ParameterFault("embedder", message, "embedder: {lsa: {dim: null}}")]
    return []


@hookimpl
def register_readers() -> list[Component]:
    """Offer `best_sentence`."""
    return [
        Component(
            name="best_sentence",
            build=BestSentence,
            summary="The sentence of the passages that is most like the question: the floor that needs no model.",
            params=_PARAMETERS,
            check=_check,
            traits=ReaderTraits(draws="fixed", answers="open"),
            starter=lambda _: Starter(
                name="floor",
                comment="The sentence that is most like the question: the floor that needs no model.",
            ),
        )
    ]
