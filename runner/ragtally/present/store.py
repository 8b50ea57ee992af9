"""What `ragtally store` shows: what was paid to whom, what failed, open batches, and garbage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ragtally.present.numbers import ABOUT, COUNT, SECONDS, UNKNOWN, VALUE, dollars
from ragtally.present.table import Column, Table
from ragtally.store.batches import StoredBatch
from ragtally.store.calls import BilledFailures, FailureCount, Spending
from ragtally.store.inventory import Garbage
from ragtally.store.tuning import StoredJob
from ragtally.store.vectors import EmbeddingSpending
from ragtally.support.model_names import is_same_model


def paid_table(rows: Sequence[Spending]) -> Table:
    """What was paid to whom; several rows with their total."""
    columns = (
        Column("model"), Column("purpose"), Column("calls", COUNT), Column("tokens in", VALUE),
        Column("tokens out", VALUE), Column("dollars", VALUE), Column("no price", COUNT), Column("seconds", SECONDS),
        Column("first"), Column("last"),
    )  # fmt: skip
    fields = [_fields(f"{row.provider}/{row.model}", row.purpose, [row]) for row in rows]
    if len(rows) > 1:
        fields.append(_fields("all", "", rows))
    has_estimates = any(row.calls_with_estimated_tokens for row in rows)
    note = "~ includes tokens that were counted here, since the provider reported none"
    return Table("paid", "Paid calls", columns, tuple(fields), (note,) if has_estimates else ())


def _fields(model: str, purpose: str, rows: Sequence[Spending]) -> tuple[object, ...]:
    about = "~" if any(row.calls_with_estimated_tokens for row in rows) else ""
    tokens_in, tokens_out = _sum([row.input_tokens for row in rows]), _sum([row.output_tokens for row in rows])
    price, without_price = _sum([row.dollars for row in rows]), sum(row.calls_without_price for row in rows)
    return (
        model,
        purpose,
        sum(row.calls for row in rows),
        _with_unknown(_tokens(tokens_in, about), sum(row.calls_without_input_tokens for row in rows)),
        _with_unknown(_tokens(tokens_out, about), sum(row.calls_without_output_tokens for row in rows)),
        _with_unknown(None if price is None else dollars(price), without_price),
        without_price,
        sum(row.seconds for row in rows),
        min(row.first_at for row in rows)[:10],
        max(row.last_at for row in rows)[:10],
    )  # fmt: skip


def _tokens(total: float | None, about: str) -> str | None:
    return None if total is None else f"{about}{total:,.0f}"


def _sum(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return sum(numbers) if numbers else None


def _with_unknown(text: str | None, gaps: int) -> str:
    """A sum; what some calls do not report is neither left out nor taken for 0."""
    if text is None:
        return UNKNOWN
    return f"{text} + {UNKNOWN}" if gaps else text


def served_table(rows: Sequence[tuple[str, str, str, int]]) -> Table | None:
    """Which models answered, where it was not the one asked for alone."""
    others = {row[:2] for row in rows if not is_same_model(row[1], row[2])}
    if not others:
        return None
    fields = tuple(
        (f"{provider}/{model}", served, calls)
        for provider, model, served, calls in rows
        if (provider, model) in others
    )
    columns = (Column("asked for"), Column("answered by"), Column("calls", COUNT))
    note = "WARNING: another model than the one asked for has answered, as the replies say"
    return Table("served", "Models that answered for others", columns, fields, (note,))


def billed_table(rows: Sequence[BilledFailures]) -> Table:
    """What was paid for replies that were no answers."""
    columns = (
        Column("model"), Column("purpose"), Column("reason"), Column("replies", COUNT), Column("tokens in", COUNT),
        Column("tokens out", COUNT), Column("dollars", VALUE),
    )  # fmt: skip
    fields = tuple(
        (
            f"{row.provider}/{row.model}", row.purpose, row.reason, row.replies, row.input_tokens, row.output_tokens,
            _with_unknown(None if row.dollars is None else dollars(row.dollars), row.replies_without_price),
        )
        for row in rows
    )  # fmt: skip
    note = "billed all the same, and counted against the budget; the calls are tried again"
    return Table("billed", "Replies that were no answer", columns, fields, (note,))


def failed_table(rows: Sequence[FailureCount]) -> Table:
    """How often calls failed, and for what."""
    numbers = (Column(name, COUNT) for name in ("attempts", "calls", "still unanswered"))
    return Table(
        "failed",
        "Failed attempts (none of them counts as an answer)",
        (Column("reason"), *numbers, Column("last")),
        tuple(
            (row.reason, row.attempts, row.calls, row.without_reply, row.last_at[:16].replace("T", " "))
            for row in rows
        ),
    )


def embedded_table(rows: Sequence[EmbeddingSpending]) -> Table:
    """Which embedders' vectors are stored by text, and what they cost."""
    columns = (
        Column("embedder"), Column("texts", COUNT), Column("tokens in", ABOUT, UNKNOWN), Column("dollars", VALUE)
    )  # fmt: skip
    fields = tuple(
        (
            row.embedder, row.texts, row.input_tokens,
            _with_unknown(None if row.dollars is None else dollars(row.dollars), row.texts_without_price),
        )
        for row in rows
    )  # fmt: skip
    return Table("embedded", "Stored vectors", columns, fields)


