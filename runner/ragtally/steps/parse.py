"""parse: read each raw answer as one of the declared answers, or as unparsed."""

from __future__ import annotations

import polars as pl

from ragtally import pipelines
from ragtally.steps.step import Step, Work
from ragtally.store import write_table
from ragtally.tables import FINISH_REASON, load_answer_options, load_answers


def run(work: Work) -> None:
    """Write `ballots.parquet`: `question`, `ballot` (None where unparsed or failed), `failed` and `reason`."""
    raw = load_answers(work.input("read"))
    answers = list(load_answer_options(work.input("sample")))
    parser = pipelines.ParseReplies(answers, **work.task.settings)
    # Only language models stop for a reason, and version 0.1 did not write it down.
    names = ["text", "choice", *(name for name in (FINISH_REASON,) if name in raw.columns)]
    votes = [parser.read(*row) for row in raw.select(names).iter_rows()]
    columns = {
        "question": raw["question"],
        "ballot": [vote.ballot for vote in votes],
        "failed": raw["error"].is_not_null(),
        "reason": [vote.reason for vote in votes],
    }
    schema = {"question": pl.Int32, "ballot": pl.String, "failed": pl.Boolean, "reason": pl.String}
    write_table(work.folder / "ballots.parquet", columns, schema)


PARSE = Step("parse", 2, run, inputs=("sample", "read"))
