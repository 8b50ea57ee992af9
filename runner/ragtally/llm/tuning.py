"""Have the models of readers fine-tuned by their providers: submit each job once, wait for it, keep what it made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ragtally.api import (
    CallError,
    ChatModel,
    ModelTraits,
    PluginError,
    Prompt,
    RagtallyError,
    StoppedError,
    TunableModel,
    TuningJobs,
    TuningReader,
    TuningSettings,
    TuningState,
    TuningTerms,
    raise_all,
)
from ragtally.api.choice import Choice
from ragtally.api.errors import errors_at
from ragtally.llm.batch_session import moment, now
from ragtally.llm.budget import Spending
from ragtally.llm.exclusive import one_process
from ragtally.llm.retry import pause, retry_request, wait_after
from ragtally.llm.stop import StopSignal, stop_on_interrupt
from ragtally.llm.tokens import FEWEST_CHARACTERS_PER_TOKEN, chat_tokens, count_tokens
from ragtally.registry import Registry
from ragtally.spec.study import Study
from ragtally.steps import Task
from ragtally.steps.tune import training_turns, write_examples
from ragtally.store.tuning import LOCK_NAME, StoredJob, losses_text
from ragtally.workspace import Workspace

# Seconds by which the provider's clock and ours may differ.
_CLOCK_SKEW = 3600.0
_LIST_AGAIN = 2.0
_RETRIES = 4
# How much of an address names a job: enough for no two ever to be alike.
_NAME_DIGITS = 24

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class TrainingSize:
    """How much there is to learn from."""

    examples: int
    tokens: int  # Of one epoch, as estimated
    most_tokens: int  # Of one epoch at most

    @staticmethod
    def of(turns: Sequence[tuple[Prompt, str]]) -> TrainingSize:
        """Count the tokens of prompts and replies."""
        texts = [[*(message.content for message in prompt), reply] for prompt, reply in turns]
        tokens = sum(chat_tokens(each, count_tokens) for each in texts)
        # The frame of each message is the same whatever counts the words.
        most = sum(chat_tokens(each, lambda text: -int(-len(text) // FEWEST_CHARACTERS_PER_TOKEN)) for each in texts)
        return TrainingSize(len(turns), tokens, max(tokens, most))


def turns_of(task: Task, workspace: Workspace) -> list[tuple[Prompt, str]]:
    """What the model of a training learns from."""
    (prompts,), (sample,), base = task.inputs["prompt"], task.inputs["sample"], task.inputs.get("base")
    folder = None if base is None else workspace.entry(base[0])
    return training_turns(task, workspace.entry(prompts), workspace.entry(sample), folder, workspace.registry)


def settings_of(task: Task, registry: Registry) -> TuningSettings:
    """How the model of a training is to be fine-tuned."""
    reader = registry.build(task.choices["reader"])
    if not isinstance(reader, TuningReader):
        raise PluginError(f"the reader {task.choices['reader'].name} does not say how its model is fine-tuned")
    return reader.tuning()


def terms_of(traits: ModelTraits) -> TuningTerms:
    """How a model's provider fine-tunes it."""
    if traits.tuning is None:
        raise PluginError(f"{traits.provider}/{traits.model} cannot be fine-tuned")
    return traits.tuning


class Tuning:
    """Has what a study's readers ask fine-tuned, within its budget."""

    def __init__(
        self, study: Study, workspace: Workspace, spending: Spending, tasks: Sequence[Task], *, wait: bool = True
    ) -> None:
        self._study, self._workspace, self._spending, self._wait = study, workspace, spending, wait
        for job in (job for task in tasks for job in workspace.tunings.of_task(task.address)):
            if job.dollars is not None:
                spending.add_dollars(job.dollars)
            elif job.stage in ("submitting", "open"):
                spending.owe(job.name, job.most_dollars or 0.0)

    def tune(self, tasks: Sequence[Task]) -> None:
        """Make sure that the model of every training is there, or say why it is not."""
        missing = [task for task in tasks if not self._has_model(task)]
        if missing:
            asyncio.run(self._tune(missing))

    def _has_model(self, task: Task) -> bool:
        job = self._workspace.tunings.current(task.address)
        return job is not None and job.stage == "done"

    async def _tune(self, tasks: Sequence[Task]) -> None:
        stop = StopSignal()
        trainings = [_Training(task, self._workspace, self._spending, self._study.seed, stop) for task in tasks]
        work = asyncio.ensure_future(self._take_to_their_ends(trainings, stop))

        def cut_off() -> None:
            if stop.aborting:
                work.cancel()

        end = stop.listen(cut_off)
        try:
            with stop_on_interrupt(stop):
                await work
        except asyncio.CancelledError:
            raise _interruption(trainings) from None
        finally:
            end()
            for training in trainings:
                await training.close()

    async def _take_to_their_ends(self, trainings: Sequence[_Training], stop: StopSignal) -> None:
        # All are submitted first, so that they are trained side by side.
        for training in trainings:
            await training.begin()
        errors: list[RagtallyError] = []
        running = list(trainings)
        while running:
            for training in list(running):
                try:
                    has_ended = await training.look()
                except RagtallyError as error:
                    errors.append(error)
                    has_ended = True
                if has_ended:
                    running.remove(training)
            if stop.draining:
                raise _interruption(running)
            if errors:
                raise_all(errors)
            if running and not self._wait:
                raise StoppedError(_still_open(running), hint="`ragtally store jobs` lists them")
            if running and (late := self._spending.time_is_up()):
                raise late.as_error()
            if running:
                await pause(stop, min(training.terms.poll_seconds for training in running))


