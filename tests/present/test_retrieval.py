"""The tables of retrieval say over how many questions each number is."""

from __future__ import annotations

import dataclasses

import polars as pl
import pytest

from command_line import project_in
from ragtally.present.cells import cells_of
from ragtally.present.retrieval import retrieval_section
from ragtally.results import Results, load_results

SPEC = """\
study: small
dataset: {synthetic: {questions: 60, split: test}}
grid: {chunker: [{words: {size: [40, 80], overlap: 0}}], retriever: [bm25, oracle], top_k: [1]}
metrics: [recall@3, mrr@3]
"""


def notes(results: Results) -> tuple[str, ...]:
    (table,) = (
        table
        for table in retrieval_section([cells_of(results.cells, results.metrics, "all", None)]).tables
        if table.name == "rankings-table"
    )
    return tuple(table.notes)


def test_a_metric_over_fewer_questions_than_the_heading_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = project_in(tmp_path_factory.mktemp("retrieval"))
    made.write("spec.yaml", SPEC)
    assert made.ragtally("run", "--no-report", "spec.yaml").code == 0
    results = load_results(made.folder / "data/results/small")
    assert not any("over" in note for note in notes(results))
    fewer = pl.Series("recall@3_denominator", [20] * len(results.cells))
    changed = dataclasses.replace(results, cells=results.cells.with_columns(fewer))
    assert "recall@3: over 20 of the 30 questions" in notes(changed)
