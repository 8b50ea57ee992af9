"""Votes on open answers that judges pool: asked once for every two answers, and within the plan."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ragtally.analysis import analyze
from ragtally.api import RagtallyError
from ragtally.engine.estimate import ModelEstimate, estimate
from ragtally.export.pipeline import export_pipeline
from ragtally.plan import plan_study
from ragtally.plan.slices import stage_slices
from ragtally.present.judges import judges_section
from ragtally.results import Results, load_results
from ragtally.steps import Task
from sample_judges import judging_registry
from sample_squad import references, write_recorded, write_squad
from workbench import Bench

SPEC = """\
study: towns
seed: 7
dataset: {squad: {path: FOLDER/squad.json}}
models:
  sure: {scripted_judge: {name: sure}}
readers:
  people: {recorded: {path: FOLDER/people.jsonl, condition: gold_context}}
  others: {recorded: {path: FOLDER/others.jsonl, condition: closed_book}}
label: {voters: [people], votes: 3}
base: {from: [people], rule: majority, agree_with_gold: true}
grading:
  contains: {}
  judges: {from: [sure], votes: 2, pools_votes: true}
budget: {usd: 50}
grid: {reader: [people, others], votes: [1, 3]}
controls: [closed_book, gold_context]
metrics: [accuracy]
"""
PEOPLE, OTHERS = "gold_context/people/3 votes", "closed_book/others/3 votes"


def spec(folder: Path, *change: str) -> str:
    return SPEC.replace("FOLDER", str(folder)).replace(*(change or ("", "")))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("pooled")
    write_squad(folder / "squad.json")
    votes = {
        question: ["Nothing", f"It is called {texts[0]}", texts[0]] if texts else ["I cannot answer"] * 3
        for question, texts in references().items()
    }
    write_recorded(folder / "people.jsonl", votes)
    # The same answers, in another order.
    write_recorded(folder / "others.jsonl", {question: cast[::-1] for question, cast in votes.items()})
    return Bench(folder, judging_registry())


def left(bench: Bench) -> ModelEstimate:
    (row,) = estimate(plan_study(bench.study(spec(bench.folder)), bench.registry), bench.location)
    return row


@pytest.fixture(scope="module")
def before(bench: Bench) -> ModelEstimate:
    """What the plan says before anything is paid."""
    return left(bench)


@pytest.fixture(scope="module")
def results(bench: Bench, before: object) -> Results:
    return load_results(bench.run(spec(bench.folder)))


def answered() -> dict[str, str]:
    return {question: texts[0] for question, texts in references().items() if texts}


def test_answers_in_other_words_are_one_answer_and_make_the_base(results: Results) -> None:
    for cell, words in ((PEOPLE, "It is called {}"), (OTHERS, "{}")):
        verdicts = dict(results.answers.filter(results.answers["cell"] == cell).select("question", "verdict").rows())
        assert {question: verdicts[question] for question in answered()} == {
            question: words.format(text) for question, text in answered().items()
        }
    assert set(answered()) <= set(results.questions.filter(results.questions["in_base"])["id"])


def test_two_answers_are_paid_once_whoever_gives_them_first(
    bench: Bench, before: ModelEstimate, results: Results
) -> None:
    with sqlite3.connect(bench.store.root / "calls.sqlite") as connection:
        counts = dict(connection.execute("SELECT purpose, count(*) FROM calls GROUP BY purpose").fetchall())
    # Three answers to each question are three pairs, and two ballots are cast on each.
    assert counts["pool"] == 2 * 3 * len(answered())
    assert before.exact or before.to_pay >= sum(counts.values())
    assert left(bench).to_pay == 0


def test_before_votes_are_there_every_vote_may_be_another_answer(bench: Bench) -> None:
    text = spec(bench.folder)
    for old, new in (
        ("study: towns", "study: unpaid"),
        ("readers:\n", "readers:\n  small: {chat: {model: sure}}\n"),
        ("label: {voters: [people], votes: 3}\nbase: {from: [people], rule: majority, agree_with_gold: true}\n", ""),
        ("reader: [people, others], votes: [1, 3]", "reader: small, votes: 3"),
        ("[closed_book, gold_context]", "[gold_context]"),
    ):
        assert old in text
        text = text.replace(old, new)
    rows = {row.name: row for row in estimate(bench.plan(text), bench.location)}
    judge, questions = rows["sure as judge"], len(references())
    # Two ballots on each of three pairs, and two on each verdict.
    assert not judge.exact and judge.to_pay == questions * (2 * 3 + 2)
    assert judge.dollars is not None and judge.dollars > 0


def test_what_judges_leave_open_is_not_the_same(bench: Bench) -> None:
    changes = ("study: towns", "study: mumbled"), ("{name: sure}", "{name: vague, mumbles: 1}")
    text = spec(bench.folder)
    for change in changes:
        text = text.replace(*change)
    answers = load_results(bench.run(text)).answers
    pooled = answers.filter(answers["cell"] == PEOPLE, answers["question"].is_in(list(answered())))
    assert set(pooled["status"]) == {"no verdict"}


def test_the_report_says_that_judges_pool(results: Results) -> None:
    assert "which answers of several votes are one answer" in judges_section(results, analyze(results)).lead


def test_the_same_spec_writes_the_same_bytes(bench: Bench, results: Results) -> None:
    files = {path.name: path.read_bytes() for path in results.folder.iterdir() if path.suffix in (".csv", ".parquet")}
    bench.run(spec(bench.folder))
    assert {name: (results.folder / name).read_bytes() for name in files} == files


def test_an_export_that_could_not_pool_is_refused(bench: Bench, results: Results, tmp_path: Path) -> None:
    plan = bench.plan(spec(bench.folder))
    cell = next(cell for cell in plan.cells if cell.name == OTHERS)
    with pytest.raises(RagtallyError, match="judges say which votes are for the same answer"):
        export_pipeline(plan, cell, bench.location, tmp_path / "cell")


def test_without_it_words_decide_and_slices_and_addresses_are_what_they_were(bench: Bench) -> None:
    other = [spec(bench.folder, ", pools_votes: true", more) for more in ("", ", pools_votes: false")]
    slices = [stage_slices(bench.study(text), bench.registry) for text in other]
    pooled = stage_slices(bench.study(spec(bench.folder)), bench.registry)
    assert slices[0] == slices[1]
    assert {stage for stage, content in slices[0].items() if pooled[stage] != content} == {"label", "bench"}

    def verdicts(text: str) -> dict[str, Task | None]:
        return {cell.name: cell.verdicts for cell in bench.plan(text).cells}

    plain, own = verdicts(other[0]), verdicts(spec(bench.folder))
    assert {name for name, task in plain.items() if task != own[name]} == {PEOPLE, OTHERS}
