"""Answers and options that no reply could tell apart are errors of the plan, with their place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragtally.api import RagtallyError
from ragtally.parsing import parse
from ragtally.plan import StudyPlan, plan_study
from ragtally.registry import load_registry
from ragtally.spec.load import load_study

SPEC = """\
study: small
dataset: {{beir: {{folder: {folder}, answer_field: answer}}}}
readers:
  rec: {{recorded: {{path: {path}, condition: gold_context{options}}}}}
grid: {{reader: [rec], votes: [1]}}
metrics: [accuracy]
"""


@pytest.fixture
def plan(tmp_path: Path):
    def make(labels: list[str], options: str = "") -> StudyPlan:
        folder = tmp_path / "data"
        (folder / "qrels").mkdir(parents=True)
        queries = [
            {"_id": f"q{row}", "text": f"Does it help {row}?", "metadata": {"answer": label}}
            for row, label in enumerate(labels)
        ]
        (folder / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries))
        (folder / "corpus.jsonl").write_text('{"_id": "d", "title": "", "text": "It was tried."}\n')
        lines = "".join(f"q{row}\td\t1\n" for row in range(len(labels)))
        (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{lines}")
        (tmp_path / "replies.jsonl").write_text('{"question": "q0", "vote": 0, "text": "yes"}\n')
        spec = tmp_path / "spec.yaml"
        spec.write_text(SPEC.format(folder=folder, path=tmp_path / "replies.jsonl", options=options))
        registry = load_registry()
        return plan_study(load_study(spec, registry), registry)

    return make


@pytest.mark.parametrize("twin", ["yes ", "Yes", "y\u0435s", "yes."])
def test_a_label_with_a_twin_is_an_error_with_its_line(plan, twin):
    with pytest.raises(RagtallyError, match="no reply can tell apart") as caught:
        plan(["yes", "yes", "no", twin])
    location = caught.value.location
    assert (Path(location.file).name, location.line) == ("queries.jsonl", 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (", options: {A: perhaps}", "`options` names 'perhaps', which is no answer"),
        (", options: {A: yes, a: no}", "the option 'A' for 'yes' cannot be told apart from 'a'"),
        (", options: {No: yes}", "the option 'No' for 'yes' cannot be told apart from 'no'"),
    ],
)
def test_options_that_say_nothing_certain_are_errors_with_their_line(plan, options, message):
    with pytest.raises(RagtallyError) as caught:
        plan(["yes", "no"], options)
    assert message in caught.value.message
    assert (Path(caught.value.location.file).name, caught.value.location.line) == ("spec.yaml", 4)


def test_options_and_keys_reach_the_parser(plan):
    tools = plan(["yes", "no"], ", options: {A: yes, B: no}, answer_key: [answer_choice]")
    (task,) = tools.cells[0].verdicts.inputs["parse"]
    assert task.settings == {"options": {"A": "yes", "B": "no"}, "answer_key": ["answer_choice"]}
    assert parse('{"answer_choice": "B. no"}', ("yes", "no"), **task.settings).choice == "no"
