"""The calls of one model that are ready to be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragtally.api import Call, Choice, ModelTraits
from ragtally.spec.study import Study
from ragtally.steps import Task
from ragtally.store.calls import CallAbout


@dataclass(frozen=True)
class CallGroup:
    """All calls of one model that are ready to be made, each key once."""

    name: str  # As the spec names the model
    traits: ModelTraits
    tasks: Sequence[Task]  # The tasks that need the calls
    calls: Mapping[str, Call]  # The calls by key

    @property
    def calls_per_prompt(self) -> int:
        """How often a prompt is asked, on average and rounded up."""
        return -(-len(self.calls) // max(1, len({call.messages for call in self.calls.values()})))

    @property
    def choice(self) -> Choice:
        """The model component."""
        return self.tasks[0].choices["model"]

    @property
    def about(self) -> CallAbout:
        """Who is asked, for the call store."""
        return CallAbout(self.traits.provider, self.traits.model, self.tasks[0].settings["model"])


def spec_name(tasks: Sequence[Task], study: Study) -> str:
    """The name under `models` of the model that some tasks ask; all of them where a spec names it more than once."""
    choices = {id(task.choices["model"]): task.choices["model"] for task in tasks}
    names = [name for name, model in study.models.items() if model in choices.values()]
    return ", ".join(names) or str(tasks[0].choices["model"])
