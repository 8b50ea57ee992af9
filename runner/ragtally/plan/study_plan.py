"""What a plan holds, and in which order its work is done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ragtally.api import RagtallyError, did_you_mean
from ragtally.plan.cells import Cell, Voter
from ragtally.spec.study import Study
from ragtally.steps import STEPS, Task
from ragtally.store import Store

# The stages of a study, in order; each is one DVC stage.
STAGES = ("resolve", "prepare", "train", "label", "bench")


@dataclass(frozen=True, slots=True)
class StepCount:
    """How much work a step has in a plan."""

    step: str
    uses: int  # How often cells and voters need its outcome
    tasks: int  # How many different pieces of work that is
    done: int  # How many of them lie in the store


@dataclass(frozen=True)
class StudyPlan:
    """A study with all of its work described."""

    study: Study
    answers: tuple[str, ...]  # The answers that count, in order
    prepared: Task  # The task that prepares the dataset
    sampled: Task  # The task that samples the questions
    voters: tuple[Voter, ...]  # The rows of the voters' table
    base: Task | None  # The task that keeps the base; None where there is none
    cells: tuple[Cell, ...]  # The cells, in the order of the spec

    def goals(self, stage: str) -> tuple[Task, ...]:
        """Say which tasks a stage is about; what they read comes with them."""
        if stage not in STAGES:
            raise RagtallyError(f"there is no stage {stage!r}", hint=did_you_mean(stage, STAGES))
        if stage == "resolve":
            return ()
        if stage == "prepare":
            return (self.prepared, self.sampled)
        label = (*(voter.score for voter in self.voters), *((self.base,) if self.base else ()))
        if stage == "label":
            return label
        bench = tuple(cell.score for cell in self.cells)
        if stage == "bench":
            return bench
        return tuple(task for task in in_order((*label, *bench)) if task.step == "train")

    def narrowed(self, cells: tuple[Cell, ...]) -> StudyPlan:
        """Keep only some cells."""
        return replace(self, cells=cells)

    def counts(self, store: Store) -> tuple[StepCount, ...]:
        """Count the work of each step."""
        goals = [task for stage in STAGES for task in self.goals(stage)]
        uses: dict[str, int] = {}
        for goal in dict.fromkeys(goals):
            for task in in_order((goal,)):
                uses[task.step] = uses.get(task.step, 0) + 1
        tasks = in_order(goals)
        counts = []
        for step in STEPS:
            of_step = [task for task in tasks if task.step == step]
            done = sum(store.complete(task.step, task.address) for task in of_step)
            if of_step:
                counts.append(StepCount(step, uses[step], len(of_step), done))
        return tuple(counts)


def in_order(goals: Iterable[Task] | Sequence[Task]) -> tuple[Task, ...]:
    """List tasks with everything they read, each once, inputs first, otherwise step by step."""
    depth: dict[Task, tuple[int, int]] = {}
    order = list(STEPS)

    def visit(task: Task) -> int:
        if task not in depth:
            level = 0
            for inputs in task.inputs.values():
                for read in inputs:
                    level = max(level, visit(read) + (order.index(read.step) >= order.index(task.step)))
            depth[task] = (level, order.index(task.step))
        return depth[task][0]

    for goal in goals:
        visit(goal)
    return tuple(sorted(depth, key=lambda task: depth[task]))
