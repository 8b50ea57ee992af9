"""What approximate search loses: against a loop over sets, through a whole study, and in what is shown of it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from ragtally.analysis import Analysis, analyze
from ragtally.analysis.pairwise import CellRef, compare_pairwise
from ragtally.api import Hits
from ragtally.plan import StudyPlan
from ragtally.present.breakdown import pickable
from ragtally.present.show import analysis_parts, study_parts
from ragtally.present.table import terminal
from ragtally.results import Results, load_results
from ragtally.results.approximation import evidence_scores, shares_within
from ragtally.tables import load_hits, load_relevance
from toy_study import toy_registry
from workbench import Bench

SPEC = """\
study: patched
seed: 7
dataset: {made_up: {questions: 24, split: test}}
readers: {finder: finder, steady: steady}
label: {voters: [finder], votes: 1}
base: {from: [finder], rule: plurality, agree_with_gold: true}
grid_on: all
grid:
  chunker: {pieces: {size: 30}}
  retriever: [shared_words, {patchy: {builds: 3}}]
  top_k: [1, 2]
  context_words: 9
  reader: [finder, steady]
controls: [gold_context]
metrics: [accuracy, recall@1, recall@3]
compare:
  - {metric: recall@3, baseline: {retriever: shared_words}}
  - {metric: accuracy, baseline: {retriever: shared_words}}
