"""Single questions: what was asked, what stood before each reader, every vote; columnar, each text once."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from ragtally.analysis import Analysis
from ragtally.analysis.aligned_answers import align_answers
from ragtally.analysis.error_breakdown import outcomes
from ragtally.analysis.label_doubt import label_doubt
from ragtally.api import ABSTENTION
from ragtally.results import Results
from ragtally.support.answer_text import common_words

# Of what judges are asked: what decides whether an answer is right.
_CRITERION = "right"
# Of how many questions at most the page holds the answers.
MOST_QUESTIONS = 200
# How much of the text of one vote is kept.
MOST_CHARACTERS = 4_000
# How large the packed data may become; with more, fewer questions are kept.
MOST_BYTES = 12_000_000


class _Texts:
    """Texts by number, each once."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def number(self, text: str | None) -> int:
        """Give a text its number; -1 for none."""
        return -1 if text is None else self._known.setdefault(text, len(self._known))

    @property
    def all(self) -> list[str]:
        """The texts in order."""
        return list(self._known)


def packed_explorer(results: Results, analysis: Analysis) -> str:
    """Pack the explorer's data for the page."""
    question_ids = sample_questions(results)
    while True:
        data = explorer_data(results, analysis, question_ids)
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        # Without a time, so that the same results give the same bytes.
        payload = base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()
        if len(payload) <= MOST_BYTES or len(question_ids) <= 1:
            return payload
        question_ids = question_ids[: max(1, len(question_ids) // 2)]


def sample_questions(results: Results) -> list[str]:
    """Choose the questions that the explorer shows."""
    with_passages = set(results.passages["question"])
    ids: list[str] = results.questions["id"].to_list()
    return [question for question in ids if question in with_passages or not with_passages][:MOST_QUESTIONS]


def explorer_data(results: Results, analysis: Analysis, question_ids: Sequence[str]) -> dict[str, Any]:
    """Collect the explorer's data."""
    location = {question: row for row, question in enumerate(question_ids)}
    questions = results.questions.filter(pl.col("id").is_in(list(question_ids)))
    cells = results.cells.filter(pl.col("kind") != "retrieval").unique("cell", keep="first", maintain_order=True)
    names = cells["cell"].to_list()
    contexts = list(dict.fromkeys(results.passages["context"]))
    texts, doubt = _Texts(), label_doubt(results)
    return {
        "sampled": len(question_ids),
        "questions_asked": len(results.questions),
        "chosen": analysis.chosen_cell,
        "abstention": ABSTENTION,
        "questions": {
            "id": questions["id"].to_list(),
            "text": questions["question"].to_list(),
            "label": questions["label"].to_list(),
            **({"references": questions["references"].to_list()} if results.is_open else {}),
            "in_base": questions["in_base"].to_list(),
            "voters": questions["voters_verdict"].to_list(),
            "doubtful": [doubt is not None and question in doubt.questions for question in questions["id"]],
            "doubters": [] if doubt is None else list(doubt.doubters),
        },
        "contexts": contexts,
        "cells": names,
        "context_of": [contexts.index(name) if name in contexts else -1 for name in cells["context"]],
        "said": (answers := _answers(results, analysis, names, location, texts)),
        "common": _common_words(results, questions, answers, texts) if results.is_open else [],
        "judgments": _judgments(results, location, texts),
        **(passages := _passages(results, contexts, location, texts)),
        **_prompts(results, cells, contexts, location, passages, texts),
        "texts": texts.all,
    }


def _answers(
    results: Results, analysis: Analysis, names: Sequence[str], location: Mapping[str, int], texts: _Texts
) -> list[dict[str, Any]]:
    """By cell, in columns, what it said on the questions that are shown."""
    answers = results.answers.filter(pl.col("question").is_in(list(location)))
    by_cell = {str(name): table for (name,), table in answers.group_by("cell", maintain_order=True)}
    buckets = _buckets(results, analysis, location)
    columns = []
    for name in names:
        table = by_cell.get(name, answers.clear())
        of_cell = buckets.get(name, {})
        columns.append(
            {
                "question": [location[question] for question in table["question"]],
                "verdict": [texts.number(one) for one in table["verdict"]],
                "status": [texts.number(one) for one in table["status"]],
                "bucket": [texts.number(of_cell.get(question)) for question in table["question"]],
                "ballots": [[texts.number(one) for one in row] for row in table["ballots"].to_list()],
                "votes": [[texts.number(_cut(one)) for one in row] for row in table["texts"].to_list()],
                "errors": [[texts.number(_cut(one)) for one in row] for row in table["errors"].to_list()],
                **(_grades(table, texts) if results.is_open else {}),
            }
        )
    return columns


def _grades(answers: pl.DataFrame, texts: _Texts) -> dict[str, list[Any]]:
    """Who graded each open answer, and whether each vote on it is right."""
    return {
        "grader": [texts.number(one) for one in answers["grader"]],
        "votes_right": answers["ballots_right"].to_list(),
        **({"item": answers["item"].to_list()} if "item" in answers.columns else {}),
    }


def _judgments(results: Results, location: Mapping[str, int], texts: _Texts) -> dict[str, dict[str, Any]]:
    """What judges, and people, say of answers to the questions that are shown, by the answer's item."""
    rows = results.judgments.filter(pl.col("question").is_in(list(location)), pl.col("criterion") == _CRITERION)
    return {
        row["item"]: {
            "panel": row["panel"],
            "ballots": row["ballots"],
            "reasons": [texts.number(_cut(reason)) for reason in row["reasons"]],
            "errors": [texts.number(_cut(error)) for error in row["errors"]],
            "people": row["people"] or [],
            "grades": row["grades"] or [],
        }
        for row in rows.iter_rows(named=True)
    }


def _common_words(
    results: Results, questions: pl.DataFrame, by_cell: Sequence[Mapping[str, Any]], texts: _Texts
) -> list[dict[int, list[Any]]]:
    """By question and the number of an answer: the reference that is most like it, and where both say the same."""
    common: list[dict[int, list[Any]]] = [{} for _ in range(len(questions))]
    references, words = questions["references"].to_list(), texts.all
    for answers in by_cell:
        for question, verdict in zip(answers["question"], answers["verdict"], strict=True):
            if verdict < 0 or verdict in common[question] or words[verdict] == ABSTENTION:
                continue
            match = common_words(words[verdict], references[question], results.language)
            if match is not None and match.in_answer:
                runs = [list(map(list, side)) for side in (match.in_answer, match.in_reference)]
                common[question][verdict] = [match.reference, *runs]
    return common


def _cut(text: str | None) -> str | None:
    if text is None or len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}… ({len(text) - MOST_CHARACTERS:,} more characters are in answers.parquet)"


def _buckets(results: Results, analysis: Analysis, location: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """By cell and question the bucket."""
    buckets: dict[str, dict[str, str]] = {}
    # Only what is shown is lined up: of a large study all answers take seconds.
    subset = replace(
        results,
        questions=results.questions.filter(pl.col("id").is_in(list(location))),
        answers=results.answers.filter(pl.col("question").is_in(list(location))),
    )
    for question_set, set_analysis in analysis.sets.items():
        answers = align_answers(subset, question_set)
        if answers is None:
            continue
        for cell, breakdown in set_analysis.error_breakdowns.items():
            of_cell = outcomes(answers, cell, breakdown.gold_cell).buckets()
            buckets.setdefault(cell, {}).update(zip(answers.ids, map(str, of_cell), strict=True))
    return buckets


def _passages(
    results: Results, contexts: Sequence[str], location: Mapping[str, int], texts: _Texts
) -> dict[str, list[Any]]:
    """The passages once each, and for every context and question which ones stood before the reader."""
    passage_numbers: dict[tuple[str, int, int], int] = {}
    columns: dict[str, list[Any]] = {"document": [], "start": [], "end": [], "text": []}
    passages_of: list[list[list[Any]]] = [[[] for _ in location] for _ in contexts]
    number = {name: row for row, name in enumerate(contexts)}
    for row in results.passages.sort("rank", maintain_order=True).iter_rows(named=True):
        if row["question"] not in location:
            continue
        key = (row["document"], row["start"], row["end"])
        if key not in passage_numbers:
            passage_numbers[key] = len(passage_numbers)
            values = (texts.number(row["document"]), row["start"], row["end"], texts.number(row["text"]))
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
        marks = [list(mark) for mark in zip(row["evidence_starts"], row["evidence_ends"], strict=True)]
        # A passage without evidence is its number alone: most have none.
        entry = [passage_numbers[key], marks] if marks else passage_numbers[key]
        passages_of[number[row["context"]]][location[row["question"]]].append(entry)
    return {"passages": columns, "shown": passages_of}  # type: ignore[dict-item]


def _prompts(
    results: Results,
    cells: pl.DataFrame,
    contexts: Sequence[str],
    location: Mapping[str, int],
    passages: Mapping[str, Any],
    texts: _Texts,
) -> dict[str, Any]:
    """What was asked, by reader and context, and which of these each cell was asked."""
    numbers: dict[tuple[str, str | None], int] = {}
    prompts: list[dict[int, list[Any]]] = []
    words = texts.all
    rows = results.prompts.iter_rows(named=True) if len(results.prompts) else iter(())
    for row in rows:
        if row["question"] not in location:
            continue
        key, question = (row["reader"], row["context"]), location[row["question"]]
        if key not in numbers:
            numbers[key] = len(prompts)
            prompts.append({})
        shown = passages["shown"][contexts.index(row["context"])][question] if row["context"] in contexts else []
        own = [entry[0] if isinstance(entry, list) else entry for entry in shown]
        pieces = [([number], words[passages["passages"]["text"][number]]) for number in own]
        prompts[numbers[key]][question] = [
            [texts.number(role), *_parts(content, pieces, texts)]
            for role, content in zip(row["roles"], row["contents"], strict=True)
        ]
    keys = cells.select("reader", "context").rows()
    return {"prompts": prompts, "prompt_of": [numbers.get(key, -1) for key in keys]}


def _parts(content: str, pieces: Sequence[tuple[list[int], str]], texts: _Texts) -> Iterator[int | list[int]]:
    """Cut a message at the passages in it: the number of a text, or that of a passage in a list of its own."""
    at = 0
    for reference, text in pieces:
        start = content.find(text, at) if text else -1
        if start < 0:
            continue
        if start > at:
            yield texts.number(content[at:start])
        yield reference
        at = start + len(text)
    if at < len(content):
        yield texts.number(content[at:])
