"""Takes the calls of one model to their ends."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ragtally.api import Call, CallError, Limits, Reply
from ragtally.llm.capacity import Capacity
from ragtally.llm.flow_control import Pace, Policy
from ragtally.llm.queue import Attempt, CallQueue
from ragtally.llm.stop import StopReason, StopSignal

_FEWEST_WAITING = 64
# Seconds: a call that took less may not have let the event loop turn.
_AT_ONCE = 0.001


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What the workers are to do with each call; see `ragtally.llm.delivery.deliver`."""

    send: Callable[[Call], Awaitable[Reply]]
    on_reply: Callable[[Call, Reply], None]
    on_attempt_failed: Callable[[Call, CallError, float], None]
    estimate_tokens: Callable[[Call], int]
    may_go_on: Callable[[Call], StopReason | None]


class Workers:
    """Runs one delivery: starts what may be started now, and sleeps until something changes."""

    # `_start_all` is the only place where calls begin. It is called when a call ends, when a timer says that a pause,
    # a pace or a backoff is over, and when the stop signal changes; so no worker ever polls.

    def __init__(
        self,
        calls: Iterable[Call],
        limits: Limits,
        capacity: Capacity,
        callbacks: Callbacks,
        stop: StopSignal,
        seed: int,
    ) -> None:
        self.answered_keys: list[str] = []
        self.failures: dict[str, CallError] = {}
        self.stopped_by: StopReason | None = None
        self._callbacks = callbacks
        self._timeout = limits.timeout
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        self._queue = CallQueue(calls, max(_FEWEST_WAITING, 4 * capacity.most))
        self._policy = Policy(limits, capacity, seed, self._loop.time())
        self._requests = Pace(limits.requests_per_minute) if limits.requests_per_minute is not None else None
        self._tokens = Pace(limits.tokens_per_minute) if limits.tokens_per_minute is not None else None
        self._in_flight: dict[int, Attempt] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._parked: list[asyncio.Future[Attempt]] = []
        # Time divided by the calls in flight: what passes of it while a call is under way is the call's share.
        self._shares, self._shares_at = 0.0, self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._over: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        """Take all calls to their end, or as far as they come."""
        stop_listening = self._stop.listen(self._on_stop)
        try:
            self._on_stop()
            self._start_all()
            await self._over
        finally:
            stop_listening()
            if self._timer is not None:
                self._timer.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def rest(self) -> tuple[str, ...]:
        """The keys of all calls that are still to be answered, in order."""
        rest = [*self._in_flight.values(), *self._queue.rest()]
        return tuple(attempt.call.key for attempt in sorted(rest, key=lambda attempt: attempt.position))

    def _start_all(self) -> None:
        """Start every call that may start now; set a timer for the next, or end the delivery."""
        try:
            while (attempt := self._next()) is not None:
                self._start(attempt)
        except Exception as error:
            self._crash(error)
        if not self._in_flight and (self.stopped_by is not None or self._queue.empty):
            self._end()

    def _next(self) -> Attempt | None:
        if self.stopped_by is not None or self._queue.empty:
            return None
        if len(self._in_flight) >= self._policy.room:
            return None
        now = self._loop.time()
        opens_at = self._opens_at()
        if opens_at > now:
            self._wake_at(opens_at)
            return None
        attempt = self._queue.take(now)
        if attempt is None:
            self._wake_at(self._queue.due_at)
            return None
        reason = self._callbacks.may_go_on(attempt.call)
        if reason is None:
            return attempt
        self._queue.note_end(attempt)
        self._queue.put_back(attempt, now)
        # What is in flight may turn out cheaper than was feared: asked again when one of them is back.
        if not self._in_flight:
            self.stopped_by = reason
        return None

    def _opens_at(self) -> float:
        opens_at = self._policy.paused_until
        if self._requests is not None:
            opens_at = max(opens_at, self._requests.opens_at)
        if self._tokens is not None:
            opens_at = max(opens_at, self._tokens.opens_at)
        return opens_at

    def _start(self, attempt: Attempt) -> None:
        now = self._loop.time()
        self._count_shares(now)
        attempt.share = -self._shares
        attempt.alone = not self._in_flight
        if len(self._in_flight) == 1:
            next(iter(self._in_flight.values())).alone = False
        self._in_flight[attempt.position] = attempt
        self._policy.note_start(attempt, now)
        if self._requests is not None:
            self._requests.spend(1, now)
        if self._tokens is not None:
            attempt.tokens = self._callbacks.estimate_tokens(attempt.call)
            self._tokens.spend(attempt.tokens, now)
        if self._parked:
            self._parked.pop().set_result(attempt)
        else:
            self._tasks.append(self._loop.create_task(self._work(attempt)))

    async def _work(self, attempt: Attempt) -> None:
        try:
            while True:
                began = self._loop.time()
                await self._try(attempt, began)
                if self._over.done():
                    return  # Another one has crashed, or `send` gave a reply in spite of its cancellation.
                hasty = self._loop.time() - began < _AT_ONCE
                turn: asyncio.Future[Attempt] = self._loop.create_future()
                self._parked.append(turn)
                # Parked last, this worker is the first to get a call, and then goes on without waiting.
                self._start_all()
                attempt = await turn
                if hasty:
                    await asyncio.sleep(0)
        except Exception as error:
            self._crash(error)

    async def _try(self, attempt: Attempt, began: float) -> None:
        deadline = asyncio.timeout(self._timeout)
        try:
            async with deadline:
                reply = await self._callbacks.send(attempt.call)
        except CallError as error:
            failure = error.with_traceback(None)
        except TimeoutError as error:
            failure = self._late() if deadline.expired() else _wrap_unexpected(error)
        except asyncio.CancelledError as error:
            if self._over.done():
                raise
            failure = _wrap_unexpected(error)
        except Exception as error:
            failure = _wrap_unexpected(error)
        else:
            self._on_reply(attempt, reply, self._loop.time() - began)
            return
        self._on_failure(attempt, failure)

    def _count_shares(self, now: float) -> None:
        if self._in_flight:
            self._shares += (now - self._shares_at) / len(self._in_flight)
        self._shares_at = now

    def _on_reply(self, attempt: Attempt, reply: Reply, seconds: float) -> None:
        self._count_shares(self._loop.time())
        attempt.share += self._shares
        self._callbacks.on_reply(attempt.call, replace(reply, seconds=attempt.share))
        self.answered_keys.append(attempt.call.key)
        self._policy.note_reply(attempt, seconds, len(self._in_flight), self._loop.time())
        self._note_end(attempt)
        if self._tokens is not None and reply.input_tokens is not None and reply.output_tokens is not None:
            self._tokens.correct(reply.input_tokens + reply.output_tokens - attempt.tokens)

    def _on_failure(self, attempt: Attempt, error: CallError) -> None:
        self._count_shares(self._loop.time())
        attempt.share += self._shares
        decision = self._policy.note_failure(attempt, error, self._loop.time())
        error = decision.error or error
        self._callbacks.on_attempt_failed(attempt.call, error, attempt.share)
        self._note_end(attempt)
        if self._tokens is not None and error.tokens is not None:
            self._tokens.correct(sum(error.tokens) - attempt.tokens)
        elif self._tokens is not None and error.reason in ("rate limit", "connection"):
            self._tokens.correct(-attempt.tokens)
        if decision.again_at is None:
            self.failures[attempt.call.key] = error
        else:
            self._queue.put_back(attempt, decision.again_at)
        self.stopped_by = self.stopped_by or decision.stop

    def _note_end(self, attempt: Attempt) -> None:
        del self._in_flight[attempt.position]
        self._queue.note_end(attempt)

    def _late(self) -> CallError:
        return CallError(f"no answer within {self._timeout:g} s", reason="timeout")

    def _on_stop(self) -> None:
        if self._stop.draining and self.stopped_by is None:
            self.stopped_by = StopReason("interrupted", "stopped by the user")
        if self._stop.aborting or (self._stop.draining and not self._in_flight):
            self._end()

    def _wake_at(self, when: float) -> None:
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._start_all()

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    def _crash(self, error: Exception) -> None:
        if not self._over.done():
            self._over.set_exception(error)


