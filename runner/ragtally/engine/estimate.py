"""What a study still has to pay: calls, tokens, dollars and time, before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from ragtally.api import Call, ModelTraits, Reply, canonical_json
from ragtally.engine.execute import execute
from ragtally.llm.embedding import EMBEDDING_STEPS
from ragtally.llm.tokens import total_input_tokens
from ragtally.plan import StudyPlan, in_order, plan_study
from ragtally.steps import Task, ask, base, sample
from ragtally.store.batches import FILE_NAME, BatchStore
from ragtally.workspace import Workspace

_OUTPUT_TOKENS = 16
_MINUTES_PER_HOUR = 60
_SECONDS_PER_HOUR = 3600
_REPLY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ModelEstimate:
    """What one model still has to be asked."""

    model: str  # Provider and model
    calls: int  # Different calls that the study needs
    paid: int  # How many of them the store holds
    to_pay: int  # How many are left
    # Whether `calls` and `to_pay` are exact; else upper bounds, since the base is not known yet, or some prompts hold
    # what other unpaid calls or vectors decide.
    exact: bool
    # Tokens of the prompts left, estimated from their length; prompts that cannot be written yet are taken to be like
    # the model's others. None where there are no others.
    input_tokens: int | None
    # Tokens of the answers left, estimated from those that the store holds, else from the most that the model may
    # give, else a guess of a short answer.
    output_tokens: int
    dollars: float | None  # US dollars left to pay, a batch's discount taken off; None where the price is unknown
    # Hours that the calls left take at the stated limits; of batches, until the last one is over at the latest.
    hours: float
    days: float | None  # Days at the stated daily quota; None where none is stated
    in_batches: int = 0  # How many of the calls left are on their way in a batch already
    batches: int | None = None  # In how many batches the rest goes; None for a model whose calls are sent one by one
    discount: float = 0.0  # The share of the price that batches save; 0 without them


def estimate(plan: StudyPlan, workspace: Workspace) -> tuple[ModelEstimate, ...]:
    """Do the free local work up to the prompts, then count the calls that are not answered yet."""
    # Where the base is not known yet, the grid's readers are counted on all questions: an upper bound.
    exact = _asks(plan)
    if not exact:
        return ()
    counted = exact
    base_known = plan.base is None or workspace.store.complete(plan.base.step, plan.base.address)
    if not base_known:
        counted = _asks(plan_study(replace(plan.study, grid_on="all"), workspace.registry))
    waiting = [task for task in counted if waits_for_payment(task, workspace)]
    execute([task.inputs["prompt"][0] for task in counted if task not in waiting], workspace, plan.study)
    known = {task.address for task in exact} - {task.address for task in waiting}
    by_model: dict[str, list[Task]] = {}
    for task in counted:
        by_model.setdefault(canonical_json(task.settings["model"]), []).append(task)
    return tuple(_estimate(tasks, known, waiting, workspace) for tasks in by_model.values())


def waits_for_payment(task: Task, workspace: Workspace) -> bool:
    """Say whether what a task reads cannot be done without asking a model or an embedder first."""

    def asks(before: Task) -> bool:
        if before.step in EMBEDDING_STEPS:
            kept: bool = workspace.registry.traits(before.choices["embedder"]).cacheable
            return kept
        return before.step == ask.STEP

    before = (read for read in in_order((task,)) if read != task)
    return any(asks(read) and not workspace.store.complete(read.step, read.address) for read in before)


def _asks(plan: StudyPlan) -> list[Task]:
    goals = [goal for stage in ("label", "bench") for goal in plan.goals(stage)]
    return [task for task in in_order(goals) if task.step == ask.STEP]


def _estimate(tasks: Sequence[Task], known: set[str], waiting: Sequence[Task], workspace: Workspace) -> ModelEstimate:
    traits: ModelTraits = workspace.registry.traits(tasks[0].choices["model"])
    calls: dict[str, Call] = {}
    unwritten = 0
    for task in tasks:
        if task in waiting:
            unwritten += _questions(task, workspace)
            continue
        asked = ask.calls_of(task, workspace.entry(task.inputs["prompt"][0]), takes_seed=traits.takes_seed)
        calls.update((call.key, call) for call in asked.calls)
    replies = workspace.calls.answered(list(calls))
    left = [call for key, call in calls.items() if key not in replies]
    to_pay = len(left) + unwritten
    put_in = _input_tokens(left, list(calls.values()), unwritten)
    came_out = round(_answer_tokens(traits, replies) * to_pay)
    terms, price, quota = traits.batch, traits.charged, traits.limits.requests_per_day
    with closing(BatchStore(workspace.store.root / FILE_NAME)) as store:
        in_batches = len(store.claimed(call.key for call in left))
    if terms is None:
        hours = _hours(traits, replies, to_pay, (put_in or 0) + came_out)
    else:
        hours = terms.window_hours if to_pay else 0.0
    return ModelEstimate(
        model=f"{traits.provider}/{traits.model}",
        calls=len(calls) + unwritten,
        paid=len(replies),
        to_pay=to_pay,
        exact=all(task.address in known for task in tasks),
        input_tokens=put_in,
        output_tokens=came_out,
        dollars=None if price is None else price.dollars(put_in, came_out, hours * _SECONDS_PER_HOUR),
        hours=hours,
        days=None if quota is None else to_pay / quota,
        in_batches=in_batches,
        batches=None if terms is None else -(-(to_pay - in_batches) // terms.calls),
        discount=0.0 if terms is None else terms.discount,
    )


def _questions(task: Task, workspace: Workspace) -> int:
    """How many questions a task asks at most; its prompts cannot be written yet."""
    (prompts,) = task.inputs["prompt"]
    kept = prompts.inputs.get("base")
    if kept and workspace.store.complete(kept[0].step, kept[0].address):
        return len(base.load_rows(workspace.entry(kept[0])))
    return len(sample.load_questions(workspace.entry(prompts.inputs["sample"][0])))


def _input_tokens(left: Sequence[Call], written: Sequence[Call], unwritten: int) -> int | None:
    tokens = total_input_tokens(left)
    if not unwritten:
        return tokens
    return tokens + round(unwritten * total_input_tokens(written) / len(written)) if written else None


def _answer_tokens(traits: ModelTraits, replies: Mapping[str, Reply]) -> float:
    counts = [reply.output_tokens for reply in replies.values() if reply.output_tokens is not None]
    return sum(counts) / len(counts) if counts else traits.output_tokens or _OUTPUT_TOKENS


def _hours(traits: ModelTraits, replies: Mapping[str, Reply], calls: int, tokens: int) -> float:
    """The slowest of what concurrency, requests a minute and tokens a minute allow."""
    limits = traits.limits
    seconds = [reply.seconds for reply in replies.values()]
    each = sum(seconds) / len(seconds) if seconds else _REPLY_SECONDS
    bounds = [calls * each / limits.concurrency / _SECONDS_PER_HOUR]
    if limits.requests_per_minute:
        bounds.append(calls / limits.requests_per_minute / _MINUTES_PER_HOUR)
    if limits.tokens_per_minute:
        bounds.append(tokens / limits.tokens_per_minute / _MINUTES_PER_HOUR)
    return max(bounds)
