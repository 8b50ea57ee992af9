"""An edit of the spec touches the slices of the stages that it means something to, and no other."""

from __future__ import annotations

import json

import pytest

from ragtally.api import TRAIN_PARAMETER, Component, ReaderTraits
from ragtally.plan import stage_slices
from ragtally.registry import load_registry
from ragtally.steps import STEPS
from toy_study import OPEN, SPEC, Learner, toy_registry
from workbench import Bench

ALL = {"prepare", "examples", "train", "label", "bench"}
PUPIL = ReaderTraits(trains=True, answers="both")
LEARNT = """\
study: learnt
dataset: {synthetic: {questions: 8, split: test, answers: [yes, no]}}
models: {m: echo}
examples:
  kinds: [label]
  labels: [yes, no]
  generators: [m]
readers: {floor: {majority_class: {train: {from: examples}}}}
grid: {reader: floor}
"""
EXCLUDING = "agree_with_gold: true, exclude_closed_book_right: [learner]}"
EDITS = {
    "a metric": ("macro_f1", "cohen_kappa", {"bench"}),
    "a metric's cut-off": ("recall@3", "recall@4", {"bench"}),
    "the base's rule": ("rule: plurality", "rule: unanimous", {"label"}),
    "agreement": ("agree_with_gold: true", "agree_with_gold: false", {"label"}),
    "whose ballots": ("from: [finder, learner]", "from: [finder]", {"label"}),
    "who is excluded": ("agree_with_gold: true}", EXCLUDING, {"label"}),
    "who votes": ("voters: [finder, learner]", "voters: [learner, finder]", {"label"}),
    "the sample": ("base:", "sample: {size: 9}\nbase:", {"prepare"}),
    "balance": ("base:", "sample: {balance: true}\nbase:", {"prepare"}),
    "the split": ("split: test}", "split: test, answers: [yes, no]}", {"prepare"}),
    "the dataset": ("questions: 24", "questions: 30", {"prepare"}),
    "the dataset's path": ("questions: 24", "questions: 24, path: here.json", set()),
    "a chunker": ("size: [30, 60]", "size: [30, 61]", {"bench"}),
    "a retriever": ("distance: [cosine, dot]", "distance: dot", {"bench"}),
    "top_k": ("top_k: [1, 2]", "top_k: [1, 3]", {"bench"}),
    "where the grid is asked": ("metrics:", "grid_on: all\nmetrics:", {"bench"}),
    "a control": ("controls: [closed_book, ", "controls: [", {"bench"}),
    "the grid's rule": ("votes: [1, 3]", "votes: [1, 3]\n  rule: plurality", {"bench"}),
    "a reader of the grid alone": ("people: taped", "people: taped_gold", {"bench"}),
    "a voter that does not learn": ("finder: finder", "finder: {finder: {noise: 0.5}}", {"label", "bench"}),
    "label votes": ("votes: 3}", "votes: 5}", {"label", "train"}),
    "the grid's most votes": ("votes: [1, 3]", "votes: [1, 5]", {"bench", "train"}),
    "the seed": ("seed: 7", "seed: 8", ALL),
    "the name": ("study: made-up", "study: other", set()),
}


def slices(bench: Bench, text: str = SPEC) -> dict[str, str]:
    """The slices as the text that DVC hashes, in which the order of keys counts."""
    return {stage: json.dumps(cut) for stage, cut in stage_slices(bench.study(text), bench.registry).items()}


@pytest.mark.parametrize(("before", "after", "stages"), EDITS.values(), ids=EDITS)
def test_an_edit_touches_only_its_stages(bench: Bench, before: str, after: str, stages: set[str]) -> None:
    assert before in SPEC
    old, new = slices(bench), slices(bench, SPEC.replace(before, after))
    assert {stage for stage in ALL if old[stage] != new[stage]} == stages


