"""What a study still has to pay for calls and vectors, before anything is spent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import NamedTuple

from ragtally.api import Call, EmbedderTraits, ModelTraits, Reply, canonical_json
from ragtally.engine.example_bounds import ExampleBounds, is_about_examples, most_answer_tokens
from ragtally.engine.run import execute
from ragtally.llm.call_group import spec_name
from ragtally.llm.embeddings import EMBEDDING_STEPS, texts_to_embed
from ragtally.llm.preflight import check_models
from ragtally.llm.tokens import count_tokens, total_input_tokens
from ragtally.plan import StudyPlan, in_order, plan_study
from ragtally.steps import ASK, POOL_PROMPT, Task
from ragtally.steps.ask import calls_of
from ragtally.steps.judge import JUDGES, stand_in_prompts
from ragtally.store.batches import FILE_NAME, BatchStore
from ragtally.tables import load_base_rows, load_questions
from ragtally.workspace import Workspace

_OUTPUT_TOKENS = 16
# A reason in a sentence, and the grade.
_JUDGMENT_TOKENS = 48
_JUDGING = ("judge", "pool")
_MINUTES_PER_HOUR = 60
_SECONDS_PER_HOUR = 3600
# Tokens are counted in about so many of an embedder's texts, and scaled up by length.
_SAMPLE = 500


@dataclass(frozen=True, slots=True)
class ModelEstimate:
    """The calls that one model still has to answer."""

    name: str  # As the spec names it
    model: str  # Provider and model
    calls: int  # Different calls that the study needs
    paid: int  # How many of them the store holds
    to_pay: int  # How many are left
    # Whether `calls` and `to_pay` are exact; else upper bounds, since the base is not known yet, or some prompts
    # depend on other unpaid calls or vectors.
    exact: bool
    # Tokens of the prompts left, estimated from their length; prompts that cannot be written yet are assumed to be
    # like the model's others, and a judge's like those about the references. None where there are no others.
    input_tokens: int | None
    # Tokens of the answers left, estimated from stored answers, else the most that the model may generate, else a
    # guess of a short answer.
    output_tokens: int
    dollars: float | None  # US dollars left to pay, after a batch's discount; None where the price is unknown
    # Hours that the calls left take, as fast as those answered before and within the stated limits; of batches, until
    # the last one is over at the latest. None where none was answered and nothing is stated.
    hours: float | None
    days: float | None  # Days at the stated daily quota; None where none is stated
    in_batches: int = 0  # How many of the calls left are in an open batch already
    batches: int | None = None  # In how many batches the rest goes; None for a model whose calls are sent one by one
    discount: float = 0.0  # The share of the price that batches save; 0 without them


@dataclass(frozen=True, slots=True)
class EmbedderEstimate:
    """The texts that one embedder, whose vectors are stored, still has to embed."""

    embedder: str
    texts: int  # Different texts (chunks and questions) that the study needs vectors of
    stored: int  # How many of their vectors the store holds
    to_embed: int  # How many are left
    input_tokens: int  # Their tokens, estimated
    dollars: float | None  # US dollars left to pay; None where the price is unknown


def estimate(plan: StudyPlan, workspace: Workspace) -> tuple[ModelEstimate, ...]:
    """Do the free local work up to the prompts, then count the calls that are not answered yet."""
    tasks = all_tasks = ask_tasks(plan)
    if not all_tasks:
        return ()
    if plan.base is not None and not workspace.store.complete(plan.base.step.stored_as, plan.base.address):
        # Until the base is known, the grid's readers are counted on all questions: an upper bound.
        tasks = ask_tasks(plan_study(replace(plan.study, grid_on="all"), workspace.registry))
    open_tasks = [task for task in tasks if not workspace.store.complete(task.step.stored_as, task.address)]
    check_models(open_tasks, plan.study, workspace)
    unknown_tasks = _awaiting_payment(tasks, workspace)
    execute([task.inputs["prompt"][0] for task in tasks if task not in unknown_tasks], workspace, plan.study)
    exact = set(all_tasks) - unknown_tasks
    by_asker: dict[_Asker, list[Task]] = {}
    for task in tasks:
        by_asker.setdefault(_Asker.of(task), []).append(task)
    calls, bounds = (
        _written_calls([task for task in tasks if task not in unknown_tasks], workspace),
        ExampleBounds(workspace),
    )
    all_calls = {key: call for of_model in calls.values() for key, call in of_model.items()}
    return tuple(
        _estimate_model(
            spec_name(own, plan.study) + (" as judge" if asker.judges else ""),
            own,
            calls.get(asker, {}),
            {task: _most_questions(task, bounds, workspace) for task in unknown_tasks.intersection(own)},
            list(all_calls.values()),
            workspace,
            exact=exact.issuperset(own),
        )
        for asker, own in by_asker.items()
    )


class _Asker(NamedTuple):
    """A model as a reader's or as a judge: prompts and replies of the two are not alike."""

    model: str
    judges: bool

    @staticmethod
    def of(task: Task) -> _Asker:
        return _Asker(canonical_json(task.settings["model"]), task.settings["purpose"] in _JUDGING)


