"""Do a plan's work: what is done is not done again, what is damaged is done anew."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ragtally.llm.asking import Asking
from ragtally.llm.budget import Spending
from ragtally.llm.embedding import EMBEDDING_STEPS, Embedding
from ragtally.plan import in_order
from ragtally.spec.study import Study
from ragtally.steps import Task, ask
from ragtally.store import Store
from ragtally.workspace import Workspace


def execute(goals: Sequence[Task], workspace: Workspace, study: Study, *, wait: bool = True) -> None:
    """Do everything that the goals need and the store does not have, step by step."""
    workspace.store.sweep()
    everything = in_order(goals)
    needed = _needed(goals, workspace.store)
    spending = Spending(study.budget)
    embedding = Embedding(workspace, spending, [task for task in everything if task.step in EMBEDDING_STEPS])
    asked = [task for task in everything if task.step == ask.STEP]
    asking = Asking(study, workspace, spending, asked, wait=wait)
    try:
        for step, run in itertools.groupby(needed, key=lambda task: task.step):
            tasks = list(run)
            if step == ask.STEP:
                asking.answer(tasks)
            if step in EMBEDDING_STEPS:
                embedding.embed(tasks)
            total = sum(task.step == step for task in everything)
            missing = sum(task.step == step for task in needed)
            workspace.progress.start(step, total, total - missing)
            for task in tasks:
                workspace.make(task)
                workspace.progress.advance(step, task.label)
    finally:
        workspace.progress.finish()
        workspace.calls.close()
        workspace.vectors.close()


def _needed(goals: Sequence[Task], store: Store) -> list[Task]:
    """List what must be done: missing tasks that a missing goal needs; inputs of finished work are not looked at."""
    missing: dict[Task, None] = {}
    waiting = list(goals)
    while waiting:
        task = waiting.pop()
        if task in missing or store.complete(task.step, task.address):
            continue
        missing[task] = None
        waiting.extend(read for inputs in task.inputs.values() for read in inputs)
    return [task for task in in_order(goals) if task in missing]
