"""The training of a reader's model by its provider, as a task."""

from __future__ import annotations

from ragtally.api import Choice, Location
from ragtally.plan.answer_form import without_model
from ragtally.steps import TUNE, Task, TaskFactory
from ragtally.steps.tune import base_identity


def tuning_task(
    factory: TaskFactory,
    name: str,
    reader: Choice,
    prompts: Task,
    sample: Task,
    base: Task | None,
    location: Location,
) -> Task:
    """Make the task; `reader` is the one that writes the prompts, in the form that its answers have."""
    model = reader.parameters["model"]
    return factory.task(
        TUNE,
        choices={"reader": without_model(reader)},
        # Temperature and the like are for asking: the training is the same, and paid once.
        settings={"model": base_identity(factory, model)},
        beside={"model": model},
        inputs={"prompt": prompts, "sample": sample, "base": base},
        label=name,
        location=location,
    )