def _written_calls(tasks: Sequence[Task], workspace: Workspace) -> dict[_Asker, dict[str, Call]]:
    """The different calls of tasks, by who is asked and by key."""
    calls: dict[_Asker, dict[str, Call]] = {}
    # Prompt by prompt: models and votes share them, and reading them takes longest.
    for task in sorted(tasks, key=lambda task: task.inputs["prompt"][0].address):
        prompts = workspace.entry(task.inputs["prompt"][0])
        of_model = calls.setdefault(_Asker.of(task), {})
        of_model.update((call.key, call) for call in calls_of(task, prompts, takes_seed=False))
    return calls


def _awaiting_payment(tasks: Sequence[Task], workspace: Workspace) -> set[Task]:
    """The tasks whose inputs depend on answers of a model or an embedder that are not there yet."""

    def is_to_pay(task: Task) -> bool:
        if task.step in EMBEDDING_STEPS:
            is_paid = bool(workspace.registry.traits(task.choices["embedder"]).cacheable)
        else:
            is_paid = task.step is ASK
        return is_paid and not workspace.store.complete(task.step.stored_as, task.address)

    awaiting: set[Task] = set()
    to_pay: set[Task] = set()
    for task in in_order(tasks):
        if any(source in awaiting or source in to_pay for inputs in task.inputs.values() for source in inputs):
            awaiting.add(task)
        if is_to_pay(task):
            to_pay.add(task)
    return awaiting.intersection(tasks)


def _paid_goals(plan: StudyPlan) -> list[Task]:
    return [goal for stage in ("examples", "label", "bench") for goal in plan.goals(stage)]


def ask_tasks(plan: StudyPlan) -> list[Task]:
    return [task for task in in_order(_paid_goals(plan)) if task.step is ASK]


