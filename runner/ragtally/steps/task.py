"""Tasks: one piece of work of one step, with its address; and what a step gets to do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragtally.api import Choice, Location, Progress, canonical_json
from ragtally.api.address import address
from ragtally.registry import Registry
from ragtally.store import Entry


@dataclass(frozen=True)
class Task:
    """One piece of work; two tasks of one address are equal."""

    step: str = field(compare=False)  # The step that does it
    address: str  # What the work is: a hash of the step's version, components, settings and inputs
    choices: Mapping[str, Choice] = field(compare=False)  # The components that it uses, by role
    settings: Mapping[str, Any] = field(compare=False)  # Everything else that decides the outcome, JSON-able
    # The tasks whose entries it reads, by role, in order.
    inputs: Mapping[str, tuple[Task, ...]] = field(compare=False)
    label: str = field(default="", compare=False)  # What it is, for people; not part of the address
    # Where in the spec it comes from, for errors; not part of the address.
    location: Location | None = field(default=None, compare=False)


class TaskFactory:
    """Makes tasks and their addresses, asking each component for its identity once."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._identities: dict[tuple[str, bool], dict[str, Any]] = {}

    def task(
        self,
        step: str,
        version: int,
        *,
        choices: Mapping[str, Choice] | None = None,
        settings: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Task | Sequence[Task] | None] | None = None,
        search: bool = True,
        label: str = "",
        location: Location | None = None,
    ) -> Task:
        """Make a task."""
        choices, settings = choices or {}, settings or {}
        read = {role: _tuple(tasks) for role, tasks in (inputs or {}).items() if tasks is not None}
        payload = {
            "step": step,
            "version": version,
            "choices": {role: self.identity(choice, search=search) for role, choice in choices.items()},
            "settings": dict(settings),
            "inputs": {role: [task.address for task in tasks] for role, tasks in read.items()},
        }
        return Task(step, address(payload), choices, settings, read, label, location)

    def identity(self, choice: Choice, *, search: bool = True) -> dict[str, Any]:
        """Say what a choice is (see `Registry.identity`), asking its component only once."""
        key = (f"{choice.kind}:{choice.name}:{canonical_json(_plain(choice))}", search)
        if key not in self._identities:
            self._identities[key] = self.registry.identity(choice, search=search)
        return self._identities[key]


@dataclass(frozen=True)
class Work:
    """What a step gets to do one task."""

    task: Task
    registry: Registry  # To build components
    entries: Mapping[str, tuple[Entry, ...]]  # The complete entries of the task's inputs, by role, in order
    folder: Path  # Where to write the outcome
    calls: Any = None  # The answers of language models
    vectors: Any = None  # The vectors of texts that are kept one by one
    # Not empty where the outcome holds failures that the next run should try again.
    provisional: list[str] = field(default_factory=list)
    progress: Progress = lambda what, done, total: None  # Told how far a long piece of work is

    def mark_provisional(self, why: str) -> None:
        """Say that the outcome holds failures that the next run should try again."""
        self.provisional.append(why)

    def input(self, role: str) -> Path:
        """Say where the one input of a role lies."""
        (entry,) = self.entries[role]
        return entry.folder

    def optional(self, role: str) -> Path | None:
        """Say where an optional input lies."""
        return self.input(role) if role in self.entries else None

    def build(self, role: str) -> Any:
        """Build the component of a role."""
        return self.registry.build(self.task.choices[role])


def _tuple(tasks: Task | Sequence[Task]) -> tuple[Task, ...]:
    return (tasks,) if isinstance(tasks, Task) else tuple(tasks)


def _plain(value: Any) -> Any:
    if isinstance(value, Choice):
        return [value.kind, value.name, {key: _plain(item) for key, item in value.parameters.items()}]
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
