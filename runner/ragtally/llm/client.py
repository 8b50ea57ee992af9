"""The calls of one model that are ready to be made."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ragtally import pipelines
from ragtally.api import (
    Call,
    CallError,
    ChatModel,
    Limits,
    ModelTraits,
    RagtallyError,
    Reply,
    RoomyChatModel,
    SlottedChatModel,
    StoppedError,
    canonical_json,
)
from ragtally.llm.batch_session import interruption, still_open
from ragtally.llm.batches import Batching
from ragtally.llm.budget import Spending, failure_price, price, worst_price
from ragtally.llm.call_group import CallGroup, build_model, spec_name
from ragtally.llm.capacity import Capacity
from ragtally.llm.claimed_calls import ClaimedCalls, wait_for_others
from ragtally.llm.context_length import context_for, longest_call, room_error, written_calls
from ragtally.llm.delivery import DeliveryResult, deliver
from ragtally.llm.preflight import check_groups
from ragtally.llm.stop import FREE_SPACE, NO_ROOM, StopReason, StopSignal, stop_on_interrupt
from ragtally.llm.tokens import count_tokens, quick_input_tokens
from ragtally.spec.study import Study
from ragtally.steps import Task
from ragtally.steps.ask import calls_of, keys_of
from ragtally.store import claims
from ragtally.store.batches import FILE_NAME, BatchStore
from ragtally.store.claims import Claims
from ragtally.store.reserve import Reserve
from ragtally.support.answer_schema import keeps_to
from ragtally.support.reply_outcomes import unusable
from ragtally.workspace import Workspace


class Asking:
    """Answers the calls of a study's ask tasks, model by model, within its budget."""

    def __init__(
        self, study: Study, workspace: Workspace, spending: Spending, tasks: Sequence[Task], *, wait: bool = True
    ) -> None:
        self._wait = wait
        self._claims = Claims(workspace.store.root / claims.FILE_NAME)
        self._failures: dict[str, CallError] = {}  # Calls that failed permanently
        self._capacities: dict[str, Capacity] = {}  # What was learnt of the servers, by model
        self._keys: dict[str, set[str]] = {}  # The calls that came up so far, by the model's name in the spec
        self._study = study
        self._tasks = tasks
        self._workspace = workspace
        self._spending = spending
        if study.budget.usd is not None:
            self._count_paid(
                [
                    task
                    for task in tasks
                    if workspace.store.complete(_prompts(task).step.stored_as, _prompts(task).address)
                ]
            )

    def answer(self, tasks: Sequence[Task]) -> None:
        """Make sure that every call of some tasks is answered, or was tried as often as it may be."""
        with closing(BatchStore(self._workspace.store.root / FILE_NAME)) as store:
            groups = self._groups(tasks)
            check_groups(groups, self._study, self._workspace)
            for group in groups:
                self._keys.setdefault(group.name, set()).update(group.calls)
            try:
                self._answer(groups, store)
            except KeyboardInterrupt:
                # Between two models' turns nothing else reports it.
                on_their_way = store.holding(key for group in groups for key in group.calls)
                raise interruption(on_their_way) from None

    def saved(self) -> str | None:
        """Say how many answers are saved, of the calls that came up so far; None where there were none."""
        counts = []
        for name, keys in self._keys.items():
            answered = len(keys) - len(self._workspace.calls.keys_without_reply(list(keys)))
            counts.append(f"{answered:,} of {len(keys):,} answers of {name}")
        return f"saved: {', '.join(counts)}" if counts else None

    def _answer(self, groups: Sequence[CallGroup], store: BatchStore) -> None:
        rest = groups
        self._failures.clear()
        while rest:
            left = self._send(rest, store)
            # What other runs are busy with is not paid for here; what they give up is.
            rest = [group for group, keys in left if keys and self._wait_for_others(group, keys)]
        for group in groups:
            self._report_schemas(group)

    def _send(self, groups: Sequence[CallGroup], store: BatchStore) -> list[tuple[CallGroup, list[str]]]:
        """Take calls to their ends; returns what other runs have claimed."""
        left: list[tuple[CallGroup, list[str]]] = []
        # Batches of all models are submitted first, so that they are answered side by side.
        batchings: dict[int, Batching] = {}
        for number, group in enumerate(groups):
            missing = self._missing(group)
            # A call that is on its way in a batch is not sent in another way, whatever the spec says now.
            if missing and (group.traits.batch is not None or store.keys_in_batches(missing)):
                workspace = self._workspace
                batchings[number] = Batching(group, workspace, store, self._claims, self._spending, self._study.seed)
                asyncio.run(batchings[number].begin())
        for number, group in enumerate(groups):
            if number not in batchings:
                left.append((group, self._deliver_live(group, store)))
        waiting = {batch.name: batch for batching in batchings.values() for batch in batching.open()}
        if waiting and not self._wait:
            raise StoppedError(still_open(tuple(waiting.values())), hint="`ragtally store batches` lists them")
        for number, batching in batchings.items():
            asyncio.run(batching.finish())
            group, batch = groups[number], groups[number].traits.batch
            unanswered = self._workspace.calls.keys_without_reply(list(group.calls))
            if batch is None or batch.then_live:
                if unanswered and batch is not None:
                    words = f"{len(unanswered):,} calls of {group.name} left by batches are sent live"
                    self._workspace.progress.warn(f"{words}, at the full price")
                left.append((group, self._deliver_live(group, store)))
            else:
                self._check_failures(group, batching.failed)
                self._failures.update(batching.failed)
                left.append((group, [key for key in unanswered if key not in batching.failed]))
        return left

    def _wait_for_others(self, group: CallGroup, keys: Sequence[str]) -> list[str]:
        """Take over the answers of other runs; returns the calls that these gave up."""
        progress, calls, stop = self._workspace.progress, self._workspace.calls, StopSignal()
        if self._claims.held_elsewhere(keys):
            progress.warn(
                f"another run is asking {len(keys):,} of these calls of {group.name}; its answers are shared"
            )

        def on_answered(answered: Sequence[str]) -> None:
            self._spending.add(group.traits, calls.replies_to(answered).values())
            for _ in answered:
                progress.advance(group.name, self._spending.words())

        async def wait() -> list[str]:
            with stop_on_interrupt(stop):
                return await wait_for_others(keys, self._claims, calls.keys_without_reply, on_answered, stop)

        try:
            return asyncio.run(wait())
        finally:
            self._claims.release()

    def _missing(self, group: CallGroup) -> list[str]:
        missing = self._workspace.calls.keys_without_reply(list(group.calls))
        self._workspace.progress.start(group.name, len(group.calls), len(group.calls) - len(missing))
        if error := room_error(group.name, group.traits, [group.calls[key] for key in missing], self._study):
            raise error
        return missing

    def _deliver_live(self, group: CallGroup, store: BatchStore) -> list[str]:
        """Send call by call what is neither answered nor claimed by another run; returns the rest."""
        missing = [key for key in self._missing(group) if key not in self._failures]
        if not missing:
            return []
        claimed = ClaimedCalls(group, missing, self._claims, self._workspace.calls, store)
        with self._workspace.store.scratch() as folder:
            capacity = self._capacities.setdefault(str(group.choice), Capacity(self._limits(group)))
            reserve = Reserve(folder / "reserve", capacity.most)
            try:
                self._workspace.calls.hold(reserve)
                delivery = asyncio.run(self._deliver(group, claimed, capacity, reserve))
            finally:
                self._workspace.calls.hold(None)
                self._claims.release()
        if claimed.error is not None:
            raise claimed.error
        if delivery.stopped_by is not None:
            raise delivery.stopped_by.as_error()
        self._failures.update(delivery.failures)
        self._check_failures(group, delivery.failures)
        ended = {*delivery.answered_keys, *delivery.failures}
        return [key for key in missing if key not in ended]

    def _count_paid(self, tasks: Sequence[Task]) -> None:
        # A key counts once, however many tasks ask for it.
        counted_keys: set[str] = set()
        for group in self._groups(tasks):
            keys = [key for key in group.calls if key not in counted_keys]
            counted_keys.update(keys)
            self._spending.add(group.traits, self._workspace.calls.replies_to(keys).values())
            self._spending.add_dollars(self._workspace.calls.billed_failures_of(keys))

    def _groups(self, tasks: Sequence[Task]) -> list[CallGroup]:
        by_model: dict[str, list[Task]] = {}
        for task in tasks:
            by_model.setdefault(canonical_json(task.settings["model"]), []).append(task)
        groups = []
        for of_model in by_model.values():
            traits: ModelTraits = self._workspace.registry.traits(of_model[0].choices["model"])
            calls = (
                call
                for task in of_model
                for call in calls_of(task, self._prompt_folder(task), takes_seed=traits.takes_seed)
            )
            by_key = {call.key: call for call in sorted(calls, key=_prompt_text)}
            groups.append(CallGroup(spec_name(of_model, self._study), traits, of_model, by_key))
        return groups

    def _prompt_folder(self, task: Task) -> Path:
        return self._workspace.entry(_prompts(task))

    async def _deliver(
        self, group: CallGroup, calls: Iterable[Call], capacity: Capacity, reserve: Reserve
    ) -> DeliveryResult:
        progress, about = self._workspace.progress, group.about
        # Loaded before the model, whose plugin may import Haystack too: it is to come without its telemetry.
        sender = pipelines.sender
        registry, delegate = self._workspace.registry, self._workspace.delegate
        elsewhere = delegate and delegate.model(group.choice, registry)
        model: ChatModel = elsewhere or build_model(group, self._workspace)
        stop = StopSignal(patient=not group.traits.in_process)
        unread: Counter[str | None] = Counter()

        def on_reply(call: Call, reply: Reply) -> None:
            unread[unusable(reply)] += 1
            dollars = price(group.traits, reply, live=True)
            self._workspace.calls.record(call, reply, about, dollars)
            self._claims.done(call.key)
            self._spending.settle(call.key, dollars)
            progress.advance(group.name, self._spending.words())

        def on_attempt_failed(call: Call, error: CallError, seconds: float) -> None:
            dollars = failure_price(group.traits, error, seconds, live=True)
            self._workspace.calls.record_attempt(call, error, seconds, about, dollars)
            # What came back is billed, answer or not.
            if dollars is None:
                self._spending.release(call.key)
            else:
                self._spending.settle(call.key, dollars)

        def may_go_on(call: Call) -> StopReason | None:
            if reserve.spent:
                return StopReason("unwritable", NO_ROOM, FREE_SPACE)
            return self._spending.hold(call.key, worst_price(group.traits, call, live=True))

        try:
            if group.traits.context_grows and isinstance(model, RoomyChatModel):
                model.make_room(self._context_of(group))
            if isinstance(model, SlottedChatModel) and not capacity.is_known and (slots := await model.slots()):
                capacity.start_at(slots)
            with stop_on_interrupt(stop):
                return await deliver(
                    calls,
                    sender(model, count_tokens),
                    self._limits(group),
                    on_reply=on_reply,
                    on_attempt_failed=on_attempt_failed,
                    estimate_tokens=lambda call: quick_input_tokens(call) + (group.traits.output_tokens or 0),
                    may_go_on=may_go_on,
                    stop=stop,
                    seed=self._study.seed,
                    capacity=capacity,
                    calls_per_prompt=group.calls_per_prompt,
                )
        finally:
            await model.close()
            for why, count in unread.items():
                if why:
                    progress.warn(f"{count} of {sum(unread.values())} answers of {group.name}: {why}")

    def _limits(self, group: CallGroup) -> Limits:
        delegate = self._workspace.delegate
        slots = delegate.model_slots(group.choice, self._workspace.registry) if delegate else None
        return (
            group.traits.limits
            if slots is None
            else replace(group.traits.limits, concurrency=slots, in_flight_at_first=slots)
        )

    def _context_of(self, group: CallGroup) -> int:
        """The context that all of the study's prompts to this model need, so that its server loads it once."""
        # Over all tasks and not the missing ones, so that a run that goes on asks as the one before did; whatever
        # else is drawn from the same model, at another temperature or with a context of its own, counts too.
        needs = []
        by_model: dict[str, list[Task]] = {}
        for task in self._tasks:
            by_model.setdefault(canonical_json(task.settings["model"]), []).append(task)
        for tasks in by_model.values():
            traits: ModelTraits = self._workspace.registry.traits(tasks[0].choices["model"])
            if (traits.provider, traits.model) != (group.traits.provider, group.traits.model):
                continue
            if traits.context_grows:
                needs.append(context_for(traits, longest_call(written_calls(tasks, self._workspace))))
            else:
                needs.append(traits.context_tokens or 0)
        return max(needs, default=0)

    def _report_schemas(self, group: CallGroup) -> None:
        """Say how many answers do not keep to the schema that they were to be held to."""
        schemas = {key: call.schema for key, call in group.calls.items() if call.schema is not None}
        replies = self._workspace.calls.replies_to(list(schemas))
        # One that is cut off could not keep to it, whatever its server does.
        whole = {key: reply.text for key, reply in replies.items() if reply.finish_reason != "length"}
        astray = sum(not keeps_to(text, schemas[key]) for key, text in whole.items())
        if astray:
            # Where most do, the server knows schemas, and there is nothing to be gained by sending none.
            is_ignored = 2 * astray > len(whole)
            about = "so its server ignores it" if is_ignored else "though its server does not ignore it"
            is_read = any(call.purpose in ("label", "measure") for call in group.calls.values())
            remedy = ". `structured: false` in the reader sends none" if is_ignored and is_read else ""
            self._workspace.progress.warn(
                f"{astray:,} of {len(whole):,} answers of {group.name} do not keep to the JSON schema that was sent, "
                f"{about}; they are read as text{remedy}"
            )

    def _check_failures(self, group: CallGroup, failures: Mapping[str, CallError]) -> None:
        if not failures:
            return
        # A task is one vote; a share that is to be allowed must do for the worst of them.
        shares = {}
        for task in group.tasks:
            keys = keys_of(task, self._prompt_folder(task))
            # An empty base asks nothing.
            shares[task] = sum(key in failures for key in keys) / max(1, len(keys))
        worst = max(shares, key=lambda task: shares[task])
        if shares[worst] <= self._study.max_failed:
            self._workspace.progress.warn(
                f"{len(failures)} calls of {group.name} failed permanently; the next run tries them again"
            )
            return
        reasons = ", ".join(f"{count} x {why}" for why, count in Counter(e.reason for e in failures.values()).items())
        remedies = dict.fromkeys(error.hint for error in failures.values() if error.hint)
        again = "run the same command to try those again"
        hint = f"{next(iter(remedies))}; then {again}" if len(remedies) == 1 else again
        if remedies and all(error.reason == "too long" for error in failures.values()):
            # The same prompts would fail again; what the longest of them needs is enough for the others.
            longest = max(failures, key=lambda key: quick_input_tokens(group.calls[key]))
            hint = failures[longest].hint or hint
        if shares[worst] < 1:
            hint += f", or allow it: max_failed: {math.ceil(1000 * shares[worst]) / 1000:g}"
        raise RagtallyError(
            f"{len(failures)} of {len(group.calls)} calls of {group.name} failed permanently ({reasons}; for one: "
            f"{next(iter(failures.values())).message})",
            location=worst.location,
            hint=hint,
        )


def _prompts(task: Task) -> Task:
    (prompts,) = task.inputs["prompt"]
    return prompts


def _prompt_text(call: Call) -> tuple[str, ...]:
    # Votes on one prompt stand together then, and prompts that begin alike side by side: a server that holds what it
    # has read does not read it again.
    return tuple(message.content for message in call.messages)
