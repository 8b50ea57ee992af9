"""Tasks: one piece of work of one step, with its address; and what a step gets to do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragtally.address import address, canonical_json
from ragtally.errors import Place
from ragtally.kinds import Progress
from ragtally.registry import Registry
from ragtally.store import Entry
from ragtally.types import Choice


@dataclass(frozen=True)
class Task:
    """One piece of work; two tasks of one address are equal.

    Attributes:
        step: The step that does it.
        address: What the work is: a hash of the step's version, components, settings and inputs.
        choices: The components that it uses, by role.
        settings: Everything else that decides the outcome, JSON-able.
        inputs: The tasks whose entries it reads, by role, in order.
        label: What it is, for people; not part of the address.
        place: Where in the spec it comes from, for errors; not part of the address.
    """

    step: str = field(compare=False)
    address: str
    choices: Mapping[str, Choice] = field(compare=False)
    settings: Mapping[str, Any] = field(compare=False)
    inputs: Mapping[str, tuple[Task, ...]] = field(compare=False)
    label: str = field(default="", compare=False)
    place: Place | None = field(default=None, compare=False)


class TaskFactory:
    """Makes tasks and their addresses, asking each component for its identity once."""

    def __init__(self, registry: Registry) -> None:
        """Start with nothing known.

        Args:
            registry: The components.
        """
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
        place: Place | None = None,
    ) -> Task:
        """Make a task.

        Args:
            step: The step's name.
            version: The step's version.
            choices: Components by role.
            settings: Other settings, JSON-able.
            inputs: Tasks read, by role; None for an optional input that is not there.
            search: Whether parameters that only a search uses count.
            label: What the task is, for people.
            place: Where in the spec it comes from.

        Returns:
            The task with its address.
        """
        choices, settings = choices or {}, settings or {}
        read = {role: _tuple(tasks) for role, tasks in (inputs or {}).items() if tasks is not None}
        payload = {
            "step": step,
            "version": version,
            "choices": {role: self.identity(choice, search=search) for role, choice in choices.items()},
            "settings": dict(settings),
            "inputs": {role: [task.address for task in tasks] for role, tasks in read.items()},
        }
        return Task(step, address(payload), choices, settings, read, label, place)

    def identity(self, choice: Choice, *, search: bool = True) -> dict[str, Any]:
        """Say what a choice is (see `Registry.identity`), asking its component only once.

        Args:
            choice: The choice.
            search: Whether parameters that only a search uses count.

        Returns:
            JSON-able description.
        """
        key = (f"{choice.kind}:{choice.name}:{canonical_json(_plain(choice))}", search)
        if key not in self._identities:
            self._identities[key] = self.registry.identity(choice, search=search)
        return self._identities[key]


@dataclass(frozen=True)
class Work:
    """What a step gets to do one task.

    Attributes:
        task: The task.
        registry: To build components.
        entries: The complete entries of the task's inputs, by role, in order.
        folder: Where to write the outcome.
        calls: The answers of language models.
        vectors: The vectors of texts that are kept one by one.
        provisional: Not empty where the outcome holds failures that the next run should try again.
        progress: Told how far a long piece of work is.
    """

    task: Task
    registry: Registry
    entries: Mapping[str, tuple[Entry, ...]]
    folder: Path
    calls: Any = None
    vectors: Any = None
    provisional: list[str] = field(default_factory=list)
    progress: Progress = lambda what, done, total: None

    def mark_provisional(self, why: str) -> None:
        """Say that the outcome holds failures that the next run should try again.

        Args:
            why: What failed.
        """
        self.provisional.append(why)

    def input(self, role: str) -> Path:
        """Say where the one input of a role lies.

        Args:
            role: The role.

        Returns:
            The entry's folder.
        """
        (entry,) = self.entries[role]
        return entry.folder

    def optional(self, role: str) -> Path | None:
        """Say where an optional input lies.

        Args:
            role: The role.

        Returns:
            The entry's folder; None where the task has no such input.
        """
        return self.input(role) if role in self.entries else None

    def build(self, role: str) -> Any:
        """Build the component of a role.

        Args:
            role: The role.

        Returns:
            The component.
        """
        return self.registry.build(self.task.choices[role])


def _tuple(tasks: Task | Sequence[Task]) -> tuple[Task, ...]:
    return (tasks,) if isinstance(tasks, Task) else tuple(tasks)


def _plain(value: Any) -> Any:
    if isinstance(value, Choice):
        return [value.kind, value.name, {key: _plain(item) for key, item in value.parameters.items()}]
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
