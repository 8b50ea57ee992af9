"""Every error that a user can fix: a message, the place it is at, and what to type next.

Layer 0: standard library only.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

CallFailure = Literal[
    "rate limit",
    "timeout",
    "connection",
    "server",
    "bad reply",
    "daily quota",
    "authentication",
    "not found",
    "bad request",
    "too long",
    "refused",
    "cancelled",
    "unexpected",
]
"""Kinds of failure of a call: the first five pass, so the call is tried again; the others do not."""

EXIT_DONE = 0
EXIT_BUG = 1
EXIT_USER = 2
EXIT_STOPPED = 3


@dataclass(frozen=True, slots=True)
class Location:
    """Where in a file of the user's something is wrong.

    Attributes:
        file: The path as the user would type it.
        line: Line number from 1, or None where the whole file is meant.
        column: Column number from 1, or None where the whole line is meant.
    """

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.file]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)


class RagtallyError(Exception):
    """Something the user can fix; the command line prints it and ends with exit code 2.

    Attributes:
        message: What is wrong, in one sentence.
        location: File, line and column of the cause, where there is one.
        hint: What to type or change next, where that is known.
    """

    exit_code = EXIT_USER

    def __init__(self, message: str, *, location: Location | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = printable_lines(message)
        self.location = location
        self.hint = None if hint is None else printable_lines(hint)

    def __str__(self) -> str:
        text = f"{self.location}: {self.message}" if self.location else self.message
        return f"{text}\n  hint: {self.hint}" if self.hint else text


def printable(text: str) -> str:
    """Make text from outside safe to show: what could steer a terminal, or end the line, becomes its escape.

    Args:
        text: Any text.

    Returns:
        The same, in one line.
    """
    return "".join(
        sign if sign.isprintable() or unicodedata.category(sign) == "Zs" else sign.encode("unicode_escape").decode()
        for sign in text
    )


def printable_lines(text: str) -> str:
    """Do the same to each line of a text (see `printable`)."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


class SpecError(RagtallyError):
    """A spec is wrong at one place."""


class DataError(RagtallyError):
    """A data file is missing, damaged, or says something that it must not say."""


class PluginError(RagtallyError):
    """A plugin cannot be loaded, claims a taken name, or breaks its kind's contract."""


class StoreError(RagtallyError):
    """The store or the results folder cannot be read or written."""


class CallError(RagtallyError):
    """A call of a model failed.

    Attributes:
        reason: What kind of failure it is.
        status: The HTTP status, where there was one.
        retry_after: Seconds to wait before the next try, as the provider said.
        tokens: Of a reply that came and is no answer the tokens in and out, which may have been billed; None where
            nothing came.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: CallFailure,
        status: int | None = None,
        retry_after: float | None = None,
        tokens: tuple[int, int] | None = None,
        location: Location | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, location=location, hint=hint)
        self.reason = reason
        self.status = status
        self.retry_after = retry_after
        self.tokens = tokens

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed when it is tried again."""
        return self.reason in ("rate limit", "timeout", "connection", "server", "bad reply")

    @property
    def fatal(self) -> bool:
        """Whether every other call of this model would fail likewise, so that the run should stop at once."""
        return self.reason in ("daily quota", "authentication", "not found", "bad request")


class StoppedError(RagtallyError):
    """The work stopped before its end, by budget or quota; the same command goes on from there (exit code 3)."""

    exit_code = EXIT_STOPPED


class ErrorList(RagtallyError):
    """Several errors, found in one go and shown at once.

    Attributes:
        errors: The single errors, in the order of their places.
    """

    def __init__(self, errors: Sequence[RagtallyError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def errors_as_data(error: RagtallyError) -> list[dict[str, Any]]:
    """Write an error, or each of several, as JSON-able data that can go to another process.

    Args:
        error: The error.

    Returns:
        One mapping per error, which `errors_from_data` reads.
    """
    if isinstance(error, ErrorList):
        return [data for each in error.errors for data in errors_as_data(each)]
    place = error.location and [error.location.file, error.location.line, error.location.column]
    return [
        {"stops": isinstance(error, StoppedError), "message": error.message, "location": place, "hint": error.hint}
    ]


def errors_from_data(data: Sequence[Mapping[str, Any]], location: Location | None = None) -> list[RagtallyError]:
    """Read the errors of another process.

    Args:
        data: What `errors_as_data` wrote.
        location: The place of an error that names none.

    Returns:
        The errors; one that stopped the work for now is a `StoppedError`.
    """
    return [
        (StoppedError if each["stops"] else RagtallyError)(
            each["message"], location=Location(*each["location"]) if each["location"] else location, hint=each["hint"]
        )
        for each in data
    ]


def raise_all(errors: Sequence[RagtallyError]) -> None:
    """Raise nothing for no error, the error itself for one, an `ErrorList` for several.

    Args:
        errors: What was found.

    Raises:
        RagtallyError: If there is at least one.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ErrorList(errors)


def did_you_mean(word: str, choices: Sequence[str]) -> str:
    """Write the hint for a misspelt word.

    Args:
        word: What was typed.
        choices: What would have been right.

    Returns:
        "did you mean 'x'?" where something is close, else the list of what there is.
    """
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there is: {', '.join(choices)}" if choices else "there is none"


@contextmanager
def errors_at(location: Location | None) -> Iterator[None]:
    """Give a place to errors that have none: a component that is asked for something does not know the spec."""
    try:
        yield
    except RagtallyError as error:
        for each in error.errors if isinstance(error, ErrorList) else (error,):
            each.location = each.location or location
        raise
