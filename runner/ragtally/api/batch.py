"""The contract of a model that can be asked by batches too: many calls in one file, answered in a day, for less."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from ragtally.api.calls import Call
from ragtally.api.errors import CallError

BatchStatus = Literal["running", "completed", "failed", "expired", "cancelled"]
"""How a batch stands; all but the first are ends. After any end some of its calls may have been answered."""

_HOURS = {"h": 1, "d": 24}


@dataclass(frozen=True, slots=True)
class BatchTerms:
    """How a model's calls are put into batches, and what that saves.

    Attributes:
        then_live: Whether calls that a batch left unanswered are then sent one by one.
        discount: The share of the price that a batch saves, from 0 to 1.
        calls: The most calls in one batch.
        bytes: The most bytes of one batch's file.
        open: The most batches that may be open at a time; None for no limit.
        window: Within which time the provider answers or gives up: `24h`, `7d`.
        poll_seconds: Seconds between two looks at the open batches.
        settle_seconds: Seconds after which a batch whose acceptance was not heard of is listed by the provider, if
            it was accepted at all.
        keep_files: Whether a batch's files stay at the provider once its answers are saved here.
    """

    then_live: bool = False
    discount: float = 0.0
    calls: int = 50_000
    bytes: int = 200_000_000
    open: int | None = None
    window: str = "24h"
    poll_seconds: float = 60.0
    settle_seconds: float = 60.0
    keep_files: bool = True

    @property
    def window_hours(self) -> float:
        """The window in hours.

        Raises:
            ValueError: If it is not written as in `24h` or `7d`.
        """
        match = re.fullmatch(r"(\d+)([hd])", self.window)
        if match is None:
            raise ValueError(f"a window is written as in 24h or 7d, not {self.window!r}")
        return float(int(match[1]) * _HOURS[match[2]])


@dataclass(frozen=True, slots=True)
class BatchState:
    """What the provider says of a batch.

    Attributes:
        id: The provider's id of it.
        status: How it stands.
        name: The name that it was submitted under; None where the provider does not give it back.
        file_id: The id of its file of calls.
        completed: How many calls it has answered.
        failed: How many calls failed.
        created_at: When it was accepted, in seconds of the epoch; None where unknown.
        ended_at: When it ended; None before that, and where unknown.
        expires_at: When the provider gives it up; None where unknown.
        result_files: The ids of the files with results: answers and errors.
        message: What the provider says is wrong with the batch as a whole; None for nothing.
        queue_full: Whether it was turned away only since too much is queued already: later it may be taken.
    """

    id: str
    status: BatchStatus
    name: str | None = None
    file_id: str | None = None
    completed: int = 0
    failed: int = 0
    created_at: float | None = None
    ended_at: float | None = None
    expires_at: float | None = None
    result_files: tuple[str, ...] = ()
    message: str | None = None
    queue_full: bool = False


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One row of a batch's results: an answer or a failure.

    Attributes:
        key: Which call it is for; None where the row does not tell.
        error: Why there is no answer; None for an answer.
        text: The answer's words; may be empty.
        finish_reason: Why the model stopped; None where it is not said.
        input_tokens: Tokens put in; None where the provider does not tell.
        output_tokens: Tokens that came out; None where the provider does not tell.
        served_by: The model's name as the provider told it; None where it does not.
        instead: What came instead of a text, where that is known: `reasoning alone`.
        cached_tokens: How many of the tokens put in the provider had in its cache; None where it does not tell.
    """

    key: str | None
    error: CallError | None = None
    text: str = ""
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    served_by: str | None = None
    instead: str = ""
    cached_tokens: int | None = None


class Batches(Protocol):
    """Talks to a provider of batches. Failures are raised as `CallError`; nothing is tried again here.

    `submit` must raise a `CallError` with a `status` below 500 only where the batch was not accepted: the engine then
    submits it again. After any other failure it first looks among `listed` for a batch with that name or file.
    """

    def line(self, call: Call) -> bytes:
        """Write one call as a line of the file, with its line end.

        Args:
            call: The call; the line holds its key, which comes back with its result.
        """
        ...

    async def upload(self, path: Path) -> str:
        """Hand over a file of lines; it costs nothing before it is submitted.

        Args:
            path: The file.

        Returns:
            The file's id.
        """
        ...

    async def submit(self, file_id: str, name: str) -> BatchState:
        """Have the calls of a file answered; this is what is paid for.

        Args:
            file_id: The file.
            name: Is kept with the batch, so that it can be found again.
        """
        ...

    async def look(self, batch_id: str) -> BatchState:
        """Ask how a batch stands.

        Args:
            batch_id: The batch.
        """
        ...

    def listed(self) -> AsyncIterator[BatchState]:
        """List the batches that the provider knows of, the latest first."""
        ...

    async def cancel(self, batch_id: str) -> BatchState:
        """Have no further calls of a batch answered; what was answered is paid and can be read.

        Args:
            batch_id: The batch.
        """
        ...

    def results(self, state: BatchState, folder: Path) -> AsyncIterator[BatchRow]:
        """Read the results of a batch that has ended, in any order.

        Args:
            state: The batch.
            folder: A folder for files that are read from the provider whole before a row is given out.
        """
        ...

    async def discard(self, state: BatchState) -> None:
        """Remove a batch's files at the provider.

        Args:
            state: The batch, whose results were read.
        """
        ...

    async def close(self) -> None:
        """Close connections; another request opens new ones."""
        ...


@runtime_checkable
class BatchModel(Protocol):
    """A chat model that can be asked by batches; its traits then hold `BatchTerms` where the spec wants that."""

    def batches(self) -> Batches:
        """Make what talks to the provider of batches; no connection is made yet."""
        ...
