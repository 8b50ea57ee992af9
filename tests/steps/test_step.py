"""Tasks: what their addresses rest on."""

from __future__ import annotations

import pytest

from ragtally.steps import RELEVANCE, SCORE, STEPS
from workbench import Bench


def test_a_role_that_a_step_does_not_read_is_refused(bench: Bench) -> None:
    task = bench.plan().dataset
    with pytest.raises(ValueError, match="the step score reads no prepare, verdict"):
        bench.factory.task(SCORE, inputs={"prepare": task, "verdict": task, "sample": task})


def test_a_role_is_stored_under_its_old_name(bench: Bench) -> None:
    # Both roles are filled by either step, so the role's own name decides, not that of the step.
    (task,) = {task for cell in bench.plan().cells[:1] for task in cell.score.inputs["relevance"]}
    assert task.step is RELEVANCE
    roles = [bench.factory.task(SCORE, inputs={role: task}) for role in ("relevance", "context_relevance")]
    assert roles[0] != roles[1]


def test_steps_are_stored_under_names_of_their_own() -> None:
    assert len({step.stored_as for step in STEPS.values()}) == len(STEPS)
    renamed = {name: step.stored_as for name, step in STEPS.items() if name != step.stored_as}
    assert renamed == {
        "judge": "judge_answers",
        "relevance": "judge",
        "context_relevance": "judge_context",
        "rerank": "refine",
        "rerank_prompt": "rank_prompt",
    }
