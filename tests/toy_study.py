"""A made-up world for fast tests: a small dataset, components that need nothing, and a place to do work in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ragtally_answer_metrics
import ragtally_graders
import ragtally_retrieval_metrics
import ragtally_vote_rules
import toy_retrievers
from ragtally.api import (
    BUILDS_PARAMETER,
    DATASET_PARAMETERS,
    TRAIN_PARAMETER,
    Answers,
    Choice,
    Component,
    DatasetBatch,
    DatasetTraits,
    Documents,
    Evidence,
    Examples,
    Hits,
    Passages,
    Queries,
    Questions,
    ReaderTraits,
    Reading,
    RetrieverTraits,
    Spans,
    Vote,
    derive_seed,
    file_hash,
)
from ragtally.registry import Registry, RegistryEntry
from ragtally.support.ranking import best_rows, no_hits, write_hits

ANSWERS = ("yes", "no", "maybe")
NOTHING = DatasetBatch(Documents([], [], [], []), Questions([], [], [], []), Evidence([], [], [], []))
SPEC = """\
study: made-up
seed: 7
dataset: {made_up: {questions: 24, split: test}}
readers:
  finder: finder
  learner: learner
  people: taped
label: {voters: [finder, learner], votes: 3}
base: {from: [finder, learner], rule: plurality, agree_with_gold: true}
grid:
  chunker: [{pieces: {size: [30, 60]}}]
  retriever:
    - shared_words
    - letters: {embedder: letter_counts, distance: [cosine, dot]}
  top_k: [1, 2]
  reader: [finder, learner, people]
  votes: [1, 3]
controls: [closed_book, gold_context, wrong_context]
metrics: [accuracy, macro_f1, recall@3]
"""


TINY = """\
study: tiny
seed: 7
dataset: {made_up: {questions: 12, split: test}}
readers:
  finder: finder
  learner: learner
label: {voters: [finder, learner], votes: 2}
base: {from: [finder], rule: plurality, agree_with_gold: true}
grid:
  chunker: pieces
  retriever: [shared_words, {merged: {retrievers: [shared_words, {letters: {embedder: letter_counts}}]}}]
  top_k: 1
  context_words: 9
  reader: [finder]
