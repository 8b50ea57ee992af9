"""What `ragtally plan` shows: cells, the work that they share, and what is still to be paid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from ragtally.engine.estimate import EmbedderEstimate, ModelEstimate
from ragtally.engine.scale import Footprint, ScaledFootprint, gigabytes
from ragtally.engine.tuning_estimate import TuningEstimate
from ragtally.llm.long_context import LongContext
from ragtally.plan import StudyPlan
from ragtally.plan.plan import StepCount
from ragtally.present.numbers import ABOUT, COUNT, DOLLARS, VALUE, dollars
from ragtally.present.table import Column, Table
from ragtally.steps.pieces import pieces_of_chunks

_SECONDS_PER_HOUR = 3600
_MEANING = (
    "~ estimated; <= upper bound: the base is not known before the voters have voted, prompts that hold what other"
    " paid work finds cannot be written yet, and judges are asked about equal answers once; tokens and dollars are"
    " estimated for that many calls, by the length of prompts and usual answers"
)


def plan_parts(
    plan: StudyPlan,
    counts: Sequence[StepCount],
    is_done: Mapping[str, bool],
    models: Sequence[ModelEstimate],
    embedders: Sequence[EmbedderEstimate],
    long: Sequence[LongContext] = (),
    footprints: Sequence[Footprint] = (),
    tunings: Sequence[TuningEstimate] = (),
) -> list[Table | str]:
    """Cells, steps, and what models and embedders still cost."""
    cells = Table(
        "cells",
        f"Cells of {plan.study.name}",
        (Column("cell"), Column("questions"), Column("done"), Column("note")),
        tuple(
            (cell.name, ", ".join(cell.question_sets), "yes" if is_done[cell.name] else "no", cell.note or "")
            for cell in plan.cells
        ),
    )
    steps = Table(
        "steps",
        "Work",
        (Column("step"), *(Column(name, COUNT) for name in ("needed by", "after sharing", "done", "to do"))),
        tuple((row.step, row.uses, row.tasks, row.done, row.tasks - row.done) for row in counts),
    )
    contexts = [long_context_table(long)] if long else []
    return [
        cells,
        steps,
        *contexts,
        *([_footprints(footprints)] if footprints else []),
        *([_tunings(tunings)] if tunings else []),
        *([_models(models)] if models else []),
        *([_embedders(embedders)] if embedders else []),
    ]


_FOOTPRINT_COLUMNS = (Column("pieces", COUNT), Column("memory", VALUE), Column("disk", VALUE))
_MEMORY = "memory: of one process, about; files that are mapped come on top, as far as there is room"


def _footprints(rows: Sequence[Footprint]) -> Table:
    disk = gigabytes(sum(row.disk for row in rows))
    return Table(
        "memory-and-disk",
        "Memory and disk of what is still to do",
        (Column("step"), Column("of"), *_FOOTPRINT_COLUMNS),
        tuple((row.step, row.label, *_sizes(row)) for row in rows),
        (_MEMORY, f"disk: {disk} in all, about; while the pieces of a step are put together, twice as much of it"),
    )


def _sizes(row: Footprint) -> tuple[int, str, str]:
    return row.pieces, gigabytes(row.memory), gigabytes(row.disk)


def scale_parts(rows: Sequence[ScaledFootprint]) -> list[Table | str]:
    """What a study would take over corpora of other sizes, a table for each."""
    notes = (
        _MEMORY,
        "network: what workers on other machines read and write",
        "hours: of one process; as many processes as there are pieces share them; retrieve answers the questions of"
        " this study",
        *_small_sample(min((row.measured for row in rows), default=0)),
    )
    return [
        Table(
            f"scale-{chunks}",
            f"{chunks // 10**6:,} million chunks",
            (Column("step"), Column("by"), *_FOOTPRINT_COLUMNS, Column("network", VALUE), Column("hours", VALUE)),
            tuple(_scale_row(row) for row in rows if row.chunks == chunks),
            notes,
        )
        for chunks in dict.fromkeys(row.chunks for row in rows)
    ]


def _small_sample(chunks: int) -> Iterator[str]:
    if pieces_of_chunks(chunks) < 2:
        yield (
            f"measured over {chunks:,} chunks, so few that what a process takes at its start counts as if it grew:"
            " hours are too many"
        )


def _scale_row(row: ScaledFootprint) -> tuple[str, str, int, str, str, str, str]:
    own, hours = row.footprint, row.seconds / _SECONDS_PER_HOUR
    shown = f"{hours:,.1f}" if hours >= 1 else f"{hours:.2f}"
    return own.step, own.component, *_sizes(own), gigabytes(row.network), shown


def long_context_table(long: Sequence[LongContext]) -> Table:
    """Whether long contexts fit into the models' windows."""
    return Table(
        "long-contexts",
        "Long contexts",
        (
            Column("control"), Column("reader"), Column("model"), Column("prompts", COUNT),
            Column("longest", ABOUT), Column("window", COUNT, "unknown"), Column("tokens too long", VALUE, "unknown"),
        ),
        tuple(
            (one.control, one.reader, one.model, one.prompts, one.longest, one.window, _excess(one))
            for one in long
        ),
        ("longest: tokens of the longest prompt that is to be answered, with its answer, about",),
    )  # fmt: skip


