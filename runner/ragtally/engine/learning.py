"""Learning curves of a study's readers, measured on the split that they learn from and on no test question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ragtally.analysis.learning_curve import LearningCurve, learning_curve
from ragtally.api import DataError, RagtallyError, SpecError, did_you_mean, raise_all
from ragtally.plan.tasks import StudyTasks
from ragtally.registry import Registry
from ragtally.spec.study import Study
from ragtally.steps import BASE, TRAINING_SET, Task
from ragtally.tables import load_base_rows, load_questions
from ragtally.workspace import Workspace

_FIRST_SIZE = 50
_HELD_OUT = 5  # One in so many questions is put aside
_FEWEST_SIZES = 3


class ExamplesMissing(DataError):
    """What a reader learns from is not there yet."""


@dataclass(frozen=True, slots=True)
class ReaderCurve:
    """The learning curve of one reader, or why it has none."""

    reader: str
    examples: int  # The most examples that it could learn from here
    curve: LearningCurve | None
    notes: tuple[str, ...] = ()  # What could not be measured, and why


def learning_curves(
    study: Study, registry: Registry, workspace: Workspace, readers: Sequence[str], draws: int
) -> tuple[ReaderCurve, ...]:
    """Measure the curves of readers that train, of all of them where none is named.

    One whose examples are not there yet has none and says why; where that is so of all, it is an error.
    """
    traits = {name: registry.traits(pick.choice) for name, pick in study.readers.items()}
    # Nothing is paid here, and each point of a curve would be a model that a provider fine-tunes.
    able = [name for name, each in traits.items() if each.trains and not each.tunes]
    for name in readers:
        if name not in able:
            hint = did_you_mean(name, able) if able else "name one that trains here, as specialist or classifier"
            raise SpecError(f"{name!r} is no reader of this study that trains here", hint=hint)
    if not able:
        message = "no reader of this study trains here, so that none has a learning curve"
        raise SpecError(message, location=study.location("readers"), hint="add one, as words: specialist")
    tasks = StudyTasks(study, registry)
    curves: list[ReaderCurve] = []
    errors: list[RagtallyError] = []
    for name in readers or able:
        try:
            curves.append(_curve(name, study, tasks, workspace, draws))
        except ExamplesMissing as error:
            errors.append(error)
            curves.append(ReaderCurve(name, 0, None, (f"{error.message}: {error.hint}",)))
    if len(errors) == len(curves):
        raise_all(errors)
    return tuple(curves)


def _curve(name: str, study: Study, tasks: StudyTasks, workspace: Workspace, draws: int) -> ReaderCurve:
    first = tasks.learning(name, size=_FIRST_SIZE, draw=0, held_out=1)
    labelled, most, held_out = _counts(first, study, name, workspace)
    sizes = _sizes(most)
    right: dict[int, list[np.ndarray]] = {}
    notes = []
    for number, size in enumerate(sizes):
        workspace.progress.measure(f"learning curve of {name}", len(sizes), number, f"{size} examples")
        try:
            right[size] = [
                np.load(workspace.entry(tasks.learning(name, size=size, draw=draw, held_out=held_out)) / "right.npy")
                for draw in range(draws)
            ]
        except DataError as error:
            notes.append(f"not with {size:,} examples: {error.message}")
    workspace.progress.measure(f"learning curve of {name}", len(sizes), len(sizes))
    if len(right) < _FEWEST_SIZES:
        notes.append(
            f"a curve takes {_FEWEST_SIZES} sizes (50, 100, 200, ... examples), and {len(right)} could be measured:"
            f" {labelled:,} labelled questions, of which {held_out:,} are put aside"
        )
        return ReaderCurve(name, most, None, tuple(notes))
    answers = np.stack([np.stack(right[size]) for size in right], axis=1)
    return ReaderCurve(name, most, learning_curve(list(right), answers, study.seed), tuple(notes))


def _counts(task: Task, study: Study, name: str, workspace: Workspace) -> tuple[int, int, int]:
    """How many questions are labelled, how many may be learnt from, and how many are put aside."""
    (sample,) = task.inputs["sample"]
    require_examples(sample, study, name, workspace)
    labelled = int(load_questions(workspace.entry(sample))["label"].is_not_null().sum())
    if not labelled:
        raise DataError(
            f"nothing that {name} learns from has a label to measure by",
            location=study.location(f"readers.{name}"),
            hint="learn from a split whose questions have labels",
        )
    held_out = max(1, labelled // _HELD_OUT)
    if "base" not in task.inputs:
        return labelled, labelled - held_out, held_out
    (base,) = task.inputs["base"]
    if not workspace.store.complete(BASE.stored_as, base.address):
        raise ExamplesMissing(
            f"{name} learns from the base of its split, and the votes on that are not there yet",
            location=study.location(f"readers.{name}"),
            hint=f"ragtally run {study.file} --stage train",
        )
    # Some of the base are put aside as well; how many is known to each task alone, so count on the share of all.
    kept = len(load_base_rows(workspace.entry(base)))
    return labelled, kept - held_out * kept // labelled, held_out


def require_examples(sample: Task, study: Study, name: str, workspace: Workspace) -> None:
    """Refuse to look at examples for training that models have yet to write."""
    if sample.step is TRAINING_SET and not all(
        workspace.store.complete(source.step.stored_as, source.address) for source in sample.sources
    ):
        raise ExamplesMissing(
            f"{name} learns from the study's examples, and these are not there yet",
            location=study.location(f"readers.{name}"),
            hint=f"ragtally run {study.file} --stage examples",
        )


def _sizes(most: int) -> list[int]:
    sizes, size = [], _FIRST_SIZE
    while size < most:
        sizes.append(size)
        size *= 2
    # One right below the last would say the same again.
    if sizes and most < 1.25 * sizes[-1]:
        sizes.pop()
    return [*sizes, most] if most >= _FIRST_SIZE else []
