"""A study with judges from its spec to its tables: asked once, graded by people, corrected, compared and printed."""

from __future__ import annotations

import csv
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from command_line import in_process
from ragtally.analysis import analyze, summarize
from ragtally.analysis.pairwise import CellRef, compare_pairwise
from ragtally.engine.estimate import estimate
from ragtally.plan import plan_study
from ragtally.present.cells import cells_of
from ragtally.present.explorer import explorer_data
from ragtally.present.judges import judge_warnings
from ragtally.present.page import sections
from ragtally.present.show import analysis_parts, answer_text
from ragtally.results import Results, load_results
from ragtally.store import read_table
from sample_judges import judging_registry
from sample_squad import references, write_recorded, write_squad
from workbench import Bench

SPEC = """\
study: towns
seed: 7
dataset: {squad: {path: FOLDER/squad.json}}
models:
  sure: {scripted_judge: {name: sure}}
  rash: {scripted_judge: {name: rash, errs: 0.3}}
  dumb: {scripted_judge: {name: dumb, errs: 0.1, mumbles: 0.2, fails: 0.1}}
readers:
  floor: best_sentence
  people: {recorded: {path: FOLDER/people.jsonl, condition: gold_context}}
grading:
  exact: {}
  judges: {from: [sure, rash, dumb], votes: 2, grounded: true, sheet: FOLDER/raw/graded.csv}
max_failed: 1
budget: {usd: 50}
grid: {chunker: whole, retriever: [bm25, random], top_k: 1, reader: [floor, people], votes: [1, 3]}
controls: [closed_book, gold_context]
metrics: [accuracy, judged, grounded, token_f1]
"""
BM25, RANDOM = (f"whole/{retriever}/top 1/floor/1 vote" for retriever in ("bm25", "random"))
GOLD = "gold_context/people/1 vote"


def spec(folder: Path) -> str:
    return SPEC.replace("FOLDER", str(folder))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("judged")
    write_squad(folder / "squad.json")
    votes = {
        question: [texts[0], f"It is called {texts[0]}", "?"] if texts else ["I cannot answer", "A monk", "A monk"]
        for question, texts in references().items()
    }
    write_recorded(folder / "people.jsonl", votes)
    return Bench(folder, judging_registry())


@pytest.fixture(scope="module")
def before(bench: Bench) -> dict[str, object]:
    """What the plan says before anything is paid."""
    plan = plan_study(bench.study(spec(bench.folder)), bench.registry)
    return {row.name: row for row in estimate(plan, bench.location)}


@pytest.fixture(scope="module")
def results(bench: Bench, before: object) -> Results:
    return load_results(bench.run(spec(bench.folder)))


@pytest.fixture(scope="module")
def checked(bench: Bench, results: Results) -> Results:
    """The results once two people have graded every judged answer but some: the second errs."""
    sheet = bench.folder / "raw" / "sheet.csv"
    folder = ("--results", str(bench.folder / "results"))
    outcome = in_process(
        bench.folder, "grade", "towns", "--sample", "30", "--people", "2", "--out", str(sheet), *folder
    )
    assert outcome.code == 0, outcome
    paths = [sheet.with_name(f"sheet-{number}.csv") for number in (1, 2)]
    for number, path in enumerate(paths):
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        for row in rows[: len(rows) - 1]:
            right = row["right answers"].casefold() in row["answer"].casefold()
            row["grade"] = "right" if right != (number == 1 and row["item"] < "2") else "wrong"
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    outcome = in_process(
        bench.folder, "grade", "towns", *(word for path in paths for word in ("--read", str(path))), *folder
    )
    assert outcome.code == 0 and "2 rows without a grade" in outcome.err, outcome
    assert "grades by person 1, person 2" in outcome.out
    return load_results(bench.run(spec(bench.folder)))


def test_judges_are_asked_what_nobody_before_them_decides(results: Results) -> None:
    answers = results.answers.filter(results.answers["cell"] == GOLD)
    for question, grader, item in answers.select("question", "grader", "item").iter_rows():
        assert (grader, item) == ("exact" if references()[question] else "abstention", None)
    by_floor = results.answers.filter(results.answers["cell"] == BM25)
    graders = Counter(zip(by_floor["grader"], by_floor["right_by_judges"], strict=True))
    assert {grader for grader, _ in graders} <= {"judges", "abstention", None}
    # Where the ballots do not decide, nothing is graded, and it is no answer that is right.
    undecided = by_floor.filter(by_floor["right_by_judges"] == "no verdict")
    assert set(undecided["status"]) <= {"not graded"} and not undecided["grader"].drop_nulls().len()
    decided = by_floor.filter(by_floor["right_by_judges"].is_in(["yes", "no"]))
    assert decided["status"].to_list() == [{"yes": "right", "no": "wrong"}[one] for one in decided["right_by_judges"]]


