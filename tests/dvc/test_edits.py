"""An edit re-runs the stages that it touches, and in them only the work that it touches."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import polars as pl
import pytest

from dvc_project import PARAMS, SPEC, Project, steps
from ragtally.curation.decisions import Decision, DecisionLog, text_of
from ragtally.examples.example import example_of

SMALL = "specs/small.yaml"


class Edit(NamedTuple):
    file: str
    old: str
    new: str
    stages: list[str]
    work: set[str]


EDITS = {
    "a comment": Edit(SMALL, "seed: 7", "seed: 7   # lucky", ["resolve"], set()),
    # The report shows the spec.
    "a default written out": Edit(SMALL, "[bm25]", "[{bm25: {k1: 1.5}}]", ["resolve", "report"], set()),
    "a plugin's words": Edit(
        "plugins/ragtally_bm25/__init__.py", 'summary="Okapi BM25', 'summary="The Okapi BM25', ["resolve"], set()
    ),
    "a metric": Edit(SMALL, "recall@5]", "recall@5, mrr@3]", ["resolve", "bench", "report"], {"score"}),
    "the rule of the base": Edit(
        SMALL, "rule: majority", "rule: unanimous", ["resolve", "label", "bench", "report"], {"vote", "base", "score"}
    ),
    "code of the analysis": Edit(
        "runner/ragtally/analysis/costs.py", "from __future__", "from  __future__", ["resolve", "report"], set()
    ),
    "a plugin's version": Edit(
        "plugins/ragtally_bm25/__init__.py",
        "version=3,",
        "version=77,",
        ["resolve", "bench"],
        {"index", "retrieve", "judge", "score"},
    ),
}


QUICK = ("a metric",)
"""What is tried with every change; the rest with the slow tests."""


@pytest.mark.parametrize(
    "edit",
    [pytest.param(edit, id=name, marks=() if name in QUICK else pytest.mark.slow) for name, edit in EDITS.items()],
)
def test_an_edit(project: Project, edit: Edit) -> None:
    before = project.entries()
    project.edit(edit.file, edit.old, edit.new)

    outcome = project.dvc("repro")

    assert outcome.stages == [f"{stage}@small" for stage in edit.stages]
    assert project.entries().items() >= before.items()
    assert steps(project.entries().keys() - before.keys()) == edit.work


@pytest.mark.slow
def test_another_study_leaves_the_first_alone(project: Project) -> None:
    before = project.entries()
    project.write("specs/other.yaml", SPEC.replace("study: small", "study: other"))
    project.write("params.yaml", PARAMS + PARAMS.partition("studies:\n")[2].replace("small", "other"))

    outcome = project.dvc("repro")

    assert outcome.stages == [
        f"{stage}@other" for stage in ("resolve", "prepare", "examples", "train", "label", "bench", "report")
    ]
    assert project.entries() == before, "studies share the work that they agree on, here all of it"
    assert project.results("other")["cells.csv"] == project.results("small")["cells.csv"]


LEARNT = """\
study: learnt
dataset: {synthetic: {questions: 12, split: test, answers: [yes, no]}}
examples:
  {expand: data/raw/learnt/seeds.jsonl, labels: [yes, no], curate: data/raw/learnt/curation.csv, near_duplicates: 1,
   split: {train: 1, dev: 0, test: 0}}
readers: {floor: {majority_class: {train: {from: examples}}}}
grid: {reader: floor}
"""


@pytest.mark.slow
def test_who_learns_from_examples_learns_again_once_a_person_has_decided(project: Project) -> None:
    seeds = [
        {"text": f"Case {number} of ward {number * 7}.", "label": ("yes", "no", "no")[number % 3]}
        for number in range(9)
    ]
    project.write("data/raw/learnt/seeds.jsonl", "\n".join(map(json.dumps, seeds)))
    project.write("specs/learnt.yaml", LEARNT)
    entry = "  learnt:\n    spec: specs/learnt.yaml\n    data: data/raw/learnt\n"
    project.write("params.yaml", PARAMS + entry)
    stages = ("resolve", "prepare", "examples", "train", "label", "bench", "report")
    assert project.dvc("repro").stages == [f"{stage}@learnt" for stage in stages]
    # Most say no; without those that a person rejects, most say yes.
    log = DecisionLog(project.folder / "data/raw/learnt/curation.csv")
    for row in examples_of(project, label="no")[:5]:
        digest = text_of(example_of(row)).digest
        log.append([Decision(row["example"], "reject", "ana", "2026-11-28T19:00:00Z", digest, seconds=1.0)])
    outcome = project.dvc("repro")
    assert set(outcome.stages) >= {f"{stage}@learnt" for stage in ("examples", "train", "bench", "report")}
    model = json.loads(project.results("learnt")["train.json"])["models"]["floor measure vote 1"]
    assert model["examples_by_class"] == {"yes": 3, "no": 1} and model["left_out"] == {"not accepted": 5}


def examples_of(project: Project, label: str) -> list[dict[str, Any]]:
    table = pl.read_parquet(project.folder / "data/results/learnt/examples.parquet")
    return table.filter(label=label).to_dicts()


def aliases_of_aliases() -> str:
    """Eight levels, each nine times the one before: 43 million ones once they are written out."""
    levels = ["seed: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for below, name in zip("abcdefg", "bcdefgh", strict=True):
        levels.append(f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]")
    return "\n".join(levels)


# DVC itself would choke on them, were the spec one of its files of parameters.
MISTAKES = {
    "a key that is there twice": ("seed: 7\nseed: 8", ["specs/small.yaml:3:1: ", "the first is on line 2"]),
    "aliases of aliases": (aliases_of_aliases(), ["specs/small.yaml:6:", "too large"]),
}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param(*mistake, id=name, marks=pytest.mark.slow if name == "a key that is there twice" else ())
        for name, mistake in MISTAKES.items()
    ],
)
def test_a_mistake_in_the_spec_is_ragtallys_to_explain(project: Project, line: str, said: list[str]) -> None:
    results = project.results()
    project.edit(SMALL, "seed: 7", line)

    outcome = project.dvc("repro", code=None)

    assert outcome.code != 0
    for words in said:
        assert words in outcome.text
    assert outcome.stages == ["resolve@small"]
    assert project.results() == results
