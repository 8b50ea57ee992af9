"""How long prompts are, and whether a model can read them: said before a call is paid for."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ragtally.api import Call, CallError, ModelTraits, canonical_json
from ragtally.llm.call_group import spec_name
from ragtally.llm.tokens import input_tokens, quick_input_tokens
from ragtally.spec.study import Study
from ragtally.steps import Task
from ragtally.steps.ask import calls_of
from ragtally.workspace import Workspace

# Tokens are counted by another tokenizer than the model's, whose count may be so much higher.
_MARGIN = 1.25
# Tokens left for an answer where nothing limits it.
_ANSWER_ROOM = 1024
# Contexts are suggested in steps of so many tokens.
_ROUND = 1024


def longest_call(calls: Collection[Call]) -> int:
    """Estimate the tokens of the longest prompt."""
    return input_tokens(max(calls, key=quick_input_tokens)) if calls else 0


def context_for(traits: ModelTraits, prompt_tokens: int) -> int:
    """The context that is surely enough for a prompt and its answer, as far as the model has so much."""
    tokens = round(_MARGIN * prompt_tokens) + (traits.output_tokens or _ANSWER_ROOM)
    return min(tokens, traits.context_tokens or tokens)


def room_error(name: str, traits: ModelTraits, calls: Collection[Call], study: Study) -> CallError | None:
    """What to say where the longest of some prompts does not fit into the context of a model of the spec."""
    room = traits.context_tokens
    if room is None or not calls:
        return None
    tokens = longest_call(calls) + (traits.output_tokens or 0)
    if tokens <= room:
        return None
    larger = larger_context(name, traits, tokens)
    return CallError(
        f"the longest prompt for {name} has about {tokens:,} tokens with its answer, and {traits.provider}/"
        f"{traits.model} sees {room:,}: the rest would be cut silently",
        reason="too long",
        location=study.location(f"models.{name.split(', ')[0]}"),
        hint=f"a smaller top_k or context_words, or {larger}",
    )


def larger_context(name: str, traits: ModelTraits, tokens: int) -> str:
    """What to write for prompts of so many tokens."""
    # A model whose context grows has been given all that it has.
    if traits.context_parameter is None or traits.context_grows:
        return f"a model with a larger context than {name}"
    return f"a larger context for {name}: {traits.context_parameter}: {-(-tokens // _ROUND) * _ROUND}"


def written_calls(tasks: Sequence[Task], workspace: Workspace) -> list[Call]:
    """The calls of one model's tasks whose prompts are in the store."""
    calls: list[Call] = []
    for task in tasks:
        (prompts,) = task.inputs["prompt"]
        if workspace.store.complete(prompts.step.stored_as, prompts.address):
            calls.extend(calls_of(task, workspace.entry(prompts), takes_seed=False))
    return calls


def overlong_prompts(tasks: Sequence[Task], workspace: Workspace, study: Study) -> list[CallError]:
    """Say of each model which prompts, of those that are written and unanswered, a run would refuse."""
    by_model: dict[str, list[Task]] = {}
    for task in tasks:
        if not workspace.store.complete(task.step.stored_as, task.address):
            by_model.setdefault(canonical_json(task.settings["model"]), []).append(task)
    errors = []
    for own in by_model.values():
        traits: ModelTraits = workspace.registry.traits(own[0].choices["model"])
        if traits.context_tokens is None:
            continue
        calls = {call.key: call for call in written_calls(own, workspace)}
        unanswered = workspace.calls.keys_without_reply(list(calls)) if calls else []
        errors.append(room_error(spec_name(own, study), traits, [calls[key] for key in unanswered], study))
    return [error for error in errors if error is not None]
