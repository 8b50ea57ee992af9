"""Who graded open answers how: by which grader they are right, and what became of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ragtally.api import Status
from ragtally.present.numbers import PORTION, Portion, count
from ragtally.present.table import Column, Section, Table
from ragtally.results import Results

_TITLE = "How the answers were graded"
_ABSTAINS_RIGHTLY = "abstains, rightly"
_ABSTAINS = "abstains, though it can be answered"
_ANSWERS = "answers what cannot be answered"
_WRONG = "no grader finds it right"
_NOT_GRADED = "not graded"
_NO_ANSWER = "no answer"
# In the order of the table, after what is right by each grader; what nothing came to has no column.
_OTHERS = (_ABSTAINS_RIGHTLY, _WRONG, _ABSTAINS, _ANSWERS, _NOT_GRADED, _NO_ANSWER)


def grading_section(results: Results) -> Section:
    """What became of the answers of every cell."""
    rows = results.comparisons.get("grades", ())
    if not rows:
        return Section("grading", _TITLE, empty="No answers of this study are open.")
    cells: dict[str, Counter[str]] = {}
    by_grader = Counter[str]()
    for row in rows:
        outcome = _outcome(row)
        cells.setdefault(row["cell"], Counter())[outcome] += row["answers"]
        by_grader[outcome] += row["answers"]
    right = [name for name, _ in by_grader.most_common() if name not in _OTHERS]
    outcomes = (*right, *_OTHERS)
    columns = [name for name in outcomes if any(counts[name] for counts in cells.values())]
    table = Table(
        "grading-table",
        "What became of the answers to all questions asked",
        (Column("cell"), *(Column(name, PORTION) for name in columns)),
        tuple((cell, *(Portion(counts[name], counts.total()) for name in columns)) for cell, counts in cells.items()),
        filters=True,
    )
    return Section("grading", _TITLE, tables=(table,))


def abstention_sentence(results: Results, cell: str, question_set: str) -> str:
    """How often a cell says that it cannot answer, and how often that is right."""
    counts = Counter[str]()
    for row in results.comparisons.get("grades", ()):
        if row["cell"] == cell and (row["in_base"] or question_set == "all"):
            counts[_outcome(row)] += row["answers"]
    rightly, wrongly, answers_all = (counts[name] for name in (_ABSTAINS_RIGHTLY, _ABSTAINS, _ANSWERS))
    unanswerable, total = rightly + answers_all, sum(counts.values())
    if unanswerable:
        return (
            f"Of {count(unanswerable, 'question')} that cannot be answered it says so of {rightly:,}, and wrongly of"
            f" {wrongly:,} of the other {total - unanswerable:,}."
        )
    return f"It says of {wrongly:,} of {count(total, 'question')} that it cannot answer." if wrongly else ""


def _outcome(row: Mapping[str, Any]) -> str:
    if row["abstains"]:
        return _ABSTAINS if row["answerable"] else _ABSTAINS_RIGHTLY
    if row["status"] not in (Status.RIGHT, Status.WRONG):
        return _NOT_GRADED if row["status"] == Status.NOT_GRADED else _NO_ANSWER
    if not row["answerable"]:
        return _ANSWERS
    return f"right by {row['grader']}" if row["status"] == Status.RIGHT else _WRONG
