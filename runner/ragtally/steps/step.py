"""Steps and tasks: a kind of work, one piece of it with its address, and what is needed to do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragtally.api import Choice, Location, LossPoint, Progress
from ragtally.api.address import address
from ragtally.registry import Registry
from ragtally.store import Entry
from ragtally.store.calls import CallStore
from ragtally.store.tuning import TuningStore
from ragtally.store.vectors import VectorStore


@dataclass(frozen=True, eq=False)
class Step:
    """A kind of work, such as voting."""

    name: str
    version: int  # Raised whenever the same input would give another output
    run: Callable[[Work], None]  # Does one task
    inputs: tuple[str, ...] = ()  # The roles of the entries that it may read
    # The name in addresses and of the folder in the store. Steps renamed since version 0.1 keep the old one there:
    # otherwise everybody's finished work would be done, and paid for, again.
    stored_as: str = ""
    stored_roles: Mapping[str, str] = field(default_factory=dict)  # Likewise for roles in addresses
    sharding: Sharding | None = None  # How large tasks are cut into pieces
    # Whether a task can be done by another process, maybe on another machine: it reads nothing but its entries.
    can_leave: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "stored_as", self.stored_as or self.name)


@dataclass(frozen=True)
class Sharding:
    """How a task is cut into pieces, which several processes may do in any order."""

    # How many pieces there are. Their number and bounds follow from the task and its inputs alone, never from who
    # does them, so that the same bytes come of it whatever the executor. With one, `Step.run` does the task.
    count: Callable[[Work], int]
    run: Callable[[Work, Shard], None]  # Does a piece: writes what it comes to into the folder of the work
    merge: Callable[[Work, Sequence[Path]], None]  # Makes the outcome of the pieces' folders, in order
    # Does, once and before them, what all pieces need, such as learning from the whole corpus; they and the merge
    # find it in `Work.shared`.
    first: Callable[[Work], None] | None = None
    # Whether another process can do a piece although the task as a whole cannot leave.
    can_leave: bool = False
    # Whether a piece keeps a machine busy by itself, with the weights that it holds: then only other machines help.
    fills_machine: bool = False


# Under what the first piece, which all others need, is stored among the pieces of its task.
FIRST = address({"piece": "first"})


@dataclass(frozen=True, slots=True)
class Shard:
    """Which of the pieces of a task."""

    number: int  # From 0
    count: int

    @property
    def address(self) -> str:
        """Under what a piece is stored, among the pieces of its task."""
        return address({"piece": self.number, "of": self.count})

    def rows(self, total: int) -> slice:
        """Its share of some rows: as many as every other's, give or take one."""
        return slice(total * self.number // self.count, total * (self.number + 1) // self.count)


@dataclass(frozen=True)
class Task:
    """One piece of work; two tasks of one address are equal."""

    step: Step = field(compare=False)
    address: str  # What the work is: a hash of the step's version, components, settings and inputs
    choices: Mapping[str, Choice] = field(compare=False)  # The components that it uses, by role
    settings: Mapping[str, Any] = field(compare=False)  # Everything else that decides the outcome, JSON-able
    # The tasks whose entries it reads, by role, in order.
    inputs: Mapping[str, tuple[Task, ...]] = field(compare=False)
    label: str = field(default="", compare=False)  # What it is, for people; not part of the address
    # Where in the spec it comes from, for errors; not part of the address.
    location: Location | None = field(default=None, compare=False)

    @property
    def sources(self) -> list[Task]:
        """All tasks whose entries it reads."""
        return [source for tasks in self.inputs.values() for source in tasks]


class TaskFactory:
    """Makes tasks and their addresses, asking each component for its identity once."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._identities: dict[tuple[str, bool], dict[str, Any]] = {}

    def task(
        self,
        step: Step,
        *,
        choices: Mapping[str, Choice] | None = None,
        settings: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Task | Sequence[Task] | None] | None = None,
        beside: Mapping[str, Choice] | None = None,
        search: bool = True,
        label: str = "",
        location: Location | None = None,
    ) -> Task:
        """Make a task; inputs that are None are left out, components `beside` are no part of its address."""
        choices, settings = choices or {}, settings or {}
        sources = {role: _tuple(tasks) for role, tasks in (inputs or {}).items() if tasks is not None}
        unknown = sources.keys() - set(step.inputs)
        if unknown:
            raise ValueError(f"the step {step.name} reads no {', '.join(sorted(unknown))}")
        payload = {
            "step": step.stored_as,
            "version": step.version,
            "choices": {role: self.identity(choice, search=search) for role, choice in choices.items()},
            "settings": dict(settings),
            "inputs": {
                step.stored_roles.get(role, role): [source.address for source in own] for role, own in sources.items()
            },
        }
        return Task(step, address(payload), {**choices, **(beside or {})}, settings, sources, label, location)

    def identity(self, choice: Choice, *, search: bool = True) -> dict[str, Any]:
        """What a choice is (see `Registry.identity`), asking its component only once."""
        key = choice.key, search
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
    calls: CallStore  # The answers of language models
    vectors: VectorStore  # The vectors of texts that are stored one by one
    tunings: TuningStore  # The models that providers fine-tuned
    # Not empty where the outcome holds failures that the next run should try again.
    provisional: list[str] = field(default_factory=list)
    progress: Progress = lambda what, so_far, total: None  # Is called as a long piece of work advances
    # A folder that outlives a kill, for what lets the next run go on; removed once the entry is complete.
    scratch: Path = Path("scratch")
    # Is told of the losses of a training, and how many steps there are at most.
    watch_losses: Callable[[Task, Sequence[LossPoint], int], None] = lambda task, points, steps: None
    shared: Path = Path()  # What `Sharding.first` wrote for all pieces

    def mark_provisional(self, why: str) -> None:
        """Record that the outcome holds failures that the next run should try again."""
        self.provisional.append(why)

    def input(self, role: str) -> Path:
        """The folder of the one input of a role."""
        (entry,) = self.entries[role]
        return entry.folder

    def optional(self, role: str) -> Path | None:
        """The folder of an optional input."""
        return self.input(role) if role in self.entries else None

    def build(self, role: str) -> Any:
        """Build the component of a role."""
        return self.registry.build(self.task.choices[role])


def _tuple(tasks: Task | Sequence[Task]) -> tuple[Task, ...]:
    return (tasks,) if isinstance(tasks, Task) else tuple(tasks)
