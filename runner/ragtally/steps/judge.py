"""judge and judge_prompt: what language models say of open answers, and the prompts that ask them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ragtally import pipelines
from ragtally.api import ABSTENTION, JUDGE_ANSWERS, Choice, OpenAnswer, PluginError, PromptingGrader
from ragtally.registry import Registry
from ragtally.steps.grade import grade_answer
from ragtally.steps.step import Step, Work
from ragtally.store import write_table
from ragtally.tables import (
    FINISH_REASON,
    load_answers,
    load_passages,
    load_questions,
    load_texts,
    load_verdicts,
    passage_texts,
    write_prompts,
)
from ragtally.voting import Ballots

JUDGES = "panel"
"""The role of the grader that asks, among the choices of a task."""
_LONGEST_REASON = 2_000
_YES, _ = JUDGE_ANSWERS
_SCHEMA = {
    "question": pl.Int32,
    "verdict": pl.Boolean,
    "by_judge": pl.List(pl.Boolean),
    "ballots": pl.List(pl.Boolean),
    "reasons": pl.List(pl.String),
    "errors": pl.List(pl.String),
}


def run_prompt(work: Work) -> None:
    """Write `prompts.parquet`, in the form of the step prompt, of the answers that are left to judges."""
    rows = dict(_answers_to_judge(work))
    write_judge_prompts(work, list(rows), list(rows.values()))


def write_judge_prompts(work: Work, rows: Sequence[int], answers: Sequence[OpenAnswer]) -> None:
    """Write what judges are asked by the task's criterion, of answers to questions in these rows."""
    grader: PromptingGrader = work.build(JUDGES)
    criterion = work.task.settings["criterion"]
    prompts = list(grader.prompts(answers, criterion))
    if len(prompts) != len(answers) or not all(prompts):
        name = work.task.choices[JUDGES].name
        raise PluginError(f"the grader {name} did not write one prompt for each of {len(answers)} answers")
    schema = grader.schema(criterion) if work.task.settings.get("constrained") else None
    write_prompts(work.folder, rows, prompts, schema)


def _answers_to_judge(work: Work) -> Iterator[tuple[int, OpenAnswer]]:
    """The answers by row of their question: those that no grader before the judges has decided, or all of them."""
    verdicts = load_verdicts(work.input("vote"))
    questions = load_questions(work.input("sample"))
    language, about_support = work.task.settings["language"], work.task.settings["criterion"] == "supported"
    graders = {
        choice.name: None if role == JUDGES else work.registry.build(choice)
        for role, choice in work.task.choices.items()
    }
    passages = _passages(work) if about_support else {}
    texts, references = questions["text"].to_list(), questions["references"].to_list()
    for row, verdict in zip(verdicts["question"].to_list(), verdicts["verdict"].to_list(), strict=True):
        # Who abstains claims nothing.
        if verdict is None or verdict == ABSTENTION:
            continue
        answer = OpenAnswer(texts[row], verdict, tuple(references[row]), language, tuple(passages.get(row, ())))
        if answer.passages if about_support else grade_answer(graders, answer, {})[0] is None:
            yield row, answer


def _passages(work: Work) -> dict[int, list[str]]:
    table = load_passages(work.input("context"))
    passages: dict[int, list[str]] = {}
    for row, text in zip(table["question"], passage_texts(table, load_texts(work.input("prepare"))), strict=True):
        passages.setdefault(row, []).append(text)
    return passages


def stand_in_prompts(judges: Choice, registry: Registry, sample: Path, criterion: Any, language: str) -> list[Any]:
    """Prompts as long as those will be about answers that nobody has given yet: references stand in for these."""
    questions = load_questions(sample)
    answers = [
        OpenAnswer(text, references[0], tuple(references), language)
        for text, references in zip(questions["text"].to_list(), questions["references"].to_list(), strict=True)
        if references
    ]
    grader: PromptingGrader = registry.build(judges)
    return list(grader.prompts(answers, criterion))


def run(work: Work) -> None:
    """Write `judgments.parquet`: `question`; the panel's `verdict` and those `by_judge`, by their own ballots,
    None where these do not decide; of each ballot what it says (None where unread), its reason and its error.
    """
    replies = [load_answers(entry.folder) for entry in work.entries["ask"]]
    parsers = [
        pipelines.ParseReplies(list(JUDGE_ANSWERS), constrained=with_schema)
        for with_schema in work.task.settings["constrained"]
    ]
    ballots = [
        [parser.read(text, None, finish).ballot for text, finish in table.select("text", FINISH_REASON).iter_rows()]
        for table, parser in zip(replies, parsers, strict=True)
    ]
    failures = [table["error"].is_not_null().to_list() for table in replies]
    rule, votes = pipelines.DecideVerdict(work.build("rule")), work.task.settings["votes"]
    judges = [
        rule.verdicts(Ballots(ballots[first : first + votes], failures[first : first + votes]))
        for first in range(0, len(ballots), votes)
    ]
    columns = {
        "question": replies[0]["question"],
        "verdict": [_says_yes(verdict) for verdict in rule.verdicts(Ballots(ballots, failures))],
        "by_judge": _by_row([[_says_yes(verdict) for verdict in own] for own in judges]),
        "ballots": _by_row([[_says_yes(ballot) for ballot in vote] for vote in ballots]),
        "reasons": _by_row([[_reason(text) for text in table["text"]] for table in replies]),
        "errors": _by_row([table["error"].to_list() for table in replies]),
    }
    write_table(work.folder / "judgments.parquet", columns, _SCHEMA)


def _says_yes(ballot: str | None) -> bool | None:
    return None if ballot is None else ballot == _YES


def _by_row(columns: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(row) for row in zip(*columns, strict=True)]


def _reason(text: str | None) -> str | None:
    """Why a judge says so: the reason in its JSON object, else all that it wrote."""
    if text is None:
        return None
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    reason = content.get("reason") if isinstance(content, Mapping) else text
    return " ".join(reason.split())[:_LONGEST_REASON] if isinstance(reason, str) else None


JUDGE_PROMPT = Step("judge_prompt", 1, run_prompt, inputs=("sample", "vote", "prepare", "context"))
# In version 0.1 `judge` was what is the relevance of hits now.
JUDGE = Step("judge", 1, run, inputs=("ask",), stored_as="judge_answers")