controls: [gold_context]
metrics: [accuracy, recall@2]
"""
"""A study with work of every step that needs no language model."""
OPEN = """\
study: tiny
seed: 7
dataset: {made_up_open: {questions: 12, split: test}}
readers: {speaker: speaker}
label: {voters: [speaker]}
base: {from: [speaker], rule: majority}
grading: {exact: {}, contains: {}}
grid: {reader: speaker}
grid_on: all
controls: [closed_book, gold_context]
metrics: [accuracy, token_f1]
"""
"""A study with open answers, and so with work of the step grade."""
EXAMPLES = (
    "seed", "converse", "generate_prompt", "validate_prompt", "repair_prompt", "evolve_prompt", "generate", "repair",
    "evolve", "validate", "deduplicate", "curate", "split", "export",
)  # fmt: skip
"""The steps that write examples for training."""
ASKING = ("rerank_prompt", "prompt", "tune", "ask", "pool_prompt", "judge_prompt", "judge", *EXAMPLES, "training_set")
"""The steps that need a language model, which this world has not."""


@dataclass
class ToyDataset:
    """A dataset of given batches."""

    given: Sequence[DatasetBatch]
    answers: tuple[str, ...] = ANSWERS
    splits: tuple[str, ...] = ("train", "test")
    labelled: bool = True

    def batches(self) -> Iterator[DatasetBatch]:
        yield from self.given


def batch(
    documents: Mapping[str, str],
    questions: Mapping[str, tuple[str | None, str]],
    evidence: Sequence[tuple[str, str, int, int]],
) -> DatasetBatch:
    """Write a batch by hand: texts by document, label and split by question, spans."""
    texts = list(documents.values())
    return DatasetBatch(
        Documents(list(documents), texts, [[0]] * len(texts), [[len(text)] for text in texts]),
        Questions(
            list(questions),
            [f"What of {name}?" for name in questions],
            [label for label, _ in questions.values()],
            [split for _, split in questions.values()],
        ),
        Evidence(*(list(column) for column in zip(*evidence, strict=True))) if evidence else NOTHING.evidence,
    )


def toy_dataset(questions: int, labelled: bool = True) -> ToyDataset:
    """Make questions whose answers stand in one sentence of their own document, in two batches."""
    batches = []
    for numbers in (range(questions // 2), range(questions // 2, questions)):
        documents, asked, evidence = {}, {}, []
        for number in numbers:
            label = ANSWERS[number // 2 % 3]
            about = f"Trial {number} of drug{number % 7} in ward{number % 4}."
            sentence = f"The answer is {label}."
            documents[f"d{number}"] = f"{about} {sentence} Nothing else was seen."
            asked[f"q{number}"] = (label if labelled else None, ("train", "test")[number % 2])
            start = len(about) + 1
            evidence.append((f"q{number}", f"d{number}", start, start + len(sentence)))
        made = batch(documents, asked, evidence)
        words = [f"Did drug{number % 7} in ward{number % 4} of Trial {number} work?" for number in numbers]
        asked_about = replace(made.questions, text=words)
        batches.append(replace(made, questions=asked_about, left_out={"drafts of questions": 1}))
    return ToyDataset(batches, labelled=labelled)


def toy_open_dataset(questions: int) -> ToyDataset:
    """Make the same questions with the same answers as reference texts."""
    batches = []
    for made in toy_dataset(questions).given:
        references = [[label] for label in made.questions.label if label is not None]
        columns = replace(made.questions, label=[None] * len(references), references=references)
        batches.append(replace(made, questions=columns))
    return ToyDataset(batches, answers=(), labelled=False)


@dataclass
class Pieces:
    """Cuts into so many characters."""

    size: int

    def split(self, documents: Documents) -> Spans:
        spans = [
            (row, start, min(start + self.size, len(text)))
            for row, text in enumerate(documents.text)
            for start in range(0, len(text), self.size)
        ]
        return Spans(*(np.array(column, dtype=np.int32) for column in zip(*spans, strict=True)))


class SharedWords:
    """Ranks by the number of shared words."""

    texts: list[str]

    def add(self, passages: Passages, vectors: object) -> None:
        assert vectors is None
        self.texts = list(passages.text)

    def save(self, folder: Path) -> None:
        (folder / "texts.json").write_text(json.dumps(self.texts))

    def load(self, folder: Path, passages: Passages, vectors: object) -> None:
        assert vectors is None
        self.texts = json.loads((folder / "texts.json").read_text())

    def search(self, queries: Queries, limit: int) -> Hits:
        hits = no_hits(len(queries), limit)
        for row, words in enumerate(queries.text):
            scores = np.array([len(set(words.split()) & set(text.split())) for text in self.texts], dtype=float)
            result = np.flatnonzero(scores)
            write_hits(hits, row, best_rows(scores[result], result, limit))
        return hits


@dataclass
class Patchy(SharedWords):
    """Ranks as `shared_words` does, and overlooks some of the chunks, others with each build."""

    mode: str
    width: int
    build: int = 1

    def choose_build(self, number: int) -> None:
        self.build = number

    def save(self, folder: Path) -> None:
        super().save(folder)
        (folder / "build.json").write_text(json.dumps(self.build))

    def load(self, folder: Path, passages: Passages, vectors: object) -> None:
        super().load(folder, passages, vectors)
        self.build = json.loads((folder / "build.json").read_text())

    def search(self, queries: Queries, limit: int) -> Hits:
        hits = super().search(queries, len(self.texts))
        overlooked = np.random.default_rng(self.build).random(len(self.texts)) < 0.35
        found = no_hits(len(queries), limit)
        for row in range(len(queries)):
            seen = hits.passage[row][hits.passage[row] >= 0]
            seen = seen[~overlooked[seen]] if self.mode == "patchy" else seen
            write_hits(found, row, best_rows(-np.arange(len(seen), dtype=float), seen, limit))
        return found


def _patchy_traits(parameters: Mapping[str, Any]) -> RetrieverTraits:
    if parameters["mode"] == "whole":
        return RetrieverTraits()
    return RetrieverTraits(
        exact=Choice("retriever", "shared_words"),
        variation="patches are drawn at random; mode: whole repeats",
        builds=parameters["builds"],
    )


@dataclass
class Letters:
    """Ranks by vectors."""

    embedder: object
    distance: str
    vectors: NDArray[np.float32] = field(init=False)

    def add(self, passages: Passages, vectors: NDArray[np.float32] | None) -> None:
        assert vectors is not None and len(vectors) == len(passages)
        self.vectors = vectors

    def save(self, folder: Path) -> None:
        np.save(folder / "count.npy", len(self.vectors))

    def load(self, folder: Path, passages: Passages, vectors: NDArray[np.float32] | None) -> None:
        assert vectors is not None and len(vectors) == len(passages) == np.load(folder / "count.npy")
        self.vectors = vectors

    def search(self, queries: Queries, limit: int) -> Hits:
        assert queries.vectors is not None
        hits = no_hits(len(queries), limit)
        length = np.linalg.norm(self.vectors, axis=1) if self.distance == "cosine" else 1
        for row, vector in enumerate(queries.vectors):
            scores = self.vectors @ vector / length
            write_hits(hits, row, best_rows(scores, np.arange(len(scores)), limit))
        return hits


class LetterCounts:
    """Counts letters."""

    def fit(self, texts: Sequence[str]) -> None:
        self.known = sorted(set("".join(texts)))

    def save(self, folder: Path) -> None:
        (folder / "known.json").write_text(json.dumps(self.known))

    def load(self, folder: Path) -> None:
        self.known = json.loads((folder / "known.json").read_text())

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[text.count(letter) for letter in self.known] for text in texts], dtype=np.float32)

    embed_queries = embed_documents


@dataclass
class Finder:
    """Reads the sentence with the answer, and sometimes misreads it; guesses where there is none."""

    noise: float

    def read(self, reading: Reading, vote: Vote) -> Answers:
        return texts([self._say(row, reading, vote) for row in range(len(reading))])

    def _say(self, row: int, reading: Reading, vote: Vote) -> str:
        draw = np.random.default_rng(derive_seed(vote.seed, reading.id[row]))
        _, result, rest = " ".join(reading.passages[row]).partition("The answer is ")
        if not result:
            return "I cannot tell." if draw.random() < 0.3 else f"Answer: {draw.choice(reading.answers)}"
        word = rest.partition(".")[0]
        return f"Answer: {draw.choice(reading.answers) if draw.random() < self.noise else word}"


class Speaker:
    """Says the sentence with the answer, or that there is none."""

    def read(self, reading: Reading, vote: Vote) -> Answers:
        return texts([self._say(" ".join(passages)) for passages in reading.passages])

    def _say(self, text: str) -> str:
        _, result, rest = text.partition("The answer is ")
        return f"It is {rest.partition('.')[0]}." if result else "I cannot answer"


class Learner:
    """Learns how often each answer comes, and draws accordingly."""

    def train(self, examples: Examples, vote: Vote) -> None:
        self.learnt = {"counts": dict(sorted(Counter(examples.label).items())), "seed": vote.seed}

    def report(self) -> Mapping[str, Any]:
        return {"classes": len(self.learnt["counts"])}

    def save(self, folder: Path) -> None:
        (folder / "learnt.json").write_text(json.dumps(self.learnt))

    def load(self, folder: Path) -> None:
        self.learnt = json.loads((folder / "learnt.json").read_text())

    def read(self, reading: Reading, vote: Vote) -> Answers:
        total = sum(self.learnt["counts"].values())
        chances = [self.learnt["counts"].get(answer, 0) / total for answer in reading.answers]
        draw = np.random.default_rng(self.learnt["seed"])
        return choices([str(draw.choice(reading.answers, p=chances)) for _ in reading.id])


class Steady:
    """Always says the first of the answers."""

    def read(self, reading: Reading, vote: Vote) -> Answers:
        return choices([reading.answers[0]] * len(reading))


class Recorder:
    """Says what was recorded, which for two questions is nothing."""

    def read(self, reading: Reading, vote: Vote) -> Answers:
        assert not any(reading.passages)
        earlier = [None if name in ("q1", "q3") else reading.answers[vote.index % 2] for name in reading.id]
        errors = ["no recorded answer" if choice is None else None for choice in earlier]
        return Answers([None] * len(earlier), earlier, errors, seconds=[0.5] * len(earlier))


@dataclass
class ScriptedReader:
    """A reader that returns what a test wants."""

    say: Callable[[Reading, Vote], Answers]

    def read(self, reading: Reading, vote: Vote) -> Answers:
        return self.say(reading, vote)


def texts(said: Sequence[str | None]) -> Answers:
    """Write answers that are raw text; None is a failed call."""
    return Answers(said, [None] * len(said), [None if text is not None else "failed" for text in said])


def choices(chosen: Sequence[str | None]) -> Answers:
    """Write answers that are taken as they are; None is a failed call."""
    return Answers([None] * len(chosen), chosen, [None if choice is not None else "failed" for choice in chosen])


def number(default: float, kind: str = "integer") -> dict[str, Any]:
    return {"type": kind, "default": default, "description": "A number."}


def _file(parameters: Mapping[str, Any]) -> str | None:
    return file_hash(Path(parameters["path"])) if parameters["path"] else None


COMPONENTS: dict[str, list[Component]] = {
    "dataset": [
        Component(
            "made_up",
            lambda questions, labelled, path: toy_dataset(questions, labelled),
            "Questions that were made up.",
            params={
                "questions": number(24),
                "labelled": {"type": "boolean", "default": True, "description": "Whether there are labels."},
                "path": {
                    "type": ["string", "null"],
                    "default": None,
                    "x-ragtally-identity": False,
                    "description": "A file whose content counts.",
                },
            },
            fingerprint=_file,
        ),
        Component(
            "made_up_open",
            toy_open_dataset,
            "Questions that were made up, with references.",
            params={"questions": number(24)},
            traits=DatasetTraits("open"),
        ),
    ],
    "chunker": [Component("pieces", Pieces, "Cuts into so many characters.", params={"size": number(60)})],
    "embedder": [Component("letter_counts", LetterCounts, "Counts letters.")],
    "retriever": [
        Component("shared_words", SharedWords, "Ranks by shared words."),
        Component(
            "patchy",
            Patchy,
            "Ranks by shared words, overlooking some.",
            params={
                "mode": {"enum": ["patchy", "whole"], "default": "patchy", "description": "Whether it overlooks."},
                "width": {**number(3), "x-ragtally-when": {"mode": ["patchy"]}},
                "builds": {**BUILDS_PARAMETER, "x-ragtally-when": {"mode": ["patchy"]}},
            },
            traits=_patchy_traits,
        ),
        Component(
            "letters",
            Letters,
            "Ranks by vectors.",
            params={
                "embedder": {"x-ragtally-kind": "embedder", "description": "Which."},
                "distance": {
                    "enum": ["cosine", "dot"],
                    "default": "cosine",
                    "x-ragtally-search": True,
                    "description": "Which.",
                },
            },
            traits=RetrieverTraits(reads=frozenset({"vectors"})),
        ),
        *toy_retrievers.RERANKERS,
    ],
    "reader": [
        Component("finder", Finder, "Finds the sentence.", params={"noise": number(0.2, "number")}),
        Component("learner", Learner, "Learns.", params={"train": TRAIN_PARAMETER}, traits=ReaderTraits(trains=True)),
        Component("speaker", Speaker, "Says it.", traits=ReaderTraits(draws="fixed", answers="open")),
        Component("steady", Steady, "Always the same.", traits=ReaderTraits(draws="fixed")),
        Component("taped", Recorder, "Recorded.", traits=ReaderTraits(draws="recorded", condition="conclusion")),
        Component(
            "taped_gold",
            Recorder,
            "Recorded.",
            traits=ReaderTraits(draws="recorded", condition="gold_context"),
        ),
    ],
    "rule": ragtally_vote_rules.register_vote_rules(),
    "grader": ragtally_graders.register_graders(),
    "metric": [*ragtally_answer_metrics.register_metrics(), *ragtally_retrieval_metrics.register_metrics()],
}


def toy_registry(more: Mapping[str, Sequence[Component]] | None = None) -> Registry:
    """Register the made-up components, and more of a test's own, which win."""
    registered = {}
    for offered in (COMPONENTS, more or {}):
        for kind, components in offered.items():
            for component in components:
                if kind == "dataset":
                    component = replace(component, params={**component.params, **DATASET_PARAMETERS})
                registered[(kind, component.name)] = RegistryEntry(component, kind, "toy_study", "made-up 1.0")
    return Registry(registered)


@dataclass
class Notes:
    """Progress that remembers what it was told."""

    started: list[tuple[str, int, int]] = field(default_factory=list)
    advanced: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)

    def start(self, step: str, total: int, done: int) -> None:
        self.started.append((step, total, done))

    def advance(self, step: str, label: str) -> None:
        self.advanced.append(step)

    def measure(self, what: str, total: int, done: int, label: str = "") -> None:
        self.measured.append(what)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def finish(self) -> None:
        pass
