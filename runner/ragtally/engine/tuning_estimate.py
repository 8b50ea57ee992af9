"""What a study still has to pay for models that providers fine-tune, before anything is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ragtally.api import ModelTraits, TuningTerms
from ragtally.engine.run import execute, missing_tasks
from ragtally.llm.tuning import TrainingSize, settings_of, terms_of, turns_of
from ragtally.plan import StudyPlan
from ragtally.steps import ASK, PROMPT, TUNE, Task, TaskFactory
from ragtally.steps.tune import turns_with
from ragtally.tables import load_answer_options, load_example_answers
from ragtally.workspace import Workspace


@dataclass(frozen=True, slots=True)
class TuningEstimate:
    """One training of a model by its provider."""

    reader: str  # As the spec names it
    model: str  # Provider and model
    examples: int | None  # None where models are still to write them
    epochs: int
    tokens: int | None  # That are trained on, in all epochs; estimated, or as the provider has counted them
    # Whether the examples are known; else these are all of the split, since the votes on its base are not there yet.
    exact: bool
    state: Literal["done", "running", "to submit"]
    dollars: float | None  # US dollars of a training that is not done; None where the price is unknown
    most_dollars: float | None  # At most, which is what counts against the budget before it is submitted


def estimate_tuning(plan: StudyPlan, workspace: Workspace) -> tuple[TuningEstimate, ...]:
    """Do the free local work up to the examples, then count their tokens."""
    tasks = [task for task in plan.goals("train") if task.step is TUNE]
    left = [task for task in tasks if _is_known(task, workspace)]
    execute([source for task in left for source in _sources(task)], workspace, plan.study)
    return tuple(_estimate(task, workspace, plan) for task in tasks)


def _is_known(task: Task, workspace: Workspace) -> bool:
    """Whether what is learnt can be written without paying for votes, or for examples."""
    return not any(each.step is ASK for each in missing_tasks(_sources(task), workspace.store))


def _sources(task: Task) -> Sequence[Task]:
    return [source for sources in task.inputs.values() for source in sources]


def _estimate(task: Task, workspace: Workspace, plan: StudyPlan) -> TuningEstimate:
    traits: ModelTraits = workspace.registry.traits(task.choices["model"])
    job, terms = workspace.tunings.current(task.address), terms_of(traits)
    settings = settings_of(task, workspace.registry)
    exact = _is_known(task, workspace)
    size = TrainingSize.of(turns_of(task, workspace)) if exact else _size_at_most(task, workspace, plan)
    is_done = job is not None and job.stage == "done"
    tokens = job.billed_tokens if job is not None else None if size is None else size.tokens * settings.epochs
    most = None if size is None else size.most_tokens * settings.epochs
    return TuningEstimate(
        reader=task.label,
        model=f"{traits.provider}/{traits.model}",
        examples=None if size is None else size.examples,
        epochs=settings.epochs,
        tokens=tokens,
        exact=exact,
        state="done" if is_done else "to submit" if job is None else "running",
        dollars=0.0 if is_done else _price(terms, tokens),
        most_dollars=0.0 if is_done else _price(terms, most),
    )


def _price(terms: TuningTerms, tokens: int | None) -> float | None:
    return None if tokens is None else terms.dollars(tokens)


def _size_at_most(task: Task, workspace: Workspace, plan: StudyPlan) -> TrainingSize | None:
    """Count the whole split that a base is a part of; a missing label is as long as the longest."""
    if "base" not in task.inputs:
        # How many examples will be written, and how long, nobody can know.
        return None
    (prompts,), (sample,) = task.inputs["prompt"], task.inputs["sample"]
    inputs = {role: sources for role, sources in prompts.inputs.items() if role != "base"}
    factory = TaskFactory(workspace.registry)
    whole = factory.task(PROMPT, choices=prompts.choices, settings=prompts.settings, inputs=inputs)
    execute([whole], workspace, plan.study)
    folder = workspace.entry(sample)
    longest = max(load_answer_options(folder), key=len, default="")
    labels = load_example_answers(folder).fill_null(longest).to_list()
    return TrainingSize.of(turns_with(task, workspace.entry(whole), folder, labels, workspace.registry))
