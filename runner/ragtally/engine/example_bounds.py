"""How many examples, and prompts about them, a study has at most, before its models have written any."""

from __future__ import annotations

import functools

from ragtally.steps import EVOLVE_PROMPT, GENERATE_PROMPT, REPAIR_PROMPT, VALIDATE_PROMPT, Task
from ragtally.tables import load_examples, load_prompts
from ragtally.workspace import Workspace

# What an answer takes where nobody knows: an example in JSON, and a grade with its reason.
_EXAMPLE_TOKENS, _GRADE_TOKENS = 200, 60
_PROMPTS = (GENERATE_PROMPT, VALIDATE_PROMPT, REPAIR_PROMPT, EVOLVE_PROMPT)


def is_about_examples(ask: Task) -> bool:
    """Whether a model is asked to write or grade examples."""
    return ask.inputs["prompt"][0].step in _PROMPTS


def most_answer_tokens(ask: Task) -> int:
    """How long a usual answer is at most."""
    settings = ask.inputs["prompt"][0].settings
    return _GRADE_TOKENS * len(settings.get("criteria", ())) or _EXAMPLE_TOKENS * int(settings.get("count", 1))


class ExampleBounds:
    """Bounds on what cannot be counted yet: every example that is asked for comes, is rejected, and is accepted."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.examples = functools.cache(self._examples)

    def prompts(self, task: Task) -> int:
        """How many prompts a task writes at most."""
        if self._is_complete(task):
            return len(load_prompts(self._workspace.entry(task)).prompts)
        settings = task.settings
        of = (settings["generator"], settings["kind"]) if task.step is not VALIDATE_PROMPT else (None, None)
        sources = sum(self.examples(source, *of) for source in task.inputs["examples"])
        return sources * len(settings.get("ways", (None,)))

    def _examples(self, task: Task, generator: int | None, kind: str | None) -> int:
        """How many examples a task writes at most, all or those of one generator and kind."""
        if self._is_complete(task):
            examples = load_examples(self._workspace.entry(task))
            if generator is not None:
                examples = examples.filter(generator=generator, kind=kind)
            return len(examples)
        return sum(
            self.prompts(prompts) * int(prompts.settings.get("count", 1))
            for prompts, own in zip(task.inputs["prompt"], task.settings["generators"], strict=True)
            if generator is None or (own == generator and prompts.settings["kind"] == kind)
        )

    def _is_complete(self, task: Task) -> bool:
        return self._workspace.store.complete(task.step.stored_as, task.address)
