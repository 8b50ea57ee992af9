"""The calls of one model that are ready to be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragtally.api import Call, ChatModel, Choice, ModelTraits, PluginError, TunableModel
from ragtally.spec.study import Study
from ragtally.steps import Task
from ragtally.steps.tune import base_model
from ragtally.store.calls import CallAbout
from ragtally.tables import load_tuned_model
from ragtally.workspace import Workspace


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


def build_model(group: CallGroup, workspace: Workspace) -> ChatModel:
    """Build what the calls are sent to; one that was fine-tuned is asked by the name that its provider gave it."""
    model: ChatModel = workspace.registry.build(group.choice)
    training = group.tasks[0].inputs.get("tune")
    if training is not None:
        if not isinstance(model, TunableModel):
            raise PluginError(f"the model {group.name} cannot be asked as one that was fine-tuned")
        model.answer_as(load_tuned_model(workspace.entry(training[0])))
    return model


def spec_name(tasks: Sequence[Task], study: Study) -> str:
    """The name under `models` of the model that some tasks ask; all of them where a spec names it more than once."""
    choices = {id(task.choices["model"]): base_model(task.choices["model"]) for task in tasks}
    names = [name for name, model in study.models.items() if model in choices.values()]
    name = ", ".join(names) or str(base_model(tasks[0].choices["model"]))
    training = tasks[0].inputs.get("tune")
    return name if training is None else f"{name} fine-tuned for {training[0].label}"
