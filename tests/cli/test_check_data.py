"""`ragtally check --data` finds planted duplicates and leaks with their shares, and shows text as text."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from made_up import batch, made_up_registry
from ragtally.cli.check_data import print_report
from ragtally.kinds import Component
from ragtally.run.duplicates import DataReport, check_data
from workbench import Bench

LONG = (
    "Statins were given to two hundred patients for a year and their cholesterol fell by a third in most of them, "
    "while it stayed as it had been before in the other group, to which nothing but sugar was given for that year."
)
SPEC = """\
study: planted
dataset: {given: {split: test}}
grid: {chunker: pieces, retriever: shared_words}
"""


class Given:
    answers = ("yes", "no")
    splits = ("train", "test")
    labelled = True

    def batches(self):  # type: ignore[no-untyped-def]
        documents = {
            "a": LONG,
            "b": LONG.replace("most", "many"),
            "c": "Something else altogether, about zebrafish and their fins, which grow back when they are cut.",
            "d": "[bold]A third \x1b[31mthing[/bold] that nobody wrote about before in so many words, it seems.",
        }
        questions = {"q1": ("yes", "test"), "q2": ("no", "train"), "q3": ("yes", "test"), "q4": ("no", "test")}
        evidence = [("q1", "a", 0, 9), ("q2", "b", 0, 9), ("q3", "c", 0, 9), ("q4", "d", 0, 9)]
        made = batch(documents, questions, evidence)
        texts = ["Do statins lower cholesterol?", "Do statins lower cholesterol", "Do fins grow back?", "[red]Is it?"]
        yield made.__class__(made.documents, made.questions.__class__(
            made.questions.id, texts, made.questions.label, made.questions.split
        ), made.evidence)  # fmt: skip


@pytest.fixture
def report(make_bench: Callable[..., Bench]) -> DataReport:
    given = Component("given", Given, "Given.")
    bench = make_bench("bench", made_up_registry({"dataset": [given]}))
    return check_data(bench.plan(SPEC), bench.place)


def test_what_is_planted_is_found_with_its_denominators(report: DataReport) -> None:
    counts = {found.what: (found.texts, found.exact, found.near) for found in report.findings}
    assert counts == {
        "documents with another document nearly the same": (4, 0, 2),
        "questions with another question nearly the same": (4, 2, 2),
        "questions of test that stand in train too": (3, 1, 1),
        "gold documents of test that are nearly one of train": (3, 0, 1),
        "questions with one nearly the same and another label": (4, 2, 2),
    }
    leak = report.findings[2]
    assert [(pair.first, pair.second, pair.similarity) for pair in leak.pairs] == [("q1", "q2", 1.0)]
    assert "leave them out" in leak.advice


def test_text_stays_text_and_fits_80_columns(
    report: DataReport, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_report(report)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "q1: Do statins lower cholesterol?" in out
    assert json.dumps([found.what for found in report.findings])
