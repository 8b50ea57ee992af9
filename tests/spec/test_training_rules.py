"""What readers may learn from, said before anything is paid: each mistake with its place and what to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtally.api import ErrorList, RagtallyError
from ragtally.registry import Registry, load_registry
from ragtally.spec.load import load_study
from ragtally.spec.study import Study

SPEC = """\
study: learnt
dataset: {synthetic: {questions: 12, split: test, answers: [yes, no]}}
models: {m: echo, other: {echo: {words: [no, yes]}}}
examples:
  kinds: [label]
  labels: [yes, no]
  generators: [m]
readers:
  mine: {classifier: {train: {from: examples}}}
  raw: {classifier: {train: {from: examples, curation: none}}}
  gold: classifier
  floor: majority_class
grid: {reader: [mine, raw, gold, floor]}
controls: [gold_context]
compare: [{baseline: {train: {curation: none}}}]
"""
EXAMPLES = SPEC[SPEC.index("examples:") : SPEC.index("readers:")]
MINE = "mine: {classifier: {train: {from: examples}}}"
CASES = {
    "no examples": (EXAMPLES, "", "mine learns from the study's examples, and the spec has none", "from: gold", 5),
    "another kind": (
        "  kinds: [label]\n  labels: [yes, no]\n", "  kinds: [instruction]\n",
        "answers are labels, so mine learns from labels, and the examples are of the kind instruction",
        "kinds: [label]", 8,
    ),
    "an answer without examples": (
        "labels: [yes, no]", "labels: [yes, maybe]", "no example to learn from can have the answer 'no'",
        "labels: [yes, no]", 6,
    ),
    "another set": (
        MINE, MINE.replace("{from", "{split: dev, from"), "are the set train, not 'dev'", "split: train", 9,
    ),
    "no set": (
        "generators: [m]", "generators: [m]\n  split: {train: 0, dev: 0.5, test: 0.5}", "its share is 0",
        "train: 0.8", 8,
    ),
    "nobody validates": (
        MINE, MINE.replace("examples}", "examples, curation: validators}"), "nobody validates", "curation: full", 9,
    ),
    "of examples alone": (
        "floor: majority_class", "floor: {majority_class: {train: {curation: none}}}",
        "curation is of examples, and floor learns from the gold", "from: examples", 12,
    ),
    "only shown": (
        "floor: majority_class", "floor: {chat: {model: m, examples: 2, train: {from: examples}}}",
        "floor shows labelled questions and does not learn from examples", "from: gold", 12,
    ),
    "nothing to compare with": (
        "curation: none}}}]", "curation: none, test_documents: true}}}]",
        "no two readers of the grid are the same but for their training", "add the same reader", 15,
    ),
    "several to compare with": (
        "{train: {curation: none}}", "{train: {from: examples}}", "fits mine and raw", "say more", 15,
    ),
}  # fmt: skip


VECTORS = "gold: {classifier: {parts: {all: {features: vectors}}, embedder: EMBEDDER}}"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def study(folder: Path, registry: Registry, text: str) -> Study:
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return load_study(path, registry)


@pytest.mark.parametrize(("before", "after", "message", "hint", "line"), CASES.values(), ids=CASES)
def test_a_mistake_has_its_place_and_remedy(
    tmp_path: Path, registry: Registry, before: str, after: str, message: str, hint: str, line: int
) -> None:
    assert before in SPEC
    with pytest.raises(RagtallyError) as raised:
        study(tmp_path, registry, SPEC.replace(before, after))
    errors = raised.value.errors if isinstance(raised.value, ErrorList) else (raised.value,)
    (error,) = [each for each in errors if message in each.message]
    assert hint in str(error.hint)
    assert error.location is not None and error.location.line == line


def test_what_a_reader_learns_from_is_resolved(tmp_path: Path, registry: Registry) -> None:
    spec = study(tmp_path, registry, SPEC)
    picks = [(pick.train_split, pick.train_from, pick.curation) for pick in spec.readers.values()]
    assert picks == [
        (None, "examples", "full"), (None, "examples", "none"), ("train", "gold", "full"), ("train", "gold", "full"),
    ]  # fmt: skip
    (family,) = spec.compare
    # The floor has no counterpart, and `raw` is the one of the others.
    assert family.counterparts == {"mine": "raw", "gold": "raw"}
    assert family.baseline == {"train": "{curation: none}"}


def test_open_answers_are_learnt_from_words(tmp_path: Path, registry: Registry) -> None:
    text = SPEC.replace("answers: [yes, no]}", "answers: open}").replace("[label]\n  labels: [yes, no]", "[chat]")
    readers = "readers: {mine: {lora: {base: ./m.gguf, train: {from: examples}}}}\ngrid: {reader: mine}\n"
    text = f"{text[: text.index('readers:')]}{readers}controls: [gold_context]\n"
    text = text.replace("synthetic: {questions: 12", "table: {documents: docs, questions: q.csv")
    with pytest.raises(RagtallyError) as raised:
        study(tmp_path, registry, text.replace("[chat]", "[label]\n  labels: [yes, no]"))
    assert "answers are open, so mine learns from words" in str(raised.value)


@pytest.mark.parametrize(
    ("embedder", "message"),
    [
        ("{litellm: {model: openai/text-embedding-3-small}}", "3-small by itself, outside of plan and budget"),
        ("{litellm: {model: ollama/all-minilm}}", "its price is not known"),
        ("{litellm: {model: ollama/all-minilm, usd_per_hour: 1}}", "it is paid for"),
        ("{litellm: {model: ollama/all-minilm, usd_per_hour: 0}}", None),
        ("lsa", None),
    ],
)
def test_a_reader_has_no_embedder_that_costs_something(
    tmp_path: Path, registry: Registry, embedder: str, message: str | None
) -> None:
    text = SPEC.replace("gold: classifier", VECTORS.replace("EMBEDDER", embedder))
    if message is None:
        study(tmp_path, registry, text)
        return
    with pytest.raises(RagtallyError, match=message) as raised:
        study(tmp_path, registry, text)
    assert "usd_per_hour: 0" in str(raised.value)
    assert "spec.yaml:11" in str(raised.value)
