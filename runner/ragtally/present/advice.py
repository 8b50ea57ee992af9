"""What `ragtally advise` shows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from ragtally.advice.fit import Fit, Need
from ragtally.advice.machine import Machine
from ragtally.advice.memory import Amount
from ragtally.advice.probe import TrainingProbe
from ragtally.engine.training_tokens import ExampleTokens
from ragtally.present.numbers import COUNT, PORTION, SECONDS, UNKNOWN, VALUE, Portion
from ragtally.present.table import Column, Table

_GB = 10**9


def machine_text(machine: Machine) -> str:
    """One line on the machine."""
    gpus = ", ".join(f"{gpu.name} with {_gb(gpu.memory)} ({_gb(gpu.free)} free)" for gpu in machine.gpus)
    memory = f"{_gb(machine.memory)} of memory ({_gb(machine.free)} free)"
    return f"this machine: {machine.cores} cores, {memory}, {gpus or 'no GPU'}"


def needs_table(needs: Sequence[Need]) -> Table:
    """What each component needs in all."""
    return Table(
        "needs",
        "What is needed of this machine's memory, estimated from the models' sizes",
        (Column("component"), Column("for"), Column("likely"), Column("from"), Column("to"), Column("verdict")),
        tuple((need.name, _purpose(need), *_needed(need), _verdict(need)) for need in needs),
        tuple(note for need in needs for note in _notes(need)),
    )


def _needed(need: Need) -> tuple[str, str, str]:
    return _texts(need.amount) if need.peak is None else (_gb(need.peak), "measured", "measured")


def parts_table(need: Need) -> Table:
    """What one component needs its memory for."""
    rows = [(part.name, *_texts(part.amount)) for part in need.parts]
    return Table(
        "parts",
        f"{need.name}: what the memory is for" + ("" if need.peak is None else ", as estimated"),
        (Column("part"), Column("likely"), Column("from"), Column("to")),
        (*rows, ("all", *_texts(need.amount))),
    )


def probe_parts(probes: Sequence[TrainingProbe]) -> list[Table | str]:
    """What probes measured, beside what was estimated."""
    if not probes:
        return []
    memory = Table(
        "probed-memory",
        "What short trainings held of the memory, and the error of the estimate",
        (
            Column("reader"), Column("steps", COUNT), Column("measured"), Column("estimated"), Column("from"),
            Column("to"), Column("error"),
        ),
        tuple(
            (each.reader, each.steps, _gb(each.memory), *_texts(each.estimate), f"{100 * each.error:+.0f} %")
            for each in probes
        ),
        (
            "measured: the peak of a process that does nothing else; two of its steps learn from the longest example",
            "error: by how much the estimate is too high (+) or too low (-)",
        ),
    )  # fmt: skip
    speeds = [(each.reader, each.speed) for each in probes if each.speed is not None]
    time = Table(
        "probed-time",
        "How long the whole training takes at that speed",
        (
            Column("reader"), Column("s per step", VALUE), Column("tokens per s", COUNT), Column("steps", COUNT),
            Column("after an epoch", SECONDS), Column("in all"), Column("from"), Column("to"),
        ),
        tuple(
            (
                name, f"{speed.seconds_per_step.likely:.3g}", round(speed.tokens_per_second), speed.steps,
                speed.evaluation, *map(_duration, (speed.hours.likely, speed.hours.low, speed.hours.high)),
            )
            for name, speed in speeds
        ),
        (
            "from, to: the 95 % interval of the mean step; other work on this machine is not in it",
            "a training that stops early, since the losses after its epochs no longer fall, takes less",
        ),
    )  # fmt: skip
    others = [f"{each.reader}: too few steps to say how long the training takes" for each in probes if not each.speed]
    return [memory, *([time] if speeds else []), *others]


def _duration(hours: float) -> str:
    if math.isinf(hours):
        return UNKNOWN
    return f"{hours:,.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"


def tokens_parts(tokens: Mapping[str, ExampleTokens | str]) -> list[Table | str]:
    """What the examples come to that readers are tuned by."""
    counts = [count for count in tokens.values() if not isinstance(count, str)]
    reasons = [
        f"{name}: its examples' tokens are not known: {why}" for name, why in tokens.items() if isinstance(why, str)
    ]
    rows = tuple(
        (each.reader, each.examples, each.total, each.longest, each.room, Portion(each.too_long, each.examples))
        for each in counts
    )
    columns = (
        Column("reader"), Column("examples", COUNT), Column("tokens per epoch", COUNT), Column("longest", COUNT),
        Column("room", COUNT), Column("do not fit", PORTION),
    )  # fmt: skip
    notes = ("estimated without the model's own tokenizer; room: max_tokens, or the model's window",)
    more = tuple(f"{each.reader}: {note}" for each in counts for note in each.notes)
    table = Table(
        "training-tokens", "The tokens of the examples that readers learn from", columns, rows, (*notes, *more)
    )
    return [*([table] if rows else []), *reasons]


def _texts(amount: Amount) -> tuple[str, str, str]:
    return _gb(amount.likely), _gb(amount.low), _gb(amount.high)


def _purpose(need: Need) -> str:
    tuning, footprint = need.footprint.tuning, need.footprint
    if tuning is not None:
        return f"training, {tuning.batch} x {tuning.length:,} tokens"
    return f"answering, {footprint.slots} x {footprint.context:,} tokens" if footprint.context else "answering"


def _verdict(need: Need) -> str:
    return str(need.fit) if need.available is None else f"{need.fit} ({_gb(need.available)} free)"


def _notes(need: Need) -> Iterator[str]:
    tuning, shape = need.footprint.tuning, need.footprint.shape
    length = tuning.length if tuning is not None else need.footprint.context
    if length > shape.window:
        yield f"{need.name}: {length:,} tokens are more than the {shape.window:,} that the model reads"
    if need.fit is Fit.NO_DEVICE:
        yield f"{need.name}: its device is a GPU: device: cpu, or a machine that has one"
    if need.remedies:
        changes = "; then ".join(f"{change} ({_gb(size)})" for change, size in need.remedies)
        yield f"{need.name}: to make it fit, {changes}"
    elif need.fit is Fit.TOO_LARGE:
        least = _gb(need.amount.likely)
        yield f"{need.name}: no setting makes it fit: take a smaller model, or a machine with {least}"


def _gb(size: float) -> str:
    if size >= _GB / 10:
        return f"{size / _GB:,.1f} GB"
    return f"{size / 10**6:,.0f} MB" if size >= 10**6 or not size else "< 1 MB"