"""
WHY = "patches are drawn at random; mode: whole repeats"
BUILDS = [f"pieces/patchy/build {build}" for build in (1, 2, 3)]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("patched"), toy_registry())


@pytest.fixture(scope="module")
def results(bench: Bench) -> Results:
    return load_results(bench.run(SPEC))


@pytest.fixture(scope="module")
def plan(bench: Bench) -> StudyPlan:
    return bench.plan(SPEC)


@pytest.fixture(scope="module")
def analysis(results: Results) -> Analysis:
    return analyze(results, toy_registry())


RANKINGS = st.lists(
    st.tuples(st.permutations(range(6)), st.permutations(range(6)), st.sets(st.integers(0, 5))),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(RANKINGS, st.integers(1, 8), st.integers(1, 6))
def test_shares_are_those_of_a_loop_over_sets(
    rows: list[tuple[list[int], list[int], set[int]]], k: int, depth: int
) -> None:
    passage, exact = (np.array([row[side][:depth] for row in rows], np.int32) for side in (0, 1))
    relevant = np.array([[hit in row[2] for hit in row[1][:depth]] for row in rows])
    shares = shares_within(k, _hits(passage), _hits(exact), relevant)
    for (approximate, exactly, wanted), share in zip(rows, shares, strict=True):
        expected = set(exactly[:depth][:k]) & wanted
        if not expected:
            assert np.isnan(share)
        else:
            assert share == pytest.approx(len(expected & set(approximate[:depth][:k])) / len(expected))


def _hits(passage: np.ndarray) -> Hits:
    return Hits(passage, np.zeros(passage.shape, np.float32))


def test_questions_without_exact_evidence_are_in_no_denominator() -> None:
    passage = np.array([[0, 1], [0, 1], [2, -1]], np.int32)
    exact = np.array([[1, 3], [2, 3], [2, 0]], np.int32)
    relevant = np.array([[True, True], [False, False], [True, False]])
    shares = {"ann_evidence@2": shares_within(2, _hits(passage), _hits(exact), relevant)}
    score = evidence_scores(shares, np.arange(3))["ann_evidence@2"]
    assert (score.value, score.denominator) == (pytest.approx((1 / 2 + 1) / 2), 2)
    nothing = evidence_scores(shares, np.array([1]))["ann_evidence@2"]
    assert nothing.value is None and nothing.reason == "an exact search finds no evidence"


def test_every_build_is_measured_against_the_exact_search(results: Results, plan: StudyPlan, bench: Bench) -> None:
    cells = {cell.name: cell for cell in plan.cells}
    rows = {row["cell"]: row for row in results.cells.filter(question_set="all").iter_rows(named=True)}
    values = []
    for name in BUILDS:
        (relevance,) = cells[name].score.inputs["relevance"]
        exact = cells[name].exact
        assert exact is not None
        hits, of_exact = (load_hits(bench.do(task.inputs["retrieve"][0])) for task in (relevance, exact))
        relevant = load_relevance(bench.do(exact)).relevant
        for k in (1, 3):
            shares = []
            for row in range(len(relevant)):
                wanted = {p for p, good in zip(of_exact.passage[row, :k], relevant[row, :k], strict=True) if good}
                if wanted:
                    shares.append(len(wanted & set(hits.passage[row, :k])) / len(wanted))
            column = f"ann_evidence@{k}"
            assert rows[name][column] == pytest.approx(np.mean(shares))
            assert rows[name][f"{column}_denominator"] == len(shares)
            ranking = results.rankings.filter(ranking=name)[column]
            assert ranking.drop_nulls().to_list() == pytest.approx(shares)
            values.append(rows[name][column])
        assert (rows[name]["setup"], rows[name]["build"], rows[name]["note"]) == (
            "pieces/patchy", BUILDS.index(name) + 1, WHY,
        )  # fmt: skip
    assert len(set(values)) > 1, "builds differ"
    exact_row = rows["pieces/shared_words"]
    assert exact_row["ann_evidence@1"] is exact_row["build"] is exact_row["setup"] is exact_row["note"] is None
    assert "retriever.builds" not in results.cells.columns
    assert rows["pieces/patchy/build 1"]["retriever.width"] == 3


def test_its_interval_and_denominator_come_with_it(analysis: Analysis, results: Results) -> None:
    for name in BUILDS:
        for metric in ("ann_evidence@1", "ann_evidence@3"):
            estimate = analysis.rankings[name][metric]
            (row,) = results.cells.filter(cell=name, question_set="all").iter_rows(named=True)
            assert estimate.denominator == row[f"{metric}_denominator"]
            if estimate.low is not None and estimate.high is not None and estimate.value is not None:
                assert estimate.low <= estimate.value <= estimate.high
    assert "ann_evidence@1" not in analysis.rankings["pieces/shared_words"]


def test_a_share_of_everything_is_no_certainty(results: Results) -> None:
    table = results.rankings.with_columns(
        pl.when(pl.col("ann_evidence@1").is_not_null()).then(1.0).alias("ann_evidence@1")
    )
    whole = analyze(replace(results, rankings=table), toy_registry())
    estimate = whole.rankings[BUILDS[0]]["ann_evidence@1"]
    units = table.filter(ranking=BUILDS[0])["ann_evidence@1"].drop_nulls().len()
    # Wilson's limit for n of n.
    assert (estimate.value, estimate.high) == (1.0, 1.0) and estimate.denominator == units
    assert estimate.low == pytest.approx(units / (units + 1.96**2), abs=1e-3)


def test_what_an_exact_search_would_have_put_before_the_reader_is_kept(results: Results) -> None:
    answers = results.answers
    for size in ("top 1", "top 2", "9 words"):
        exact = answers.filter(cell=f"pieces/shared_words/{size}/finder/1 vote").sort("question")
        assert exact["exactly_covered_characters"].null_count() == len(exact)
        for build in BUILDS:
            own = answers.filter(cell=f"{build}/{size}/finder/1 vote").sort("question")
            assert own["exactly_covered_characters"].to_list() == exact["covered_characters"].to_list()


def test_what_the_index_lost_has_a_bucket_and_a_bar_of_its_own(analysis: Analysis, results: Results) -> None:
    lost = 0
    for question_set, of_set in analysis.sets.items():
        for name, breakdown in of_set.error_breakdowns.items():
            answers = results.answers.filter(cell=name)
            if question_set == "base":
                answers = answers.filter("in_base")
            is_missing = answers.filter(status="wrong", covered_characters=0)
            bucket = breakdown.buckets.get("wrong, evidence lost by the approximate index")
            assert breakdown.waterfall is not None
            if "patchy" not in name:
                assert bucket is None and breakdown.waterfall.index_loss is None
                continue
            assert bucket == len(is_missing.filter(pl.col("exactly_covered_characters") > 0))
            assert bucket + breakdown.buckets["wrong, evidence not retrieved"] == len(is_missing)
            assert breakdown.waterfall.index_loss is not None
            lost += bucket
    assert lost > 0


def test_the_luckiest_build_is_never_chosen(analysis: Analysis) -> None:
    candidates = [name for name, cell in analysis.sets["all"].cells.items() if cell.is_candidate]
    assert any("/build 1/" in name for name in candidates)
    assert not any("/build 2/" in name or "/build 3/" in name for name in candidates)


def shown(results: Results, analysis: Analysis, width: int = 80) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, highlight=False, markup=False, emoji=False)
    for part in terminal([*study_parts(results), *analysis_parts(results, analysis)], width):
        console.print(part)
    return file.getvalue()


def test_the_report_says_it_and_shows_how_far_the_builds_are_apart(results: Results, analysis: Analysis) -> None:
    text = shown(results, analysis, 200)
    assert "How far apart several builds of one index are" in text
    scores = [results.cells.filter(cell=name, question_set="all")["ann_evidence@3"].item() for name in BUILDS]
    (line,) = [
        line for line in text.splitlines() if line.startswith("pieces/patchy ") and "to" in line and " 3 " in line
    ]
    assert f"{sum(scores) / 3:.3f} ({min(scores):.3f} to {max(scores):.3f})" in line
    words = " ".join(text.split())
    assert f"; and 0 more: {WHY}" not in words
    assert f"note: {'; '.join(BUILDS)}: {WHY}" in words
    assert words.count(f"holds for this one build of its index: {WHY}") >= 2
    (picked,) = [
        one for one in pickable(analysis) if one["cell"] == f"{BUILDS[1]}/top 1/finder/1 vote" and one["set"] == "all"
    ]
    assert [bar["step"] for bar in picked["drawn"]].index("approximate index loss") == 1
    assert any(row[0] == "wrong, evidence lost by the approximate index" for row in picked["tables"][1]["rows"])
    assert max(map(len, shown(results, analysis).splitlines())) <= 80


def test_two_cells_are_compared_for_one_build(results: Results) -> None:
    def notes(first: str, second: str, metric: str) -> tuple[str, ...]:
        (pair,) = compare_pairwise([(CellRef(results, first), CellRef(results, second))], metric, "all")
        return pair.notes

    exact = "pieces/shared_words"
    assert notes(exact, BUILDS[1], "recall@3") == (f"this holds for one build of the index of B: {WHY}",)
    assert notes(BUILDS[0], BUILDS[1], "recall@3") == (f"this holds for one build of the index of A and B: {WHY}",)
    rest = "/top 1/finder/1 vote"
    assert notes(f"{BUILDS[2]}{rest}", f"{exact}{rest}", "accuracy")[-1].endswith(f"index of A: {WHY}")
    assert notes(f"{exact}{rest}", f"{exact}/top 2/finder/1 vote", "accuracy") == ()


def test_nothing_more_is_done_for_a_study_that_is_exact(bench: Bench, tmp_path: Path) -> None:
    text = SPEC.replace(", {patchy: {builds: 3}}", "").replace("study: patched", "study: exact")
    results = load_results(Bench(tmp_path, toy_registry()).run(text))
    assert "exactly_covered_characters" not in results.answers.columns
    assert not {"setup", "build", "ann_evidence@3"} & set(results.cells.columns)
    assert results.comparisons["variation"] == {} and "ann_evidence@3" not in results.rankings.columns
