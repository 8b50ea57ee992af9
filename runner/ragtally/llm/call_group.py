"""The calls of one model that are ready to be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragtally.api import Call, Choice, ModelTraits
from ragtally.steps import Task
from ragtally.store.calls import CallAbout


@dataclass(frozen=True)
class CallGroup:
    """All calls of one model that are ready to be made, each key once."""

    traits: ModelTraits
    tasks: Sequence[Task]  # The tasks that need the calls
    calls: Mapping[str, Call]  # The calls by key

    @property
    def name(self) -> str:
        """Provider and model."""
        return f"{self.traits.provider}/{self.traits.model}"

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
