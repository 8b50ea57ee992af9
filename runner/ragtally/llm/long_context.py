"""Long context: whether whole documents, or the whole corpus, fit into each model's window; told before any call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ragtally.api import Call, CallError, ModelTraits, raise_all
from ragtally.llm.context_length import larger_context, longest_call
from ragtally.llm.tokens import CHARACTERS_PER_TOKEN, count_tokens
from ragtally.plan import Cell, StudyPlan
from ragtally.plan.cells import unscored_cell
from ragtally.spec.study import LONG_CONTROLS
from ragtally.steps import ASK, Task, TaskFactory
from ragtally.steps.ask import calls_of
from ragtally.tables import load_corpus_rows, load_questions, load_texts
from ragtally.workspace import Workspace

# A corpus that by its length alone is so many times too long is not counted token by token.
_FAR_TOO_LONG = 4


@dataclass(frozen=True, slots=True)
class LongContext:
    """The prompts of one reader under one control, against its model's window."""

    control: str  # `whole_document` or `whole_corpus`
    reader: str  # The reader's name in the spec
    model: str  # Provider and model
    prompts: int  # How many are not answered yet
    longest: int  # Tokens of the longest of these with its answer, about
    window: int | None  # How many tokens the model sees; None where that is not known

    @property
    def excess(self) -> int:
        """By how many tokens the longest prompt is too long; 0 where it fits, or nobody can say."""
        return max(0, self.longest - self.window) if self.window is not None else 0

    @property
    def reason(self) -> str:
        """Why the cells of it are not scored."""
        # It is part of an address, and names in a spec are not.
        return f"its longest prompt is about {self.excess:,} tokens too long for a model that sees {self.window:,}"


def long_contexts(plan: StudyPlan, workspace: Workspace) -> tuple[LongContext, ...]:
    """Measure the long contexts that are to be asked; the free work that this needs is done."""
    prompts: dict[tuple[str, str], list[Task]] = {}
    for cell in plan.cells:
        prompts.setdefault((str(cell.picks.condition), str(cell.picks.reader)), []).extend(
            _open_tasks(cell, workspace)
        )
    return tuple(
        _measure(control, reader, tasks, plan, workspace) for (control, reader), tasks in prompts.items() if tasks
    )


def fitting_plan(plan: StudyPlan, workspace: Workspace) -> StudyPlan:
    """The plan without prompts that no model could read: errors, or cells that say why they have no score."""
    overlong = [one for one in long_contexts(plan, workspace) if one.excess]
    if plan.study.on_overlong == "error":
        raise_all([overlong_error(one, plan, workspace) for one in overlong])
    return without_overlong(plan, workspace, overlong)


def without_overlong(plan: StudyPlan, workspace: Workspace, overlong: Sequence[LongContext]) -> StudyPlan:
    """The plan in which the cells of what is too long are not scored, with the reason."""
    reasons = {(one.control, one.reader): one.reason for one in overlong if one.excess}
    factory = TaskFactory(workspace.registry)

    def of_cell(cell: Cell) -> Cell:
        reason = reasons.get((str(cell.picks.condition), str(cell.picks.reader)))
        return cell if reason is None else unscored_cell(cell, reason, factory)

    return replace(plan, cells=tuple(map(of_cell, plan.cells))) if reasons else plan


def overlong_error(one: LongContext, plan: StudyPlan, workspace: Workspace) -> CallError:
    """What to say of a long context that does not fit."""
    choice = plan.study.readers[one.reader].choice.parameters["model"]
    name = next((name for name, model in plan.study.models.items() if model == choice), one.reader)
    larger = larger_context(name, workspace.registry.traits(choice), one.longest)
    return CallError(
        f"{one.control} of {one.reader}: the longest prompt has about {one.longest:,} tokens with its answer, and"
        f" {one.model} sees {one.window:,}: {one.excess:,} too many",
        reason="too long",
        location=plan.study.location("controls"),
        hint=f"{larger}; leave {one.control} out of the controls; or on_overlong: skip, and its cells have no score,"
        " with the reason",
    )


def _open_tasks(cell: Cell, workspace: Workspace) -> Iterator[Task]:
    """The calls of a cell with a long context that the store does not hold whole."""
    if cell.picks.condition in LONG_CONTROLS and cell.picks.kind == "control" and cell.verdicts is not None:
        for parse in cell.verdicts.inputs["parse"]:
            (answers,) = parse.inputs["read"]
            if answers.step is ASK and not workspace.store.complete(ASK.stored_as, answers.address):
                yield answers


def _measure(control: str, reader: str, tasks: Sequence[Task], plan: StudyPlan, workspace: Workspace) -> LongContext:
    traits: ModelTraits = workspace.registry.traits(tasks[0].choices["model"])
    model, answer = f"{traits.provider}/{traits.model}", traits.output_tokens or 0
    if control == "whole_corpus" and traits.context_tokens is not None:
        # The corpus alone may be far too long: then it is not written out once for each question.
        tokens = _corpus_tokens(plan, workspace, traits.context_tokens) + answer
        if tokens > traits.context_tokens:
            questions = len(load_questions(workspace.entry(plan.sample)))
            return LongContext(control, reader, model, questions, tokens, traits.context_tokens)
    calls: dict[str, Call] = {}
    for task in dict.fromkeys(tasks):
        prompts = workspace.entry(task.inputs["prompt"][0])
        calls.update((call.key, call) for call in calls_of(task, prompts, takes_seed=False))
    left = [calls[key] for key in workspace.calls.keys_without_reply(list(calls))]
    longest = longest_call(left) + answer if left else 0
    return LongContext(control, reader, model, len(left), longest, traits.context_tokens)


def _corpus_tokens(plan: StudyPlan, workspace: Workspace, window: int) -> int:
    """The tokens of all documents; from their length alone where they are far too many."""
    folder = workspace.entry(plan.dataset)
    texts = load_texts(folder)
    own = [texts[row] for row in load_corpus_rows(folder).tolist()]
    quick = sum(map(len, own)) // CHARACTERS_PER_TOKEN
    return quick if quick > _FAR_TOO_LONG * window else sum(map(count_tokens, own))
