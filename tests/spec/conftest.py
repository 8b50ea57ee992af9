"""A registry of made-up components, and ways to load a spec's text with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from ragtally.api import (
    DATASET_PARAMETERS,
    TRAIN_PARAMETER,
    Component,
    ErrorList,
    MetricTraits,
    QuestionValues,
    RagtallyError,
    ReaderTraits,
    RetrieverTraits,
    Score,
)
from ragtally.registry import Registry, RegistryEntry
from ragtally.spec.load import load_study
from ragtally.spec.study import Study

HEAD = """\
study: demo
dataset: {toy: {split: test}}
"""

FULL = """\
study: demo
seed: 20
dataset: {toy: {split: test, answers: [yes, no, maybe]}}
sample: {size: 50, balance: true}
readers:
  llama: {chat: {model: small}}
  big: {chat: {model: big}}
  tiny: learner
  floor: constant
  people: {taped: {file: people.jsonl}}
label: {voters: [llama, tiny], votes: 3}
base: {from: [llama], rule: unanimous, exclude_closed_book_right: [floor]}
grid:
  chunker: [{words: {size: [32, 64], overlap: 0}}, whole]
  retriever:
    - bm25
    - dense: {embedder: {lsa: {dim: [64, 256]}}, distance: [cosine, dot]}
  top_k: [1, 3]
  reader: [llama, tiny, floor, people]
  votes: [1, 3]
controls: [closed_book, wrong_context]
metrics: [accuracy, recall@5, macro_f1]
"""

SIZE = {"type": "integer", "minimum": 1, "default": 128, "description": "Words of a chunk."}
K = {"type": "integer", "minimum": 1, "description": "How many."}


def _build(**_: object) -> object:
    return object()


def _condition(parameters: object) -> ReaderTraits:
    assert isinstance(parameters, dict)
    return ReaderTraits(draws="recorded", condition=parameters["condition"])


class _Mean:
    def by_question(self, items: object) -> dict[str, QuestionValues]:
        return {}


class _Whole:
    def score(self, items: object) -> dict[str, Score]:
        return {}


def _mean(**_: object) -> object:
    return _Mean()


COMPONENTS: dict[str, list[Component]] = {
    "dataset": [
        Component("toy", _build, "A toy.", params={"seed": {"type": ["integer", "null"], "default": None}}),
        Component("bare", _build, "Another."),
    ],
    "chunker": [
        Component(
            "words",
            _build,
            "So many words.",
            params={"size": SIZE, "overlap": {"type": "number", "default": 0, "description": "Share."}},
            renamed_params={"length": "size"},
        ),
        Component("whole", _build, "The whole document."),
        Component(
            "marks",
            _build,
            "Cuts at marks.",
            params={
                "at": {"type": "array", "items": {"type": "string"}, "description": "The marks."},
                "keep": {"type": "boolean", "default": False},
            },
        ),
    ],
    "embedder": [
        Component(
            "lsa", _build, "LSA.", params={"dim": {"type": "integer", "default": 256}, "seed": {"type": "integer"}}
        ),
        Component("hash", _build, "Hashing."),
    ],
    "retriever": [
        Component("bm25", _build, "BM25.", params={"stemmer": {"enum": ["english", None], "default": "english"}}),
        Component(
            "dense",
            _build,
            "Vectors.",
            params={
                "embedder": {"x-ragtally-kind": "embedder", "default": "lsa", "description": "Which."},
                "distance": {"enum": ["cosine", "dot", "l2"], "default": "cosine"},
                "second": {"x-ragtally-kind": "embedder", "default": None},
            },
            traits=RetrieverTraits(reads=frozenset({"vectors"})),
        ),
    ],
    "reader": [
        Component(
            "chat",
            _build,
            "A model.",
            params={
                "model": {"type": "string"},
                "temperature": {"type": "number", "minimum": 0, "default": 0.5},
                "options": {"type": "object", "default": {}},
            },
        ),
        Component("learner", _build, "Learns.", params={"train": TRAIN_PARAMETER}, traits=ReaderTraits(trains=True)),
        Component("constant", _build, "A floor.", traits=ReaderTraits(draws="fixed", condition="closed_book")),
        Component("steady", _build, "Always the same.", traits=ReaderTraits(draws="fixed")),
        Component(
            "taped",
            _build,
            "Recorded.",
            params={
                "file": {"type": "string"},
                "condition": {"enum": ["gold_context", "conclusion"], "default": "gold_context"},
            },
            traits=_condition,
        ),
    ],
    "rule": [
        Component("majority", _build, "More than half."),
        Component("unanimous", _build, "All."),
        Component("quorum", _build, "At least k.", params={"k": K}),
    ],
    "metric": [
        Component("accuracy", _mean, "Share right."),
        Component("macro_f1", _mean, "Mean F1."),
        Component("coverage", _mean, "Share with a verdict."),
        Component("confusion", _mean, "Counts.", traits=MetricTraits("answers", unit="count")),
        Component("longest", _Whole, "Of all questions.", traits=MetricTraits("answers")),
        Component("recall@k", _mean, "Recall.", params={"k": K}, traits=MetricTraits(measures="retrieval")),
        Component("mrr@k", _mean, "Rank.", params={"k": K}, traits=MetricTraits(measures="retrieval")),
    ],
}


def registry_of(components: dict[str, list[Component]]) -> Registry:
    registered = {}
    for kind, offered in components.items():
        for component in offered:
            if kind == "dataset":
                params = {**component.params, **DATASET_PARAMETERS}
                component = Component(component.name, component.build, component.summary, params=params)
            registered[(kind, component.name)] = RegistryEntry(component, kind, "fakes", "ragtally 1.0")
    return Registry(registered)


@pytest.fixture(scope="session")
def registry() -> Registry:
    return registry_of(COMPONENTS)


@pytest.fixture
def load(tmp_path: Path, registry: Registry) -> Callable[[str], Study]:
    """Load a spec from its text."""

    def load_text(text: str) -> Study:
        path = tmp_path / "spec.yaml"
        path.write_text(dedent(text), encoding="utf-8")
        return load_study(path, registry)

    return load_text


@pytest.fixture
def errors(load: Callable[[str], Study]) -> Callable[[str], list[RagtallyError]]:
    """Load a text that has errors, and list them."""

    def errors_of(text: str) -> list[RagtallyError]:
        with pytest.raises(RagtallyError) as caught:
            load(text)
        return list(caught.value.errors) if isinstance(caught.value, ErrorList) else [caught.value]

    return errors_of


@pytest.fixture(scope="session")
def full() -> str:
    return FULL


@pytest.fixture(scope="session")
def head() -> str:
    return HEAD
