"""The plan: a study's cells and the tasks behind them, each piece of work once."""

from ragtally.plan.cells import Cell, Voter
from ragtally.plan.comparisons import comparisons
from ragtally.plan.plan import STAGES, StepCount, StudyPlan, in_order, plan_study
from ragtally.plan.slices import stage_slices

__all__ = [
    "STAGES",
    "Cell",
    "StepCount",
    "StudyPlan",
    "Voter",
    "comparisons",
    "in_order",
    "plan_study",
    "stage_slices",
]