class _Training:
    """One training and the job that does it."""

    def __init__(self, task: Task, workspace: Workspace, spending: Spending, seed: int, stop: StopSignal) -> None:
        self.task, self._workspace, self._spending, self._seed, self._stop = task, workspace, spending, seed, stop
        self._choice = task.choices["model"]
        self._traits: ModelTraits = workspace.registry.traits(self._choice)
        self.terms = terms_of(self._traits)
        self._model: ChatModel = workspace.registry.build(self._choice)
        self._provider = _jobs_of(self._model, self._choice)
        self._losses = 0

    @property
    def job(self) -> StoredJob | None:
        """What is on disk of its job; None before it is written down, and once it has failed."""
        return self._workspace.tunings.current(self.task.address)

    async def close(self) -> None:
        """Close connections."""
        await self._provider.close()
        await self._model.close()

    async def begin(self) -> None:
        """Find out what became of its job, and submit one where there is none."""
        lock = self._workspace.store.root / LOCK_NAME
        async with one_process(lock, "fine-tuning", self._stop, self._workspace.progress.warn):
            with errors_at(self.task.location):
                await self._settle()
                if self.job is None and not self._stop.draining:
                    await self._submit()

    async def _settle(self) -> None:
        """Find out what became of a job that a killed run was about to submit."""
        job, jobs = self.job, self._workspace.tunings
        if job is None:
            return
        if job.stage == "claimed":
            # Nothing was asked for, and a file that may lie there costs nothing.
            jobs.drop(job.name)
            self._spending.release(job.name)
        elif job.stage == "submitting":
            state = await self._find_listed(job.name, job.file_id, job.submitted_at or now())
            if state is None:
                jobs.drop(job.name)
                self._spending.release(job.name)
            else:
                self._record_acceptance(job, state, "was found again")

    async def _submit(self) -> None:
        turns = turns_of(self.task, self._workspace)
        size, settings = TrainingSize.of(turns), settings_of(self.task, self._workspace.registry)
        job = self._new_job(size, settings)
        # From another store, or one that was lost: the same name is the same training of the same examples.
        state = await self._ask(lambda: self._find(job.name, None, None), "list")
        if state is not None:
            self._workspace.tunings.add(job)
            self._spending.owe(job.name, job.most_dollars or 0.0)
            self._record_acceptance(job, state, "was there already")
            return
        what = f"fine-tuning {self.task.label}, at most ${job.most_dollars or 0:.4f} for {settings.epochs} epochs,"
        reason = self._spending.hold(job.name, job.most_dollars or 0.0, what)
        if reason is not None:
            raise reason.as_error()
        jobs = self._workspace.tunings
        jobs.add(job)
        try:
            file_id = await self._upload(turns)
        except BaseException:
            self._drop(job)
            raise
        if self._stop.draining:
            self._drop(job)
            return
        jobs.change(job.name, file_id=file_id, stage="submitting", submitted_at=now())
        state = await self._submit_once(job, file_id, settings)
        self._record_acceptance(job, state, f"with {size.examples:,} examples is open")

    def _new_job(self, size: TrainingSize, settings: TuningSettings) -> StoredJob:
        tries = len(self._workspace.tunings.of_task(self.task.address))
        return StoredJob(
            name=f"{self.task.address.partition(':')[2][:_NAME_DIGITS]}-{tries + 1}",
            task=self.task.address,
            reader=self.task.label,
            provider=self._traits.provider,
            model=self._traits.model,
            component=self._choice.name,
            parameters=json.dumps(dict(self._choice.parameters), ensure_ascii=False),
            stage="claimed",
            examples=size.examples,
            epochs=settings.epochs,
            tokens=size.tokens * settings.epochs,
            most_dollars=self.terms.dollars(size.most_tokens * settings.epochs),
        )

    async def _upload(self, turns: Sequence[tuple[Prompt, str]]) -> str:
        with self._workspace.store.scratch() as folder:
            path: Path = folder / "examples.jsonl"
            write_examples(path, turns)
            return await self._ask(lambda: self._provider.upload(path), "upload")

    async def _submit_once(self, job: StoredJob, file_id: str, settings: TuningSettings) -> TuningState:
        """Submit until the provider has certainly accepted the job once."""
        failures, since = 0, now()
        while True:
            try:
                return await self._provider.submit(file_id, job.name, settings)
            except CallError as error:
                is_refusal = error.status is not None and error.status < 500 and error.reason != "timeout"
                state = None if is_refusal else await self._find_listed(job.name, file_id, since)
                if state is not None:
                    return state
                failures += 1
                wait = wait_after(error, failures, self._seed, job.name)
                if wait is None or failures > self._traits.limits.retries:
                    self._drop(job)
                    raise
                await pause(self._stop, wait)
                if self._stop.draining:
                    self._drop(job)
                    raise
                since = now()
                self._workspace.tunings.change(job.name, submitted_at=since)

    def _drop(self, job: StoredJob) -> None:
        self._workspace.tunings.drop(job.name)
        self._spending.release(job.name)

    async def _find_listed(self, name: str, file_id: str | None, since: float) -> TuningState | None:
        """Look for a job among those that the provider lists, for as long as it may take to be listed."""
        while True:
            state = await self._ask(lambda: self._find(name, file_id, since), f"list {name}")
            left = since + self.terms.settle_seconds - now()
            if state is not None or left <= 0:
                return state
            await pause(self._stop, min(left, _LIST_AGAIN))
            if self._stop.draining:
                # Not known: the job stays as it is, and the next run looks again.
                raise StoppedError("interrupted while a fine-tuning job was looked for that may have been accepted")

    async def _find(self, name: str, file_id: str | None, since: float | None) -> TuningState | None:
        async for state in self._provider.listed():
            if file_id is not None and state.file_id == file_id:
                return state
            if state.name == name and state.status in ("running", "succeeded"):
                return state
            if since is not None and state.created_at is not None and state.created_at < since - _CLOCK_SKEW:
                return None
        return None

    def _record_acceptance(self, job: StoredJob, state: TuningState, how: str) -> None:
        self._workspace.tunings.change(
            job.name,
            stage="open",
            job_id=state.id,
            file_id=state.file_id or job.file_id,
            submitted_at=job.submitted_at or state.created_at or now(),
        )
        self._warn(f"{how} at {self._traits.provider}: job {state.id}")

    async def look(self) -> bool:
        """Ask how the job stands; returns whether its model is there."""
        job = self.job
        if job is None and not self._stop.draining:
            raise RagtallyError(
                f"another run found that the fine-tuning job for {self.task.label} failed, or gave it up",
                location=self.task.location,
                hint="`ragtally store jobs --all` says why; the same command submits another one",
            )
        if job is None or job.job_id is None:
            return False
        if job.stage == "done":
            # Another run that waited for it has said so.
            self._spending.settle(job.name, job.dollars)
            return True
        with errors_at(self.task.location):
            state = await self._state(job, job.job_id)
            if state is None:
                return False
            await self._watch(job, state)
            if state.status == "running":
                return False
            self._end(job, state)
        return True

    async def _state(self, job: StoredJob, job_id: str) -> TuningState | None:
        try:
            return await self._ask(lambda: self._provider.look(job_id), job.name)
        except CallError as error:
            goes_on = f"job {job_id} goes on at {job.provider}"
            if error.reason == "not found":
                raise RagtallyError(
                    f"{job.provider} does not know the fine-tuning job {job_id} (with this key): {error.message}",
                    hint=f"use the key that it was submitted with; `ragtally store forget {job.name}` gives it up, "
                    "and the training is paid again",
                ) from error
            if not error.retryable:
                raise CallError(
                    f"{error.message}; {goes_on}", reason=error.reason, status=error.status, hint=error.hint
                ) from error
            self._warn(f"no news, {goes_on}: {error.message}")
            return None

    async def _watch(self, job: StoredJob, state: TuningState) -> None:
        progress = self._workspace.progress
        try:
            points, steps = await self._provider.losses(state.id, job.epochs)
        except CallError:
            # Not every server tells losses, and none is needed.
            points, steps = (), 0
        if points:
            self._workspace.tunings.change(job.name, losses=losses_text(points))
        if len(points) > self._losses:
            self._losses = len(points)
            self._workspace.watch_losses(self.task, points, steps or points[-1].step)
        elif not points and state.status == "running":
            progress.measure(f"fine-tuning {self.task.label}", 1, 0, _when(state))

    def _end(self, job: StoredJob, state: TuningState) -> None:
        jobs, model = self._workspace.tunings, state.model
        tokens = job.tokens if state.trained_tokens is None else state.trained_tokens
        if state.status == "succeeded" and model is None:
            raise RagtallyError(
                f"{job.provider} says that the fine-tuning job {state.id} has succeeded, and names no model",
                hint="run the same command again, which asks again",
            )
        has_model = state.status == "succeeded"
        # What a job was trained on before it failed may be billed, where the provider counts it.
        dollars = self.terms.dollars(tokens if has_model else state.trained_tokens or 0)
        jobs.change(
            job.name,
            stage="done" if has_model else "failed",
            tuned_model=model if has_model else None,
            trained_tokens=state.trained_tokens,
            dollars=dollars,
            message=state.message,
            ended_at=now(),
        )
        self._spending.settle(job.name, dollars)
        if not has_model:
            why = f": {state.message}" if state.message else ""
            raise RagtallyError(
                f"the fine-tuning job {state.id} at {job.provider} was cancelled{why}"
                if state.status == "cancelled"
                else f"the fine-tuning job {state.id} at {job.provider} failed{why}",
                hint=_remedy(state),
            )
        self._warn(f"done with {tokens:,} tokens, {self._spending.words()} spent: {model}")

    async def _ask(self, request: Callable[[], Awaitable[Outcome]], name: str) -> Outcome:
        retries = self._traits.limits.retries
        return await retry_request(request, retries=retries, stop=self._stop, seed=self._seed, name=name)

    def _warn(self, message: str) -> None:
        self._workspace.progress.warn(f"fine-tuning {self.task.label}: {message}")