def batches_table(rows: Sequence[StoredBatch]) -> Table:
    """Batches of calls, as they stood when a run last asked."""
    columns = (
        Column("batch"), Column("model"), Column("calls", COUNT), Column("done", COUNT),
        Column("at most dollars", VALUE, UNKNOWN), Column("status"), Column("over by"), Column("at the provider"),
    )  # fmt: skip
    fields = tuple(
        (
            row.name, f"{row.provider}/{row.model}", row.calls, row.answered + row.failed,
            None if row.most_dollars is None else dollars(row.most_dollars),
            "read" if row.stage == "read" else row.status or row.stage, _expiry(row),
            row.batch_id or "not known there",
        )
        for row in rows
    )  # fmt: skip
    note = "as they stood when a run last asked; `ragtally store cancel BATCH` cancels one"
    return Table("batches", "Batches of calls", columns, fields, (note,))


def jobs_table(rows: Sequence[StoredJob]) -> Table:
    """Fine-tuning jobs, as they stood when a run last asked."""
    columns = (
        Column("job"), Column("reader"), Column("model"), Column("examples", COUNT), Column("epochs", COUNT),
        Column("tokens trained on", VALUE), Column("dollars", VALUE, UNKNOWN), Column("status"),
        Column("at the provider"),
    )  # fmt: skip
    fields = tuple(
        (
            row.name, row.reader, f"{row.provider}/{row.model}", row.examples, row.epochs,
            f"{'~' if row.trained_tokens is None else ''}{row.billed_tokens:,}", _job_dollars(row), row.stage,
            row.tuned_model or row.message or row.job_id or "not known there",
        )
        for row in rows
    )  # fmt: skip
    note = "as they stood when a run last asked; `ragtally store cancel JOB` cancels one"
    return Table("jobs", "Models fine-tuned by their providers", columns, fields, (note,))


def _job_dollars(row: StoredJob) -> str | None:
    if row.ended_at is not None:
        return None if row.dollars is None else dollars(row.dollars)
    return None if row.most_dollars is None else f"<= {dollars(row.most_dollars)}"


def _expiry(row: StoredBatch) -> str:
    return "" if row.expires_at is None else f"{datetime.fromtimestamp(row.expires_at).astimezone():%m-%d %H:%M}"


def garbage_table(rows: Sequence[Garbage], root: Path) -> Table:
    """The folders that nobody needs."""
    columns = (Column("why"), Column("folder"), Column("bytes", COUNT))
    fields = tuple((row.why, str(row.folder.relative_to(root)), row.size) for row in rows)
    return Table("garbage", "Garbage", columns, fields)
