"""How the losses of readers fell while they trained."""

from __future__ import annotations

import polars as pl

from ragtally.present.numbers import COUNT, Form, form_of
from ragtally.present.table import Chart, Column, Section, Table
from ragtally.results import Results

_LOSS: Form = form_of("nats")
_TITLE = "How readers trained"


def losses_section(results: Results) -> Section:
    """The loss curves, and where each model was best on the examples put aside."""
    losses = results.losses
    if not len(losses):
        return Section("training", _TITLE, empty="No reader in this study tells its losses.")
    points = [
        {"series": row["model"], "part": row["part"], "step": row["step"], "value": row["loss"]}
        for row in losses.iter_rows(named=True)
    ]
    chart = Chart("losses", "Losses of each model by step, on its examples and on those put aside", "losses", points)
    rows = tuple(
        _row(name, losses.filter(pl.col("model") == name)) for name in losses["model"].unique(maintain_order=True)
    )
    table = Table(
        "losses-table",
        "Losses of each model, in nats",
        (
            Column("model"), Column("steps", COUNT), Column("last training loss", _LOSS, missing="none"),
            Column("lowest dev loss", _LOSS, missing="none"), Column("at step", COUNT, missing="none"),
        ),
        rows,
        notes=("A dev loss is that of training examples put aside, which no test question is among.",),
    )  # fmt: skip
    return Section("training", _TITLE, charts=(chart,), tables=(table,))


def _row(name: str, losses: pl.DataFrame) -> tuple[str, int, float | None, float | None, int | None]:
    train = losses.filter(pl.col("part") == "train").sort("step")
    dev = losses.filter(pl.col("part") == "dev").sort("loss", "step")
    last = train["loss"][-1] if len(train) else None
    best, step = (dev["loss"][0], dev["step"][0]) if len(dev) else (None, None)
    return name, int(losses["step"].max()), last, best, step  # type: ignore[arg-type]
