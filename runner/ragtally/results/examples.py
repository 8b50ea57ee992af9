"""The result files of examples for training."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ragtally.examples.example import with_names
from ragtally.plan import StudyPlan
from ragtally.results import columns as files
from ragtally.tables import load_example_ballots, load_examples
from ragtally.workspace import Workspace


def write_examples(plan: StudyPlan, workspace: Workspace, folder: Path) -> None:
    """Write the examples with what became of each, and what the validators said."""
    own = plan.examples
    if own is None:
        files.EXAMPLES.write(folder, files.EXAMPLES.empty())
        files.EXAMPLE_BALLOTS.write(folder, files.EXAMPLE_BALLOTS.empty())
        return
    examples = load_examples(workspace.entry(own.outcomes))
    files.EXAMPLES.write(folder, with_names(examples, "generator", own.recipe.generators))
    grades = [each.grades for each in own.rounds if each.grades is not None]
    ballots = pl.concat([load_example_ballots(workspace.entry(task)) for task in grades]) if grades else None
    if ballots is None:
        files.EXAMPLE_BALLOTS.write(folder, files.EXAMPLE_BALLOTS.empty())
    elif own.recipe.validation is not None:
        files.EXAMPLE_BALLOTS.write(folder, with_names(ballots, "validator", own.recipe.validation.validators))