def _jobs_of(model: object, choice: Choice) -> TuningJobs:
    if not isinstance(model, TunableModel):
        raise PluginError(f"the model {choice.name} offers no fine-tuning", hint="ask it by the reader chat")
    return model.tuning_jobs()


def _remedy(state: TuningState) -> str:
    again = "the same command submits the training again"
    if state.status == "cancelled":
        return again
    return f"fix what the provider names; then {again}, as another job"


def _when(state: TuningState) -> str:
    end = "" if state.ends_at is None else f"about {moment(state.ends_at)}"
    return ", ".join(filter(None, [state.message, end]))


def _still_open(trainings: Sequence[_Training]) -> str:
    jobs = [job for training in trainings if (job := training.job) is not None]
    names = ", ".join(f"{job.reader} ({job.job_id or job.name} at {job.provider})" for job in jobs)
    count = f"{len(jobs)} fine-tuning jobs are" if len(jobs) != 1 else "1 fine-tuning job is"
    return f"{count} open: {names}; the same command goes on with what came of it"


def _interruption(trainings: Sequence[_Training]) -> StoppedError:
    if not any(training.job for training in trainings):
        return StoppedError("interrupted")
    hint = "`ragtally store jobs` lists them, `ragtally store cancel NAME` cancels one"
    return StoppedError(f"interrupted; {_still_open(trainings)}", hint=hint)


def cancel_job(job: StoredJob, registry: Registry) -> TuningState:
    """Have a fine-tuning job ended early."""
    job_id = job.job_id
    if job_id is None:
        raise RagtallyError(f"the fine-tuning job {job.name} is not known to {job.provider}")
    choice = Choice("model", job.component, job.component_parameters)
    model: ChatModel = registry.build(choice)
    provider = _jobs_of(model, choice)

    async def ask() -> TuningState:
        try:
            return await retry_request(
                lambda: provider.cancel(job_id), retries=_RETRIES, stop=StopSignal(), seed=0, name=job.name
            )
        finally:
            await provider.close()
            await model.close()

    return asyncio.run(ask())