def _estimate_model(
    name: str,
    tasks: Sequence[Task],
    calls: Mapping[str, Call],
    unwritten_by_task: Mapping[Task, int],
    all_calls: Sequence[Call],
    workspace: Workspace,
    *,
    exact: bool,
) -> ModelEstimate:
    """Count a model's calls, written or not written yet; `all_calls` are the written ones of all models."""
    traits: ModelTraits = workspace.registry.traits(tasks[0].choices["model"])
    replies = workspace.calls.replies_to(list(calls))
    left = [call for key, call in calls.items() if key not in replies]
    unwritten = sum(unwritten_by_task.values())
    to_pay = len(left) + unwritten
    # Prompts about examples hold a passage, whoever gets them; a judge's are as long as those about the references.
    similar = list(calls.values()) or (all_calls if any(map(is_about_examples, unwritten_by_task)) else [])
    if _Asker.of(tasks[0]).judges and not similar:
        similar = _stand_ins(tasks[0], workspace)
    input_tokens = _input_tokens(left, similar, unwritten)
    output_tokens = _output_tokens(traits, tasks, left, replies, unwritten_by_task)
    terms, quota = traits.batch, traits.limits.requests_per_day
    with closing(BatchStore(workspace.store.root / FILE_NAME)) as store:
        in_batches = len(store.keys_in_batches(call.key for call in left))
    if terms is None:
        hours = _hours(
            traits, _seconds_per_call(traits, replies, workspace), to_pay, (input_tokens or 0) + output_tokens
        )
    else:
        hours = terms.window_hours if to_pay else 0.0
    return ModelEstimate(
        name=name,
        model=f"{traits.provider}/{traits.model}",
        calls=len(calls) + unwritten,
        paid=len(replies),
        to_pay=to_pay,
        exact=exact,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        dollars=_dollars(traits, input_tokens, output_tokens, hours),
        hours=hours,
        days=None if quota is None else to_pay / quota,
        in_batches=in_batches,
        batches=None if terms is None else -(-(to_pay - in_batches) // terms.calls),
        discount=0.0 if terms is None else terms.discount,
    )


def _most_questions(task: Task, bounds: ExampleBounds, workspace: Workspace) -> int:
    """How many questions a task asks at most, where its prompts cannot be written yet."""
    (prompts,) = task.inputs["prompt"]
    if is_about_examples(task):
        return bounds.prompts(prompts)
    base_tasks = prompts.inputs.get("base")
    if base_tasks and workspace.store.complete(base_tasks[0].step.stored_as, base_tasks[0].address):
        return len(load_base_rows(workspace.entry(base_tasks[0])))
    questions = len(load_questions(workspace.entry(prompts.inputs["sample"][0])))
    # Where every vote gives another answer.
    return questions * math.comb(len(prompts.inputs["parse"]), 2) if prompts.step is POOL_PROMPT else questions


def _input_tokens(left: Sequence[Call], known_calls: Sequence[Call], unwritten: int) -> int | None:
    tokens = total_input_tokens(left)
    if not unwritten:
        return tokens
    return tokens + round(unwritten * total_input_tokens(known_calls) / len(known_calls)) if known_calls else None


def _stand_ins(task: Task, workspace: Workspace) -> list[Call]:
    """Calls as long as a judge's about answers that nobody has given yet."""
    (prompts,) = task.inputs["prompt"]
    sample = workspace.entry(prompts.inputs["sample"][0])
    settings = (prompts.settings["criterion"], prompts.settings["language"])
    messages = stand_in_prompts(prompts.choices[JUDGES], workspace.registry, sample, *settings)
    return [Call("", each, "judge", 0, None) for each in messages]


def _answer_tokens(replies: Mapping[str, Reply], guess: int) -> float:
    counts = [reply.output_tokens for reply in replies.values() if reply.output_tokens is not None]
    return sum(counts) / len(counts) if counts else guess


def _output_tokens(
    traits: ModelTraits,
    tasks: Sequence[Task],
    left: Sequence[Call],
    replies: Mapping[str, Reply],
    unwritten_by_task: Mapping[Task, int],
) -> int:
    """The tokens of the answers left: of examples and their grades by what they are for, since lengths differ."""
    about_examples = {
        str(task.settings["purpose"]): most_answer_tokens(task) for task in tasks if is_about_examples(task)
    }
    counts = Counter(call.purpose for call in left)
    for task, count in unwritten_by_task.items():
        counts[task.settings["purpose"]] += count
    total = 0.0
    for purpose, count in counts.items():
        usual = about_examples.get(purpose)
        guess = _JUDGMENT_TOKENS if purpose in _JUDGING else traits.output_tokens or _OUTPUT_TOKENS
        tokens = _answer_tokens(replies, guess) if usual is None else min(traits.output_tokens or usual, usual)
        total += tokens * count
    return round(total)


def _seconds_per_call(traits: ModelTraits, replies: Mapping[str, Reply], workspace: Workspace) -> float | None:
    """As measured with the study's own calls, else with the latest of the model's."""
    if replies:
        return sum(reply.seconds for reply in replies.values()) / len(replies)
    return workspace.calls.seconds_per_call(traits.provider, traits.model)


def _hours(traits: ModelTraits, seconds: float | None, calls: int, tokens: int) -> float | None:
    """The slowest of what was measured, requests per minute and tokens per minute allow."""
    limits = traits.limits
    bounds = []
    if not calls:
        bounds.append(0.0)
    elif seconds is not None:
        bounds.append(calls * seconds / _SECONDS_PER_HOUR)
    if limits.requests_per_minute:
        bounds.append(calls / limits.requests_per_minute / _MINUTES_PER_HOUR)
    if limits.tokens_per_minute:
        bounds.append(tokens / limits.tokens_per_minute / _MINUTES_PER_HOUR)
    return max(bounds, default=None)


def _dollars(traits: ModelTraits, input_tokens: int | None, output_tokens: int, hours: float | None) -> float | None:
    price = traits.effective_price
    if price is None or (price.usd_per_hour is not None and hours is None):
        return None
    return price.dollars(input_tokens, output_tokens, (hours or 0.0) * _SECONDS_PER_HOUR)


def estimate_embedding(plan: StudyPlan, workspace: Workspace) -> tuple[EmbedderEstimate, ...]:
    """Do the free local work up to the chunks, then count the texts that have no vector yet."""
    tasks = [
        task
        for task in in_order(_paid_goals(plan))
        if task.step in EMBEDDING_STEPS and workspace.registry.traits(task.choices["embedder"]).cacheable
    ]
    sources = [source for task in tasks for inputs in task.inputs.values() for source in inputs]
    execute(sources, workspace, plan.study)
    by_embedder: dict[str, list[Task]] = {}
    for task in tasks:
        identity = canonical_json(workspace.registry.identity(task.choices["embedder"]))
        by_embedder.setdefault(identity, []).append(task)
    return tuple(_estimate_embedder(own, workspace) for own in by_embedder.values())


def _estimate_embedder(tasks: Sequence[Task], workspace: Workspace) -> EmbedderEstimate:
    choice = tasks[0].choices["embedder"]
    traits: EmbedderTraits = workspace.registry.traits(choice)
    texts: dict[bytes, str] = {}
    for task in tasks:
        request = texts_to_embed(task, workspace)
        texts.update(request.texts if request else {})
    left = workspace.vectors.unknown(list(texts))
    sample = left[:: max(1, len(left) // _SAMPLE)]
    characters = sum(len(texts[key]) for key in sample)
    tokens = sum(count_tokens(texts[key]) for key in sample)
    all_characters = sum(len(texts[key]) for key in left)
    input_tokens = round(tokens * all_characters / characters) if characters else 0
    return EmbedderEstimate(
        embedder=traits.name or str(choice),
        texts=len(texts),
        stored=len(texts) - len(left),
        to_embed=len(left),
        input_tokens=input_tokens,
        dollars=None if traits.price is None else traits.price.dollars(input_tokens, 0, 0.0),
    )
