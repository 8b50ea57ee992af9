"""How many tokens the examples have that a study's readers learn from, before any of them is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ragtally.api import DataError, Footprint, RagtallyError
from ragtally.engine.learning import require_examples
from ragtally.llm.tokens import count_tokens
from ragtally.plan.tasks import StudyTasks
from ragtally.registry import Registry
from ragtally.spec.study import Study
from ragtally.steps import BASE, Task
from ragtally.tables import load_base_rows, load_example_answers, load_reading
from ragtally.workspace import Workspace

# Instructions, the list of answers and the marks of turns: 65 to 80 of the built-in prompts in English.
_PROMPT_TOKENS = 100
_REPORT_EVERY = 1_000


@dataclass(frozen=True, slots=True)
class ExampleTokens:
    """The tokens of one reader's examples: question, gold context and answer, with a prompt's words around them."""

    reader: str
    examples: int
    total: int  # Of one epoch
    longest: int
    room: int  # The most that one may have: what the spec says, or else the model's window
    too_long: int  # How many have more
    notes: tuple[str, ...] = ()


def training_tokens(study: Study, registry: Registry, workspace: Workspace) -> dict[str, ExampleTokens | str]:
    """Count the tokens of each reader that is tuned in this process; where they cannot be counted, why."""
    counts: dict[str, ExampleTokens | str] = {}
    tuned = dict(_tuned(study, registry))
    tasks = StudyTasks(study, registry) if tuned else None
    for name, footprint in tuned.items():
        assert tasks is not None
        try:
            counts[name] = _count(name, footprint, tasks, workspace)
        except RagtallyError as error:
            counts[name] = error.message
    return counts


def _tuned(study: Study, registry: Registry) -> Iterator[tuple[str, Footprint]]:
    for name, pick in study.readers.items():
        say = registry.get(pick.choice).component.footprint
        footprint = None if say is None or not pick.learns else say(pick.choice.parameters)
        if footprint is not None and footprint.tuning is not None:
            yield name, footprint


def _count(name: str, footprint: Footprint, tasks: StudyTasks, workspace: Workspace) -> ExampleTokens:
    inputs, notes = tasks.training(name), []
    sample, context, dataset = (inputs[role] for role in ("sample", "context", "prepare"))
    base, rows = inputs.get("base"), None
    assert isinstance(sample, Task) and isinstance(context, Task) and isinstance(dataset, Task)
    require_examples(sample, tasks.study, name, workspace)
    if isinstance(base, Task):
        if workspace.store.complete(BASE.stored_as, base.address):
            rows = load_base_rows(workspace.entry(base))
        else:
            notes.append("of the whole split, since the votes on its base are not there yet")
    reading = load_reading(workspace.entry(context), workspace.entry(dataset), workspace.entry(sample), rows)
    if not len(reading):
        raise DataError("there is no example to learn from")
    answers = load_example_answers(workspace.entry(sample))
    answers = answers if rows is None else answers.gather(rows)
    assert footprint.tuning is not None
    # A model that predicts a class reads no instructions.
    around = _PROMPT_TOKENS if footprint.tuning.predicted else 0
    lengths = []
    for row, (question, passages, answer) in enumerate(zip(reading.question, reading.passages, answers, strict=True)):
        if row % _REPORT_EVERY == 0:
            workspace.progress.measure(f"tokens of {name}'s examples", len(reading), row)
        lengths.append(around + sum(map(count_tokens, (question, *passages, answer or ""))))
    workspace.progress.measure(f"tokens of {name}'s examples", len(reading), len(reading))
    room = footprint.tuning.length
    too_long = sum(length > room for length in lengths)
    return ExampleTokens(name, len(lengths), sum(lengths), max(lengths), room, too_long, tuple(notes))