def test_equal_answers_are_judged_once_and_every_ballot_is_there(bench: Bench, results: Results) -> None:
    table = results.judgments
    assert table["item"].n_unique() == len(table)
    assert set(table["ballots"].list.len()) == {6} and set(table["judge_verdicts"].list.len()) == {3}
    with sqlite3.connect(bench.store.root / "calls.sqlite") as connection:
        (calls,) = connection.execute("SELECT count(*) FROM calls WHERE purpose = 'judge'").fetchone()
    errors = table["errors"].explode(empty_as_null=False)
    assert calls == len(errors) - errors.drop_nulls().len() == 6 * len(table) - errors.drop_nulls().len()
    # Who mumbles and who fails has no ballot, and is counted.
    ballots = table["ballots"].explode(empty_as_null=False)
    assert ballots.null_count() > errors.drop_nulls().len() > 0
    assert set(table["reasons"].explode(empty_as_null=False).drop_nulls()) == {"It says so.", "Well, who knows."}
    answered = results.answers.filter(results.answers["item"].is_not_null())
    assert set(answered["item"]) == set(table.filter(table["criterion"] == "right")["item"])


def test_the_plan_bounds_what_judges_cost_before_they_can_be_asked(
    before: dict[str, object], results: Results
) -> None:
    for name in ("sure", "rash", "dumb"):
        row = before[f"{name} as judge"]
        assert row.to_pay > 0 and row.dollars > 0 and row.input_tokens > 0  # type: ignore[attr-defined]
    assert set(before) == {"sure as judge", "rash as judge", "dumb as judge"}


def test_what_is_supported_is_a_question_of_its_own(results: Results) -> None:
    by_floor = results.answers.filter(results.answers["cell"] == BM25)
    # A sentence of the passage is in the passage, whether it answers or not; nobody is asked of the reader's own.
    assert set(by_floor["supported_by_judges"].drop_nulls()) >= {"yes"}
    row = results.cells.filter(results.cells["cell"] == BM25).row(0, named=True)
    assert row["grounded"] > 0.7 and row["grounded_denominator"] == by_floor["supported_by_judges"].drop_nulls().len()
    closed = results.cells.filter(results.cells["cell"] == "closed_book/floor/1 vote").row(0, named=True)
    assert closed["grounded"] is None and "no answer was given from passages" in closed["not_scored"]


def test_without_people_nothing_is_corrected_and_the_report_says_what_to_do(results: Results) -> None:
    analysis = analyze(results)
    assert analysis.judges is not None and analysis.judges.grades == 0 and analysis.judges.judges == ()
    assert analysis.sets["all"].cells[BM25].corrections == {}
    assert "no person has checked them: ragtally grade towns --sample 100" in " ".join(
        answer_text(results, analysis).split()
    )


def test_people_tell_which_judge_can_be_trusted(checked: Results) -> None:
    judges = analyze(checked).judges
    assert judges is not None
    by_name = {one.judge: one for one in judges.judges}
    assert list(by_name) == ["sure", "rash", "dumb", "all together"]
    accuracy = {name: one.accuracy.value or 0.0 for name, one in by_name.items()}
    assert accuracy["sure"] > accuracy["rash"] and accuracy["sure"] > accuracy["dumb"]
    assert all(one.accuracy.low is not None for one in by_name.values())
    assert sum(counts.grades for counts in judges.strata.values()) == judges.grades == 29
    (pair,) = judges.people
    assert (pair.first, pair.second) == ("person 1", "person 2")
    assert 0.5 < (pair.share.value or 0) < 1


def test_the_page_shows_every_ballot_with_its_reason_and_what_people_say(checked: Results) -> None:
    data = explorer_data(checked, analyze(checked), checked.questions["id"].to_list())
    cell = data["said"][data["cells"].index(BM25)]
    judgments = {item: data["judgments"][item] for item in cell["item"] if item is not None}
    rows = {row["item"]: row for row in checked.judgments.iter_rows(named=True)}
    for item, judgment in judgments.items():
        assert judgment["ballots"] == rows[item]["ballots"] and judgment["people"] == (rows[item]["people"] or [])
        reasons = [None if number < 0 else data["texts"][number] for number in judgment["reasons"]]
        assert reasons == rows[item]["reasons"]
    assert any(judgment["people"] for judgment in judgments.values())


def test_every_judged_share_stands_beside_its_corrected_value(checked: Results) -> None:
    analysis = analyze(checked)
    cells = analysis.sets["all"].cells
    assert set(cells[BM25].corrections) == {"accuracy", "judged"}
    correction = cells[BM25].corrections["accuracy"]
    assert correction.low is not None and correction.high is not None and correction.low < correction.high
    # What no judge decided needs no correction; abstentions and exact answers are none of theirs.
    assert cells[GOLD].corrections == {}
    assert summarize(checked, analysis)["accuracy_corrected"] is not None
    parts = "\n".join(part if isinstance(part, str) else part.caption for part in analysis_parts(checked, analysis))
    assert "Judges beside people, who graded 29 answers" in parts and "Shares by judges" in parts
    assert "Corrected for the errors that people found" in " ".join(answer_text(checked, analysis).split())
    before, _ = sections(checked, analysis, cells_of(checked.cells, checked.metrics, "all", analysis))
    assert [section.name for section in before if section.name == "judging" and not section.empty]


