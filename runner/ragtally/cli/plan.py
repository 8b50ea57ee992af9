"""`ragtally plan`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich import box
from rich.table import Table

from ragtally.cli.console import TerminalProgress, print_all
from ragtally.engine.estimate import EmbedderEstimate, ModelEstimate, estimate, estimate_embedding
from ragtally.plan import plan_study
from ragtally.registry import load_registry
from ragtally.spec.load import load_study
from ragtally.store import Store, find_store
from ragtally.workspace import Workspace

_MEANING = (
    "~ estimated; <= upper bound: the base is not known before the voters have voted, and prompts that hold what "
    "other paid work finds cannot be written yet"
)


@click.command(name="plan")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(spec: Path, as_json: bool) -> None:
    """List the cells of SPEC, the work that they share, what of it is done, and what is still to be paid.

    Nothing is paid. Where models are asked, the free local work up to the prompts is done, so that their calls can
    be counted.
    """
    registry = load_registry()
    plan = plan_study(load_study(spec, registry), registry)
    store = Store(find_store(Path.cwd()))
    location = Workspace(store, registry, TerminalProgress())
    estimates, embedders = estimate(plan, location), estimate_embedding(plan, location)
    counts = plan.counts(store)
    done = {cell.name: store.complete(cell.score.step.stored_as, cell.score.address) for cell in plan.cells}
    if as_json:
        content = {
            "study": plan.study.name,
            "store": str(store.root),
            "models": [dataclasses.asdict(row) for row in estimates],
            "embedders": [dataclasses.asdict(row) for row in embedders],
            "steps": [{"step": row.step, "uses": row.uses, "tasks": row.tasks, "done": row.done} for row in counts],
            "cells": [
                {"cell": cell.name, "question_sets": cell.question_sets, "done": done[cell.name], "note": cell.note}
                for cell in plan.cells
            ],
        }
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    cells = _table(f"Cells of {plan.study.name}")
    for heading in ("cell", "asked", "done", "note"):
        cells.add_column(heading, overflow="fold")
    for cell in plan.cells:
        cells.add_row(cell.name, ", ".join(cell.question_sets), "yes" if done[cell.name] else "no", cell.note or "")
    steps = _table("Work")
    for number, heading in enumerate(("step", "needed by", "after sharing", "done", "to do")):
        steps.add_column(heading, justify="right" if number else "left")
    for row in counts:
        steps.add_row(row.step, f"{row.uses:,}", f"{row.tasks:,}", f"{row.done:,}", f"{row.tasks - row.done:,}")
    paid = [*([_models(estimates)] if estimates else []), *([_embedders(embedders)] if embedders else [])]
    print_all([cells, steps, *paid])
    click.echo(f"{sum(done.values())} of {len(plan.cells)} cells are done; store: {store.root}")


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )


def _models(estimates: Sequence[ModelEstimate]) -> Table:
    table = _table("Calls of models")
    headings = ("model", "calls", "paid", "to pay", "tokens in", "tokens out", "dollars", "hours", "days")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    for row in estimates:
        most = "" if row.exact else "<= "
        dollars = "unknown" if row.dollars is None else f"{most}{row.dollars:.2f}"
        table.add_row(
            row.model,
            f"{most}{row.calls:,}",
            f"{row.paid:,}",
            f"{most}{row.to_pay:,}",
            "unknown" if row.input_tokens is None else f"~{row.input_tokens:,}",
            f"~{row.output_tokens:,}",
            dollars,
            f"~{row.hours:.2f}" if row.batches is None else f"<= {row.hours:g}",
            "-" if row.days is None else f"{row.days:.1f}",
        )
    table.caption = "\n".join([*filter(None, map(_batches, estimates)), _MEANING])
    return table


def _batches(row: ModelEstimate) -> str:
    """Say how a model's calls are delivered, where not one by one."""
    said = [] if row.batches is None else [f"by batches, {100 * row.discount:g} % off: {row.batches:,} to submit"]
    if row.in_batches:
        said.append(f"{row.in_batches:,} calls are in open batches")
    return f"{row.model} {'; '.join(said)}" if said else ""


def _embedders(estimates: Sequence[EmbedderEstimate]) -> Table:
    table = _table("Stored vectors")
    for number, heading in enumerate(("embedder", "texts", "stored", "to embed", "tokens in", "dollars")):
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    for row in estimates:
        dollars = "unknown" if row.dollars is None else f"{row.dollars:.2f}"
        counts = (f"{count:,}" for count in (row.texts, row.stored, row.to_embed))
        table.add_row(row.embedder, *counts, f"~{row.input_tokens:,}", dollars)
    return table