@pytest.mark.parametrize(
    "line", ["label: {voters: [finder], votes: 3}", "label: {voters: [finder, learner], votes: 3}"]
)
def test_a_learner_that_only_excludes_is_trained_too(bench: Bench, line: str) -> None:
    text = SPEC.replace("agree_with_gold: true}", EXCLUDING).replace("from: [finder, learner]", "from: [finder]")
    text = text.replace("label: {voters: [finder, learner], votes: 3}", line).replace(
        "[finder, learner, people]", "[finder]"
    )
    (train,) = [json.loads(cut) for stage, cut in slices(bench, text).items() if stage == "train"]
    assert list(train["label"]) == ["learner"]
    assert {task.choices["reader"].name for task in bench.plan(text).goals("train")} == {"learner"}


def test_who_learns_from_a_base_learns_again_when_its_answers_are_graded_otherwise(bench: Bench) -> None:
    text = OPEN.replace("speaker}", "speaker, pupil: {pupil: {train: {split: train, from: base}}}}", 1)
    text = text.replace("reader: speaker", "reader: pupil")
    pupil = Component("pupil", Learner, "Learns.", params={"train": TRAIN_PARAMETER}, traits=PUPIL)
    bench.registry = toy_registry({"reader": [pupil]})
    graded = text.replace("contains: {}", "contains: {most_words: 3}")
    for spec in (text, text.replace(", from: base", "")):
        old, new = slices(bench, spec), slices(bench, graded if spec == text else graded.replace(", from: base", ""))
        moved = {stage for stage in ALL if old[stage] != new[stage]}
        assert moved == {"label", "bench"} | ({"train"} if spec == text else set())


def test_who_learns_from_examples_depends_on_which(bench: Bench) -> None:
    bench.registry = load_registry()
    old = slices(bench, LEARNT)
    for before, more in (("from: examples", ", curation: none"), ("generators: [m]", "\n  near_duplicates: 0.7")):
        new = slices(bench, LEARNT.replace(before, before + more))
        assert old["train"] != new["train"] and old["label"] == new["label"]
    assert "training_set" not in slices(bench, LEARNT.replace("from: examples", "from: gold"))["train"]


OTHER_WORDS = """\
# The same study in other words.
metrics:
  - accuracy
  - macro_f1
  - recall@3
controls: ["closed_book", 'gold_context', wrong_context]
dataset:
  made_up:
    split: "test"
    questions: 2.4e1
    labelled: true
study: made-up
seed: 7
readers:
  people: {taped: {}}
  learner: {learner: {train: {split: train}}}
  finder: {finder: {noise: 2e-1}}
grid_on: base
grid:
  votes: [1, 3]
  rule: majority
  reader: [finder, learner, people]
  top_k: [1, 2]
  retriever: [shared_words, {letters: {distance: {axis: [cosine, dot]}, embedder: {letter_counts: {}}}}]
  chunker:
    - pieces: {size: 30}
    - pieces:
        size: 60
label: {votes: 3, voters: [finder, learner]}
base: {agree_with_gold: true, rule: {plurality: {}}, from: [finder, learner]}
"""


def test_two_spellings_of_a_study_have_the_same_slices(bench: Bench) -> None:
    assert slices(bench, OTHER_WORDS) == slices(bench)


def test_every_steps_version_is_in_a_slice(bench: Bench) -> None:
    cuts = stage_slices(bench.study(), bench.registry)
    named = {step for cut in cuts.values() for step in cut["versions"]}
    # Open answers are graded by steps; parsers are compared, examples learnt and models fine-tuned by one: other
    # studies do not depend on their versions.
    assert named == {*STEPS, "results"} - {
        "pool_prompt", "judge_prompt", "judge", "grade", "reference", "training_set",
        "tune",
    }  # fmt: skip


def test_slices_can_be_made_before_there_is_any_data(bench: Bench) -> None:
    assert set(slices(bench, SPEC.replace("questions: 24", "path: missing.json"))) == ALL


def test_running_the_stage_resolve_writes_them_and_nothing_else(bench: Bench) -> None:
    folder = bench.run(stages=("resolve",))
    assert {path.stem: json.dumps(json.loads(path.read_text())) for path in folder.iterdir()} == slices(bench)
    assert not bench.folders.results.exists()
    assert not bench.store.root.exists()
