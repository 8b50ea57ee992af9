"""A study of the made-up world with its result files, run once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtally.analysis import Analysis, analyze
from ragtally.results import Results, load_results
from toy_study import SPEC, toy_registry
from workbench import Bench

SPEC_WITH_COMPARISONS = (
    SPEC.replace("questions: 24", "questions: 60").replace("grid:", "grid_on: all\ngrid:", 1)
    + """\
compare:
  - {metric: accuracy, baseline: {retriever: shared_words}}
  - {metric: macro_f1, baseline: {retriever: {letters: {distance: cosine}}, top_k: 1}}
  - {metric: recall@3, baseline: {retriever: shared_words}}
  - {metric: accuracy, baseline: {reader: finder, votes: 1}}
select_on: dev
"""
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Bench(tmp_path_factory.mktemp("compared"), toy_registry()).run(SPEC_WITH_COMPARISONS)


@pytest.fixture(scope="session")
def results(folder: Path) -> Results:
    return load_results(folder)


@pytest.fixture(scope="session")
def analysis(results: Results) -> Analysis:
    return analyze(results)
