"""The step grade: the graders in order, abstentions, and what no grader can compare."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtally.registry import load_registry
from ragtally.tables import load_base, load_grades, load_questions, load_verdicts
from sample_squad import references, write_recorded, write_squad
from workbench import Bench

SPEC = """\
study: towns
seed: 7
dataset: {squad: {path: %s/squad.json}}
readers:
  people: {recorded: {path: %s/people.jsonl, condition: gold_context}}
grading: %s
grid: {reader: people}
metrics: [accuracy]
"""


def grades(folder: Path, answers: dict[str, str], grading: str) -> dict[str, tuple[bool | None, str | None]]:
    """Grade recorded answers; whoever has none says the first reference, or abstains rightly."""
    write_squad(folder / "squad.json")
    right = {question: texts[0] if texts else "I cannot answer" for question, texts in references().items()}
    write_recorded(folder / "people.jsonl", {question: [text] for question, text in (right | answers).items()})
    bench = Bench(folder, load_registry())
    plan = bench.plan(SPEC % (folder, folder, grading))
    (task,) = plan.cells[0].score.inputs["grade"]
    ids = load_questions(bench.do(plan.sample))["id"].to_list()
    rows = load_grades(bench.do(task))
    assert rows["ballots"].to_list() == [[right] for right in rows["right"]]
    columns = rows.select("question", "right", "grader").iter_rows()
    return {ids[row]: (right, grader) for row, right, grader in columns if ids[row] in answers}


def test_the_first_grader_that_says_right_or_wrong_decides(tmp_path: Path) -> None:
    answers = {
        "Arden-0": "the Tarn",
        "Belmar-0": "the river Ouse",
        "Arden-1": "1000 people",
        "Belmar-1": "1038",
        "Corlen-0": "nobody knows",
    }
    assert grades(tmp_path, answers, "{exact: {}, numeric: {}, contains: {}}") == {
        "Arden-0": (True, "exact"),
        "Belmar-0": (True, "contains"),
        "Arden-1": (True, "numeric"),
        "Belmar-1": (False, "numeric"),
        "Corlen-0": (False, "contains"),
    }


def test_to_abstain_is_right_exactly_where_there_is_no_reference(tmp_path: Path) -> None:
    answers = {"Arden-2": "I cannot answer.", "Dunmoor-2": "A monk", "Arden-0": "I don't know"}
    assert grades(tmp_path, answers, "{exact: {}}") == {
        "Arden-2": (True, "abstention"),
        "Dunmoor-2": (False, "abstention"),
        "Arden-0": (False, "abstention"),
    }


def test_what_no_grader_can_compare_is_not_graded(tmp_path: Path) -> None:
    answers = {"Arden-0": "Tarn", "Arden-1": "many", "Belmar-1": ""}
    assert grades(tmp_path, answers, "{numeric: {}}") == {
        "Arden-0": (None, None),
        "Arden-1": (False, "numeric"),
        "Belmar-1": (None, None),
    }


VOTERS = """\
study: towns
seed: 7
dataset: {squad: {path: %s/squad.json}}
readers:
  people: {recorded: {path: %s/people.jsonl, condition: gold_context}}
label: {voters: [people], votes: 3}
base: {from: [people], rule: majority, agree_with_gold: %s}
grid: {reader: people, votes: 3}
"""


@pytest.mark.parametrize("agree", [True, False])
def test_equal_answers_are_pooled_and_the_base_keeps_what_is_graded_right(tmp_path: Path, agree: bool) -> None:
    write_squad(tmp_path / "squad.json")
    votes = {question: ["?", "?", "?"] for question in references()}
    votes |= {
        "Arden-0": ["the Tarn.", "Tarn", "Ouse"],
        "Belmar-0": ["Tarn", "tarn!", "Ouse"],
        "Arden-2": ["I cannot answer", "I don't know", "A monk"],
        "Arden-1": ["1000", "1001", "1002"],
    }
    write_recorded(tmp_path / "people.jsonl", votes)
    bench = Bench(tmp_path, load_registry())
    plan = bench.plan(VOTERS % (tmp_path, tmp_path, str(agree).lower()))
    assert plan.base is not None
    ids = load_questions(bench.do(plan.sample))["id"].to_list()
    verdicts = load_verdicts(bench.do(plan.base.inputs["vote"][0]))
    stated = {ids[row]: verdict for row, verdict, _ in verdicts.iter_rows() if verdict is not None}
    # The verdict is the first ballot of its pool, in its own words.
    assert stated == {"Arden-0": "the Tarn.", "Belmar-0": "Tarn", "Arden-2": "(cannot answer)"}
    base = set(load_base(bench.do(plan.base))["id"])
    assert base == ({"Arden-0", "Arden-2"} if agree else set(stated))