def _wrap_unexpected(error: BaseException) -> CallError:
    failure = CallError(
        f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, reason="unexpected"
    )
    failure.__cause__ = error
    return failure


@dataclass(frozen=True)
class DeliveryResult:
    """How a delivery ended; every call is in exactly one of the three."""

    answered_keys: tuple[str, ...]  # Keys of the answered calls, in the order of their replies
    failures: Mapping[str, CallError]  # Keys of the calls that failed permanently, with the error of their last try
    stopped_by: StopReason | None  # Why it stopped early; None where every call had its end
    rest: Callable[[], tuple[str, ...]]

    @functools.cached_property
    def unfinished_keys(self) -> tuple[str, ...]:
        """Keys of the calls to which a stop left no end, in their order; empty where nothing stopped the delivery."""
        # Drawn from their source only when they are asked for: a source that claims calls claims none after a stop.
        return self.rest()


async def deliver(
    calls: Iterable[Call],
    send: Callable[[Call], Awaitable[Reply]],
    limits: Limits,
    *,
    on_reply: Callable[[Call, Reply], None],
    on_attempt_failed: Callable[[Call, CallError, float], None],
    estimate_tokens: Callable[[Call], int],
    may_go_on: Callable[[Call], StopReason | None],
    stop: StopSignal,
    seed: int,
    capacity: Capacity | None = None,
    calls_per_prompt: int = 1,
) -> DeliveryResult:
    """Take the calls of one model to their ends, as fast as its limits and its provider let them through."""
    # At most as many calls are in flight as make the server answer faster, fewer after rate limits. Failures that
    # pass are tried again, those that do not are the call's end, and those that every call would meet stop the
    # delivery. After a stop nothing new is started and what is in flight is waited for. Time is the event loop's
    # clock. What earlier deliveries learnt of the server is in `capacity`.
    capacity = capacity or Capacity(limits)
    capacity.begin(calls_per_prompt)
    callbacks = Callbacks(send, on_reply, on_attempt_failed, estimate_tokens, may_go_on)
    workers = Workers(calls, limits, capacity, callbacks, stop, seed)
    await workers.run()
    return DeliveryResult(tuple(workers.answered_keys), workers.failures, workers.stopped_by, workers.rest)
