"""The result files of examples for training."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ragtally.examples.example import with_names
from ragtally.plan import StudyPlan
from ragtally.results import columns as files
from ragtally.results.example_funnel import funnel_rows
from ragtally.tables import load_example_ballots, load_examples
from ragtally.workspace import Workspace


def write_examples(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write the examples with what became of each, what the validators said, and the funnel."""
    examples, ballots, rows = files.EXAMPLES.empty(), files.EXAMPLE_BALLOTS.empty(), []
    if (own := plan.examples) is not None:
        examples = with_names(load_examples(workspace.entry(own.outcomes)), "generator", own.recipe.generators)
        rows = funnel_rows(own, workspace)
        if (validation := own.recipe.validation) is not None:
            grades = [workspace.entry(each.grades) for each in own.rounds if each.grades is not None]
            ballots = with_names(
                pl.concat([load_example_ballots(entry) for entry in grades]), "validator", validation.validators
            )
    files.EXAMPLES.write(folder, examples)
    files.EXAMPLE_BALLOTS.write(folder, ballots)
    files.FUNNEL.write(folder, {name: [row[name] for row in rows] for name in files.FUNNEL.schema})
