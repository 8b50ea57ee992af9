"""parse: read each raw answer as one of the declared answers, or as unparsed."""

from __future__ import annotations

import polars as pl

from ragtally import pipelines
from ragtally.steps.step import Step, Work
from ragtally.store import write_table
from ragtally.tables import load_answer_options, load_answers


def run(work: Work) -> None:
    """Write `ballots.parquet`: `question`, `ballot` (None where unparsed or failed) and `failed`."""
    raw = load_answers(work.input("read"))
    options = load_answer_options(work.input("sample"))
    parser = pipelines.ParseReplies(list(options), words=work.task.settings.get("words"))
    ballots = parser.ballots(raw["text"].to_list(), raw["choice"].to_list())
    columns = {"question": raw["question"], "ballot": ballots, "failed": raw["error"].is_not_null()}
    schema = {"question": pl.Int32, "ballot": pl.String, "failed": pl.Boolean}
    write_table(work.folder / "ballots.parquet", columns, schema)


PARSE = Step("parse", 1, run, inputs=("sample", "read"))
