"""Two parsers of one PDF whose table one of them loses: the loss is in the parser's bucket, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtally.analysis import Analysis, analyze
from ragtally.analysis.aligned_answers import align_answers
from ragtally.analysis.error_breakdown import Bucket, outcomes
from ragtally.api import DataError, ErrorList, SpecError
from ragtally.plan import StudyPlan
from ragtally.present.parsers import parsers_section
from ragtally.registry import load_registry
from ragtally.results import Results, load_results
from ragtally.steps import PREPARE, REFERENCE
from ragtally.tables import load_passages, load_texts, passage_texts
from sample_parsers import LOST, QUESTIONS, write_parsers
from workbench import Bench

COMPLETE, LOSING = (f"{parser}/whole/bm25/top 9/floor/1 vote" for parser in ("pypdf", "pdfminer"))

GOLD = "gold_context/floor/1 vote"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("parsers"), load_registry())


@pytest.fixture(scope="module")
def text(bench: Bench) -> str:
    return write_parsers(bench.folder)


@pytest.fixture(scope="module")
def results(bench: Bench, text: str) -> Results:
    return load_results(bench.run(text))


@pytest.fixture(scope="module")
def analysis(results: Results) -> Analysis:
    return analyze(results)


@pytest.fixture(scope="module")
def plan(bench: Bench, text: str, results: Results) -> StudyPlan:
    return bench.plan(text)


def test_the_loss_is_in_the_parsers_bucket_and_nowhere_else(results: Results, analysis: Analysis) -> None:
    answers = align_answers(results, "all")
    assert answers is not None
    complete, losing = (
        dict(zip(answers.ids, outcomes(answers, cell, GOLD).buckets(), strict=True)) for cell in (COMPLETE, LOSING)
    )
    assert {name for name, bucket in losing.items() if bucket is Bucket.LOST_BY_PARSER} == set(LOST)
    assert {name: complete[name] for name in complete if name not in LOST} == {
        name: losing[name] for name in losing if name not in LOST
    }
    assert Bucket.LOST_BY_PARSER not in complete.values()
    breakdown = analysis.sets["all"].error_breakdowns[LOSING]
    assert breakdown.buckets[Bucket.LOST_BY_PARSER] == len(LOST)
    bars = breakdown.waterfall
    assert bars is not None and bars.parser_loss is not None
    right_on_gold = {
        name for name, status in zip(answers.ids, answers.status[GOLD], strict=True) if status == "right"
    }
    assert bars.parser_loss.value == pytest.approx(len(right_on_gold & set(LOST)) / len(QUESTIONS))
    losses = (bars.parser_loss, bars.retrieval_loss, bars.distractor_loss, bars.unanswered_loss)
    end = (bars.gold.value or 0) - sum(loss.value or 0 for loss in losses) + (bars.recovered.value or 0)
    assert bars.retrieved.value == pytest.approx(end)


def test_which_questions_a_parser_lost_is_told_of_each(results: Results) -> None:
    lost = {row["id"]: row["lost_by_parsers"] for row in results.questions.iter_rows(named=True)}
    assert lost == {name: ["pdfminer"] if name in LOST else [] for name, *_ in QUESTIONS}
    answers = results.answers.filter(results.answers["cell"] == LOSING)
    assert dict(answers.select("question", "lost_by_parser").iter_rows()) == {
        name: name in LOST for name, *_ in QUESTIONS
    }
    controls = results.answers.filter(results.answers["cell"].str.starts_with("gold_context"))
    assert controls["lost_by_parser"].null_count() == len(QUESTIONS)


def test_quotes_are_counted_by_how_they_were_found(results: Results, analysis: Analysis) -> None:
    counts = [tuple(one[key] for key in ("verbatim", "normalised", "aligned", "lost")) for one in parsers(results)]
    assert counts == [(5, 1, 1, 0), (2, 1, 1, 3)]
    complete, losing = analysis.parser_losses
    assert (complete.lost_questions.value, losing.lost_questions.value) == (0.0, pytest.approx(3 / 7))
    (table, questions) = parsers_section(results, analysis).tables
    assert [row[0] for row in table.rows] == ["pypdf", "pdfminer"]
    assert [row[0] for row in questions.rows] == list(LOST)


def parsers(results: Results) -> list[dict[str, float]]:
    return list(results.dataset["parsers"])


def test_questions_are_the_same_and_paired(results: Results, analysis: Analysis) -> None:
    by_answer, by_ranking = analysis.families
    assert by_answer.questions == len(QUESTIONS)
    assert {one.cell.partition("/")[0] for one in by_answer.comparisons} == {"pdfminer"}
    pair = next(one for one in by_answer.comparisons if one.cell == LOSING)
    assert pair.baseline == COMPLETE and pair.tally is not None
    assert (pair.tally.wins, pair.tally.losses) == (0, len(LOST))
    # What a parser lost has no ranking: pairs are of the questions whose evidence both have.
    (recall,) = by_ranking.comparisons
    assert recall.tally is not None and recall.tally.losses == 0
    assert recall.difference.value == pytest.approx(0.0)
    notes = {row["cell"]: row["note"] for row in results.cells.iter_rows(named=True)}
    assert "3 questions" in str(notes["pdfminer/whole/bm25"]) and notes["pypdf/whole/bm25"] is None


def test_gold_contexts_are_the_same_for_all_parsers(bench: Bench, plan: StudyPlan, results: Results) -> None:
    assert plan.dataset.step is REFERENCE
    assert [task.step for task in plan.dataset.inputs["prepare"]] == [PREPARE, PREPARE]
    controls = [cell for cell in plan.cells if cell.picks.condition == "gold_context"]
    assert len(controls) == 1
    (row,) = results.cells.filter(results.cells["cell"] == controls[0].name).iter_rows(named=True)
    assert row["parser"] is None
    assert "of what pdfminer reads" in str(dict(results.cells.select("cell", "description").iter_rows())[LOSING])


def test_the_order_of_parsers_changes_no_gold_context(bench: Bench, text: str, results: Results) -> None:
    plan = bench.plan(text.replace("[pypdf, pdfminer]", "[pdfminer, pypdf]"))
    (context,) = {c.score.inputs["context"][0] for c in plan.cells if c.picks.condition == "gold_context"}
    passages = load_passages(bench.do(context))
    words = passage_texts(passages, load_texts(bench.do(plan.dataset)))
    # The first parser's own text where it has the evidence, the other's where it lost it.
    has_table = {
        QUESTIONS[row][0]: "19.00 EUR" in text for row, text in zip(passages["question"], words, strict=True)
    }
    assert {name for name, has in has_table.items() if has} == set(LOST)


NOWHERE = ("ghost", "What does thread cost?", "2.00 EUR", "Thread costs two euros and no cent less", "prices.pdf")


def test_a_quote_that_no_parser_has_is_an_error_or_lost_by_all(tmp_path: Path) -> None:
    text = write_parsers(tmp_path, NOWHERE)
    bench = Bench(tmp_path, load_registry())
    with pytest.raises((DataError, ErrorList), match=r"questions.csv:9.*whatever parser reads it(.|\n)*skip"):
        bench.run(text)
    lenient = text.replace("documents: ", "on_missing_evidence: skip\n    documents: ")
    results = load_results(bench.run(lenient))
    assert dict(results.questions.select("id", "lost_by_parsers").iter_rows())["ghost"] == ["pypdf", "pdfminer"]
    (context,) = {c.score.inputs["context"][0] for c in bench.plan(lenient).cells if c.picks.kind == "control"}
    passages = load_passages(bench.do(context))
    texts = passage_texts(passages, load_texts(bench.do(bench.plan(lenient).dataset)))
    assert texts[-1] == NOWHERE[3]


def test_what_cannot_be_parsed_is_told_before_any_work(tmp_path: Path) -> None:
    text = write_parsers(tmp_path)
    bench = Bench(tmp_path, load_registry())
    with pytest.raises(DataError, match=r"reads \.epub, and no such file is here"):
        bench.run(text.replace("[pypdf, pdfminer]", "[pypdf, epub]").replace("{baseline: {parser: pypdf}}, ", ""))
    other = "study: s\ndataset: synthetic\ngrid: {parser: pypdf, chunker: whole, retriever: bm25}\n"
    with pytest.raises(SpecError, match="has no files that a parser could read"):
        bench.study(other)
