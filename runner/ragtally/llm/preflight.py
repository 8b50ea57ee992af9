"""What a study lacks to ask its models, said before anything is paid: keys, and models at one's own servers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ragtally.api import Choice, Component, DataError, Finding, ModelTraits, RagtallyError, raise_all
from ragtally.llm.call_group import CallGroup
from ragtally.spec.study import Study
from ragtally.steps import Task
from ragtally.workspace import Workspace

# What of a component looks for something that is missing.
_Hook = Callable[[Component], Callable[..., Sequence[Finding]] | None]


def missing_keys(study: Study, workspace: Workspace) -> list[RagtallyError]:
    """Say which keys a study lacks; a model whose answers are saved may need none any more."""
    errors = _errors(
        study.askable(), study, workspace, lambda component: component.missing_keys, unless=_has_answered
    )
    for error in errors:
        error.hint = f"{error.hint}, or the same without `export` in a file .env that is not committed"
    return errors


def check_models(tasks: Iterable[Task], study: Study, workspace: Workspace) -> None:
    """Before any work, ask the servers of models that have never answered whether they have them."""
    choices = {str(task.choices["model"]): task.choices["model"] for task in tasks}.values()
    askable = [each for each in study.askable() if each[1] in choices]
    raise_all(_errors(askable, study, workspace, lambda component: component.missing_models, unless=_has_answered))


def check_groups(groups: Sequence[CallGroup], study: Study, workspace: Workspace) -> None:
    """Before calls are sent, look for what the models of those that are not answered yet lack."""
    choices = [group.choice for group in groups if workspace.calls.keys_without_reply(list(group.calls))]
    askable = [each for each in study.askable() if each[1] in choices]
    for hook in (lambda component: component.missing_keys, lambda component: component.missing_models):
        raise_all(_errors(askable, study, workspace, hook))


def _errors(
    askable: Iterable[tuple[str, Choice]],
    study: Study,
    workspace: Workspace,
    hook: _Hook,
    unless: Callable[[Choice, Workspace], bool] = lambda choice, workspace: False,
) -> list[RagtallyError]:
    """One error for each thing that is missing, whichever models lack it."""
    places: dict[Finding, list[str]] = {}
    for path, choice in askable:
        look = hook(workspace.registry.get(choice).component)
        findings = look(choice.parameters) if look is not None else ()
        if findings and not unless(choice, workspace):
            for finding in findings:
                places.setdefault(finding, []).append(path)
    return [
        DataError(
            f"{finding.what} ({', '.join(dict.fromkeys(paths))})",
            location=study.location(paths[0]),
            hint=finding.remedy,
        )
        for finding, paths in places.items()
    ]


def _has_answered(choice: Choice, workspace: Workspace) -> bool:
    if workspace.store.tier is not None:
        return True  # Others may have had its answers; `check_groups` looks before what is left is sent.
    traits = workspace.registry.traits(choice)
    if isinstance(traits, ModelTraits):
        return workspace.calls.seconds_per_call(traits.provider, traits.model) is not None
    return workspace.vectors.has_any(traits.name or str(choice))
