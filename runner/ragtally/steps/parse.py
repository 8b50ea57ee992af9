"""parse: read each raw answer as one of the declared answers, or as unparsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.parsing import parse
from ragtally.steps import read, sample
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import read_table, write_table

STEP = "parse"
VERSION = 1


def task(
    factory: TaskFactory, sampled: Task, answered: Task, words: Sequence[tuple[str, str]] = (), **about: Any
) -> Task:
    """Describe the work."""
    settings = {"words": dict(words)} if words else {}
    return factory.task(STEP, VERSION, settings=settings, inputs={"sample": sampled, "read": answered}, **about)


def run(work: Work) -> None:
    """Write `ballots.parquet`: `question`, `ballot` (None where unparsed or failed) and `failed`."""
    answers = sample.load_answers(work.input("sample"))
    raw = read.load_answers(work.input("read"))
    words: Mapping[str, str] = work.task.settings.get("words", {})
    answer_of = {words.get(answer, answer): answer for answer in answers}
    ballots = [
        choice if text is None else ballot_of(text, answer_of)
        for text, choice in raw.select("text", "choice").iter_rows()
    ]
    columns = {"question": raw["question"], "ballot": ballots, "failed": raw["error"].is_not_null()}
    schema = {"question": pl.Int32, "ballot": pl.String, "failed": pl.Boolean}
    write_table(work.folder / "ballots.parquet", columns, schema)


def ballot_of(text: str, answer_of: Mapping[str, str]) -> str | None:
    """Read a raw text."""
    return answer_of.get(parse(text, tuple(answer_of)).choice or "")


def load_ballots(folder: Path) -> pl.DataFrame:
    """Read the ballots of one vote."""
    return read_table(folder / "ballots.parquet")
