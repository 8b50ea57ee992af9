"""Write a trained reader's model for those who serve models."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from ragtally.api import Location, RagtallyError, did_you_mean
from ragtally.plan import StudyPlan
from ragtally.steps import Task
from ragtally.workspace import Workspace

_PURPOSES = ("measure", "label")


def export_model(
    plan: StudyPlan, reader: str, vote: int, server: str, workspace: Workspace, folder: Path
) -> Sequence[str]:
    """Write what a server needs of the model of one vote; returns what to do with it, line by line."""
    task = _training(plan, reader, vote)
    choice = task.choices["reader"]
    hand_over = workspace.registry.get(choice).component.hand_over
    if hand_over is None:
        raise RagtallyError(
            f"{choice.name} trains no model that others serve",
            hint="`ragtally export pipeline SPEC CELL` writes a cell with it as one pipeline",
        )
    if not workspace.store.complete(task.step.stored_as, task.address):
        raise RagtallyError(f"{reader} has not been trained", hint="ragtally run SPEC --stage train")
    if folder.exists():
        raise RagtallyError("there is something already", location=Location(str(folder)), hint="name another folder")
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        lines = hand_over(choice.parameters, workspace.entry(task), server, draft)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return [line.replace(draft.name, folder.name) for line in lines]


def _training(plan: StudyPlan, reader: str, vote: int) -> Task:
    pick = plan.study.readers.get(reader)
    if pick is None:
        raise RagtallyError(
            f"the study has no reader {reader!r}", hint=did_you_mean(reader, list(plan.study.readers))
        )
    tasks = [task for task in plan.goals("train") if task.choices["reader"] == pick.choice]
    # Those that label come first; what is served is what was measured, where there is such a model.
    votes = {
        purpose: [task for task in tasks if task.settings["vote"]["purpose"] == purpose] for purpose in _PURPOSES
    }
    own = next((group for group in votes.values() if group), [])
    if not own:
        raise RagtallyError(f"{reader} is not trained in this study", hint="name a reader with `train`")
    if not 1 <= vote <= len(own):
        raise RagtallyError(f"{reader} has {len(own)} models, no vote {vote}", hint=f"--vote {len(own)}")
    return own[vote - 1]