def test_a_comparison_has_the_corrected_difference(bench: Bench, checked: Results) -> None:
    (pair,) = compare_pairwise([(CellRef(checked, BM25), CellRef(checked, RANDOM))], "accuracy", "all")
    assert pair.correction is not None
    first, second = pair.correction.first.value, pair.correction.second.value
    assert pair.correction.difference.value == pytest.approx((first or 0) - (second or 0))
    words = ("compare", "--study", "towns", BM25, RANDOM, "--results", str(bench.folder / "results"))
    outcome = in_process(bench.folder, *words)
    assert outcome.code == 0 and "corrected" in outcome.out
    (other,) = compare_pairwise([(CellRef(checked, BM25), CellRef(checked, RANDOM))], "token_f1", "all")
    assert other.correction is None


def test_the_same_spec_pays_nothing_and_writes_the_same_bytes(bench: Bench, checked: Results) -> None:
    files = {path.name: path.read_bytes() for path in checked.folder.iterdir() if path.suffix in (".csv", ".parquet")}
    bench.run(spec(bench.folder))
    assert {path.name: path.read_bytes() for path in checked.folder.iterdir() if path.name in files} == files
    plan = plan_study(bench.study(spec(bench.folder)), bench.registry)
    left = {row.name: row.to_pay for row in estimate(plan, bench.location)}
    # Failed calls are tried again by the next run.
    assert left["sure as judge"] == left["rash as judge"] == 0 < left["dumb as judge"]


def test_a_judge_of_its_own_answers_is_named(bench: Bench) -> None:
    changes = {
        "study: towns": "study: own",
        "models:\n": "models:\n  echo: {echo: {words: [Tarn, 'Yes', 'No']}}\n",
        "[sure, rash, dumb], votes: 2, grounded: true": "[echo]",
        "  floor: best_sentence": "  small: {chat: {model: echo}}",
        "reader: [floor, people]": "reader: small",
        "judged, grounded, token_f1": "judged",
    }
    text = spec(bench.folder)
    for old, new in changes.items():
        text = text.replace(old, new)
    results = load_results(bench.run(text))
    assert judge_warnings(results) == ["echo judges its own answers: it is the model of the reader small"]
    notes = set(results.cells.filter(results.cells["reader"] == "small")["note"])
    assert notes == {"judged by echo, the model that answers"}


def test_votes_on_verdicts_alone_say_nothing_of_vote_noise(checked: Results) -> None:
    assert "floor" not in analyze(checked).sets["all"].vote_noise
    grades = read_table(checked.folder / "answers.parquet")
    assert grades.filter(grades["cell"] == "gold_context/people/3 votes")["ballots_right"].list.len().max() == 3


def test_who_comes_later_is_asked_the_same_answers_and_a_smaller_draw_is_refused(
    bench: Bench, checked: Results, tmp_path: Path
) -> None:
    folder = ("--results", str(bench.folder / "results"))

    def grade(*words: str) -> tuple[int, str]:
        outcome = in_process(bench.folder, "grade", "towns", *words, *folder)
        return outcome.code, outcome.out + outcome.err

    code, text = grade("--sample", "20", "--out", str(tmp_path / "few.csv"))
    assert code == 2 and "30 answers are drawn already" in text and "--sample 30" in text
    # All but one answer have two grades: a third person is asked about all, the others about what they left.
    code, text = grade("--sample", "30", "--people", "3", "--out", str(tmp_path / "more.csv"))
    assert code == 0, text
    rows = {path.name: len(path.read_text(encoding="utf-8-sig").splitlines()) - 1 for path in tmp_path.glob("*.csv")}
    assert rows == {"more-1.csv": 1, "more-2.csv": 1, "more-3.csv": 30}
    assert grade("--sample", "30", "--out", str(tmp_path / "more-1.csv"))[0] == 2
    assert grade("--sample", "30", "--out", str(tmp_path / "sheet.doc"))[0] == 2
    sheet = bench.folder / "raw" / "graded.csv"
    earlier = sheet.read_bytes()
    (tmp_path / "foreign.csv").write_text("item,grade,person\nx,right,Ada\n", encoding="utf-8")
    code, text = grade("--read", str(tmp_path / "foreign.csv"))
    assert code == 2 and "none of its 1 items was drawn for towns" in text and sheet.read_bytes() == earlier