def _excess(one: LongContext) -> str | None:
    if one.window is None:
        return None
    return f"~{one.excess:,}" if one.excess else "none"


def _models(estimates: Sequence[ModelEstimate]) -> Table:
    total = _total(estimates)
    columns = (
        Column("model"), Column("calls", VALUE), Column("paid", COUNT), Column("to pay", VALUE),
        Column("tokens in", ABOUT, "unknown"), Column("tokens out", ABOUT), Column("dollars", VALUE, "unknown"),
        Column("hours", VALUE, "unknown"), Column("days", VALUE),
    )  # fmt: skip
    rows = []
    for row in [*estimates, *([total] if len(estimates) > 1 else [])]:
        most = "" if row.exact else "<= "
        rows.append(
            (
                row.name,
                f"{most}{row.calls:,}",
                row.paid,
                f"{most}{row.to_pay:,}",
                row.input_tokens,
                row.output_tokens,
                _dollars(row.dollars),
                _hours(row),
                None if row.days is None else f"{row.days:.1f}",
            )
        )
    return Table(
        "models",
        "Calls of models",
        columns,
        tuple(rows),
        (*filter(None, [*map(_batches, estimates), _end(total)]), _MEANING),
    )


def _dollars(amount: float | None) -> str | None:
    # Even where the number of calls is exact, the length of answers is not; what costs nothing does so for sure.
    return None if amount is None else f"~{dollars(amount)}" if amount else dollars(amount)


def _total(estimates: Sequence[ModelEstimate]) -> ModelEstimate:
    """What all models come to; unknown where it is unknown of one."""

    def total(numbers: Sequence[float | None]) -> float | None:
        return None if None in numbers else sum(number or 0 for number in numbers)

    tokens = total([row.input_tokens for row in estimates])
    # Live calls are sent model after model, batches of all models are on their way at the same time.
    live = total([row.hours for row in estimates if row.batches is None])
    batches = [row.hours or 0.0 for row in estimates if row.batches is not None]
    return ModelEstimate(
        name="all",
        model="",
        calls=sum(row.calls for row in estimates),
        paid=sum(row.paid for row in estimates),
        to_pay=sum(row.to_pay for row in estimates),
        exact=all(row.exact for row in estimates),
        input_tokens=None if tokens is None else int(tokens),
        output_tokens=sum(row.output_tokens for row in estimates),
        dollars=total([row.dollars for row in estimates]),
        hours=None if live is None else live + max(batches, default=0.0),
        days=max((row.days for row in estimates if row.days is not None), default=None),
    )


def _end(total: ModelEstimate) -> str:
    if not total.to_pay or total.hours is None:
        return ""
    end = datetime.now().astimezone() + timedelta(hours=total.hours)
    return f"started now, the calls would end about {end:%a %Y-%m-%d %H:%M}"


def _hours(row: ModelEstimate) -> str | None:
    if row.hours is None:
        return None
    return f"~{row.hours:.2f}" if row.batches is None else f"<= {row.hours:g}"


def _batches(row: ModelEstimate) -> str:
    """How a model's calls are delivered, where not one by one."""
    notes = [] if row.batches is None else [f"by batches, {100 * row.discount:g} % off: {row.batches:,} to submit"]
    if row.in_batches:
        notes.append(f"{row.in_batches:,} calls are in open batches")
    return f"{row.name} {'; '.join(notes)}" if notes else ""


def _tunings(estimates: Sequence[TuningEstimate]) -> Table:
    columns = (
        Column("reader"), Column("model"), Column("examples", VALUE, "unknown"), Column("epochs", COUNT),
        Column("tokens trained on", ABOUT, "unknown"), Column("job"), Column("dollars", VALUE, "unknown"),
        Column("at most", DOLLARS, "unknown"),
    )  # fmt: skip
    rows = tuple(
        (
            row.reader, row.model,
            None if row.examples is None else f"{'' if row.exact else '<= '}{row.examples:,}",
            row.epochs, row.tokens, row.state, _dollars(row.dollars), row.most_dollars,
        )
        for row in estimates
    )  # fmt: skip
    notes = ("each epoch is paid for; at most: what counts against the budget before a job is submitted",)
    return Table("fine-tuning", "Models that are fine-tuned by their providers", columns, rows, notes)


def _embedders(estimates: Sequence[EmbedderEstimate]) -> Table:
    columns = (
        Column("embedder"), Column("texts", COUNT), Column("stored", COUNT), Column("to embed", COUNT),
        Column("tokens in", ABOUT), Column("dollars", DOLLARS, "unknown"),
    )  # fmt: skip
    rows = tuple(
        (row.embedder, row.texts, row.stored, row.to_embed, row.input_tokens, row.dollars) for row in estimates
    )
    return Table("embedders", "Stored vectors", columns, rows)
