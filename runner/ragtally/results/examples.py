"""The result files of examples for training."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ragtally.curation.curated import final_example
from ragtally.examples.example import Example, with_names
from ragtally.llm.tokens import chat_tokens, tokenizer_of
from ragtally.plan import StudyPlan, in_order
from ragtally.plan.examples import ExamplePlan
from ragtally.results import columns as files
from ragtally.results.costs import cost_of_asking
from ragtally.results.example_funnel import funnel_rows
from ragtally.results.metrics import round_number
from ragtally.steps import ASK
from ragtally.steps.export import FOLDER, MANIFEST, empty_manifest
from ragtally.store import read_json, write_bytes
from ragtally.tables import load_example_ballots, load_examples, load_splits
from ragtally.workspace import Workspace


def write_examples(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write the examples with what became of each, what validators and people said, the funnel, and the export."""
    examples, ballots, rows = files.EXAMPLES.empty(), files.EXAMPLE_BALLOTS.empty(), []
    summary: dict[str, Any] = {"study": plan.study.name}
    export = None
    if (own := plan.examples) is not None:
        splits = load_splits(workspace.entry(own.splits)).select("example", "split")
        table = load_examples(workspace.entry(own.curated))
        table = table.join(splits, on="example", how="left", maintain_order="left")
        examples = with_names(table, "generator", own.recipe.generators)
        rows = funnel_rows(own, workspace)
        summary = _summary(plan, own, table, workspace)
        export = workspace.entry(own.export) / FOLDER
        if (validation := own.recipe.validation) is not None:
            grades = [workspace.entry(each.grades) for each in own.rounds if each.grades is not None]
            ballots = with_names(
                pl.concat([load_example_ballots(entry) for entry in grades]), "validator", validation.validators
            )
    files.EXAMPLES.write(folder, examples)
    files.EXAMPLE_BALLOTS.write(folder, ballots)
    files.FUNNEL.write(folder, {name: [row[name] for row in rows] for name in files.FUNNEL.schema})
    files.EXAMPLES_SUMMARY.write(folder, summary)
    _write_export(export, folder / FOLDER)


def _write_export(source: Path | None, folder: Path) -> None:
    """Put the export's files beside the results; files that an earlier export wrote and this one does not have go."""
    manifest = empty_manifest() if source is None else read_json(source / MANIFEST)
    earlier = read_json(folder / MANIFEST)["files"] if (folder / MANIFEST).is_file() else {}
    for name in earlier.keys() - manifest["files"].keys():
        (folder / name).unlink(missing_ok=True)
    for name in manifest["files"] if source is not None else ():
        assert source is not None
        write_bytes(folder / name, (source / name).read_bytes())
    files.EXAMPLES_MANIFEST.write(folder.parent, manifest)


def _summary(plan: StudyPlan, own: ExamplePlan, table: pl.DataFrame, workspace: Workspace) -> dict[str, Any]:
    included = table.filter("included")
    cost = cost_of_asking([task for task in in_order((own.outcomes,)) if task.step is ASK], workspace)
    per_included = None if cost.dollars is None or not len(included) else cost.dollars / len(included)
    return {
        "study": plan.study.name,
        "curate": own.log.as_posix(),
        "licence": own.recipe.handover.licence,
        "documents": {
            "all": read_json(workspace.entry(plan.dataset) / "dataset.json")["documents"],
            "with_examples": included["document"].drop_nulls().n_unique(),
        },
        "status": dict(sorted(Counter(table["status"]).items())),
        "included": len(included),
        "expert": read_json(workspace.entry(own.curated) / "curation.json"),
        "split": read_json(workspace.entry(own.splits) / "splits.json"),
        "tokens": _lengths(own, included),
        "cost": {
            "input_tokens": cost.input_tokens,
            "output_tokens": cost.output_tokens,
            "dollars": round_number(cost.dollars),
            "dollars_per_included": round_number(per_included),
        },
        "address": own.export.address,
    }


def _lengths(own: ExamplePlan, included: pl.DataFrame) -> dict[str, Any]:
    """How long the examples of each set are for the model that is to learn."""
    handover = own.recipe.handover
    count = tokenizer_of(handover.tokenizer)
    lengths: dict[str, Any] = {"tokenizer": handover.tokenizer, "window": handover.window}
    for name in handover.split:
        rows = included.filter(split=name).to_dicts()
        tokens = np.array([chat_tokens(_texts(final_example(row)), count) for row in rows], dtype=np.int64)
        if len(tokens):
            lengths[name] = {
                "examples": len(tokens),
                "median": int(np.median(tokens)),
                "p95": int(np.quantile(tokens, 0.95)),
                "most": int(tokens.max()),
                "total": int(tokens.sum()),
                "over_window": None if handover.window is None else int((tokens > handover.window).sum()),
            }
    return lengths


def _texts(example: Example) -> list[str]:
    return [*(turn.text for turn in example.turns), *([example.input] if example.input else [])]
