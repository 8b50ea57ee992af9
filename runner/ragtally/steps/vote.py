"""vote and pool_prompt: turn the ballots on each question into a verdict, and ask which open answers say the same."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import polars as pl

from ragtally import pipelines
from ragtally.api import OpenAnswer
from ragtally.steps.judge import write_judge_prompts
from ragtally.steps.step import Step, Work
from ragtally.store import write_table
from ragtally.tables import load_ballots, load_judgments, load_questions
from ragtally.voting import Ballots, answer_pairs


def run(work: Work) -> None:
    """Write `verdicts.parquet`: `question`, `verdict` and `parsed` (how many ballots were)."""
    questions, ballots = _ballots(work)
    rule, language, judgments = work.build("rule"), work.task.settings.get("language"), work.optional("pool")
    if language is None:
        verdicts = pipelines.DecideVerdict(rule).verdicts(ballots)
    else:
        same = None if judgments is None else _same_answers(ballots, language, judgments)
        verdicts = pipelines.DecideOpenVerdict(rule, language).verdicts(ballots, same)
    columns = {
        "question": questions,
        "verdict": verdicts,
        "parsed": [sum(ballot is not None for ballot in cast) for cast in zip(*ballots.choice, strict=True)],
    }
    schema = {"question": pl.Int32, "verdict": pl.String, "parsed": pl.Int32}
    write_table(work.folder / "verdicts.parquet", columns, schema)


def _ballots(work: Work) -> tuple[list[int], Ballots]:
    """The questions that were voted on, and all votes on them."""
    tables = [load_ballots(entry.folder) for entry in work.entries["parse"]]
    ballots = Ballots(
        [table["ballot"].to_list() for table in tables], [table["failed"].to_list() for table in tables]
    )
    return tables[0]["question"].to_list(), ballots


def _same_answers(ballots: Ballots, language: str, judgments: Path) -> dict[int, set[tuple[str, str]]]:
    """By row the pairs that judges find to say the same; those that they leave open do not."""
    same: dict[int, set[tuple[str, str]]] = defaultdict(set)
    judged = zip(answer_pairs(ballots, language), load_judgments(judgments)["verdict"].to_list(), strict=True)
    for (row, pair), verdict in judged:
        if verdict:
            same[row].add(pair)
    return same


def run_prompt(work: Work) -> None:
    """Write `prompts.parquet`, in the form of the step prompt: one for every two answers to a question."""
    # All pairs at once: to ask only whether an answer is like the first of a pool would take as many rounds as there
    # are answers, each of a day where a provider takes batches.
    questions, ballots = _ballots(work)
    table, language = load_questions(work.input("sample")), work.task.settings["language"]
    texts, rows, answers = table["text"].to_list(), [], []
    for row, pair in answer_pairs(ballots, language):
        rows.append(questions[row])
        # In the order of the alphabet, so that whoever votes first, the same two answers are paid once.
        first, second = sorted(pair)
        answers.append(OpenAnswer(texts[questions[row]], second, (first,), language))
    write_judge_prompts(work, rows, answers)


POOL_PROMPT = Step("pool_prompt", 1, run_prompt, inputs=("sample", "parse"))
VOTE = Step("vote", 1, run, inputs=("parse", "pool"))
