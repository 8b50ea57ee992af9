"""What readers learn from, and what cross-validation lets one expect, beside what came of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ragtally import analyze
from ragtally.analysis import Analysis
from ragtally.present.cells import sets_of
from ragtally.present.training import training_table
from ragtally.registry import load_registry
from ragtally.results import Results, load_results
from workbench import Bench

TRIALS = ("heals", "helps", "cures"), ("harms", "fails", "hurts")
SPEC = """\
study: learnt
dataset: {{synthetic: {{questions: 20, split: test, answers: [yes, no]}}}}
models: {{m: echo}}
examples:
  {{kinds: [label], labels: [yes, no], generators: [m], expand: {seeds}, language: en,
   split: {{train: 0.9, dev: 0.1, test: 0}}}}
readers:
  mine: {{majority_class: {{train: {{from: examples}}}}}}
  raw: {{majority_class: {{train: {{from: examples, curation: none}}}}}}
  gold: majority_class
grid: {{reader: [mine, raw, gold]}}
compare: [{{baseline: {{train: {{curation: none}}}}}}]
"""


GOLD = "gold measure vote 1"
TRAINING = {
    "cross_validation": {"settings": 2, "accuracy": 0.75},
    "estimate": {"accuracy": {"value": 0.5, "low": 0.25, "high": 0.625}},
}
"""What a reader that chooses among settings reports; those of the study choose nothing."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A study whose readers learn from an existing set, which one of them takes with its repetitions."""
    folder = tmp_path_factory.mktemp("learnt")
    seeds = [
        {"text": f"In trial {number} the drug {TRIALS[number % 2][number % 3]}.", "label": ("yes", "no")[number % 2]}
        for number in range(20)
    ]
    twice = [seed["text"].rstrip(".").lower() for seed in seeds[:3:2]]
    seeds += [{"text": text, "label": "no"} for text in twice]
    path = folder / "seeds.jsonl"
    path.write_text("".join(f"{json.dumps(seed)}\n" for seed in seeds), encoding="utf-8")
    results = load_results(Bench(folder, load_registry()).run(SPEC.format(seeds=path)))
    models = results.training["models"]
    training = {"models": {**models, GOLD: {**models[GOLD], "training": TRAINING}}}
    return replace(results, training=training)


@pytest.fixture(scope="module")
def analysis(results: Results) -> Analysis:
    return analyze(results)


def test_each_reader_has_a_row(results: Results, analysis: Analysis) -> None:
    (table,) = training_table(results, sets_of(results.cells, results.metrics, analysis))
    assert [column.heading for column in table.columns][:5] == [
        "reader", "learns from", "examples", "accuracy of the choice", "accuracy expected",
    ]  # fmt: skip
    rows = {row[0]: row for row in table.rows}
    models = {model["readers"][0]: model for model in results.training["models"].values()}
    count = models["mine"]["examples"]
    assert rows["mine"][1] == f"examples, curated ({count} of 22)"
    assert rows["raw"][1] == f"examples, not curated ({models['raw']['examples']} of 22)"
    assert rows["gold"][1] == "gold labels of train"
    expected, here = rows["gold"][4], rows["gold"][5]
    assert rows["gold"][3] == 0.75
    assert (expected.value, expected.low, expected.high) == (0.5, 0.25, 0.625)
    assert here.denominator == len(results.questions) and here.low is not None
    # Nobody estimated what those of the examples come to.
    assert rows["mine"][3:5] == (None, None) and rows["mine"][5] is not None
    assert f"mine does not learn from {22 - count} of 22: " in table.notes[2]


def test_with_and_without_curation_are_compared_question_by_question(results: Results, analysis: Analysis) -> None:
    (family,) = analysis.families
    assert {(one.cell, one.baseline) for one in family.comparisons} == {
        (f"closed_book/{name}/1 vote", "closed_book/raw/1 vote") for name in ("mine", "gold")
    }
    assert all(one.difference.low is not None and one.significance is not None for one in family.comparisons)
    assert results.training["models"]["raw measure vote 1"]["examples"] >= 20


def test_results_without_trained_readers_have_no_table(results: Results) -> None:
    assert training_table(replace(results, training={}), ()) == ()
