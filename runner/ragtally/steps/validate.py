"""validate: let models grade each example by named criteria, with its passage in front, and count their votes."""

from __future__ import annotations

from typing import Any

import polars as pl

from ragtally.api import VoteRule
from ragtally.examples.example import BALLOTS, VERDICTS, Outcome, example_of
from ragtally.examples.prompts import Criterion, PromptWriter, validation_schema
from ragtally.examples.replies import read_grades
from ragtally.steps.step import Step, Work
from ragtally.store import write_table
from ragtally.tables import load_answers, load_examples, load_passage_texts, write_prompts
from ragtally.voting import Ballots, decide

_WORDS = {True: "yes", False: "no", None: None}


def run_prompt(work: Work) -> None:
    """Write `prompts.parquet`: a prompt per example."""
    settings = work.task.settings
    criteria = [Criterion(name, question) for name, question in settings["criteria"]]
    writer = PromptWriter("validate", settings["template"])
    examples = load_examples(work.input("examples"))
    passages = load_passage_texts(work.input("prepare"), examples)
    prompts = [
        writer.write_validation(example_of(row), passage, criteria)
        for row, passage in zip(examples.iter_rows(named=True), passages, strict=True)
    ]
    schema = validation_schema([each.name for each in criteria]) if settings["constrained"] else None
    write_prompts(work.folder, range(len(prompts)), prompts, schema)


def run(work: Work) -> None:
    """Write `example_ballots.parquet`, and `example_verdicts.parquet`: what the rule makes of them."""
    settings, rule = work.task.settings, work.build("rule")
    criteria: list[str] = settings["criteria"]
    identifiers = load_examples(work.input("examples"))["example"].to_list()
    rows: list[dict[str, Any]] = []
    for entry, (validator, vote) in zip(work.entries["ask"], settings["votes"], strict=True):
        answers = load_answers(entry.folder).select("text", "error").iter_rows()
        for identifier, (text, error) in zip(identifiers, answers, strict=True):
            for criterion, grade in zip(criteria, read_grades(text, error, criteria), strict=True):
                rows.append(
                    {
                        "example": identifier,
                        "validator": validator,
                        "criterion": criterion,
                        "vote": vote,
                        "passed": grade.passed,
                        "error": grade.error,
                        "reason": grade.reason,
                    }
                )
    ballots = pl.DataFrame(rows, schema=BALLOTS, orient="row")
    write_table(work.folder / "example_ballots.parquet", ballots)
    verdicts = _verdicts(ballots, identifiers, criteria, rule)
    write_table(work.folder / "example_verdicts.parquet", pl.DataFrame(verdicts, schema=VERDICTS, orient="row"))


def _verdicts(
    ballots: pl.DataFrame, identifiers: list[str], criteria: list[str], rule: VoteRule
) -> list[dict[str, Any]]:
    """An example is accepted where the rule says yes to every criterion."""
    failures: list[list[str]] = [[] for _ in identifiers]
    doubts: list[list[str]] = [[] for _ in identifiers]
    for criterion in criteria if identifiers else ():
        own = ballots.filter(criterion=criterion).partition_by("validator", "vote", maintain_order=True)
        choices = [[_WORDS[grade] for grade in table["passed"]] for table in own]
        verdicts = decide(Ballots(choices, [[False] * len(identifiers) for _ in own]), rule)
        for row, verdict in enumerate(verdicts):
            if verdict != "yes":
                (failures if verdict == "no" else doubts)[row].append(criterion)
    reasons = _reasons(ballots)
    rows = []
    for number, identifier in enumerate(identifiers):
        bad, open_ones = failures[number], doubts[number]
        status = Outcome.REJECTED if bad else Outcome.UNDECIDED if open_ones else Outcome.ACCEPTED
        words = [reason for name in (*bad, *open_ones) for reason in reasons.get((identifier, name), [f"{name}: no"])]
        rows.append(
            {
                "example": identifier,
                "status": str(status),
                "failed": bad,
                "undecided": open_ones,
                "reasons": words if bad or open_ones else [],
            }
        )
    return rows


def _reasons(ballots: pl.DataFrame) -> dict[tuple[str, str], list[str]]:
    """What was said against each example, by criterion."""
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    for row in ballots.filter(~pl.col("passed").fill_null(value=False)).iter_rows(named=True):
        words = row["reason"] or row["error"] or "no"
        reasons.setdefault((row["example"], row["criterion"]), {})[f"{row['criterion']}: {words}"] = None
    return {key: list(own) for key, own in reasons.items()}


VALIDATE_PROMPT = Step("validate_prompt", 1, run_prompt, inputs=("prepare", "examples"))
VALIDATE = Step("validate", 1, run, inputs=("examples", "ask"))
