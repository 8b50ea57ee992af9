"""The call store: every answer that a model was paid for, saved once, at once, for ever."""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from ragtally.api import Call, CallError, Reply
from ragtally.store.calls_rows import CallAbout, FailedCall, FailureCount, Spending
from ragtally.store.calls_sql import (
    CREATE,
    INSERT_ATTEMPT,
    INSERT_CALL,
    SCHEMA,
    SELECT_FAILED,
    SELECT_FAILURES,
    SELECT_KNOWN,
    SELECT_REPLIES,
    SELECT_SPENT,
)
from ragtally.store.database import Database, Schema

# The file's name in the store's folder.
FILE_NAME = "calls.sqlite"

_KEYS_AT_ONCE = 500
_SALVAGE = (
    "nothing was deleted: `ragtally store export --salvage FILE` writes every answer that can still be read; "
    "then move the damaged file aside and `ragtally store import FILE`"
)
_SCHEMA = Schema(
    "call store",
    SCHEMA,
    CREATE,
    {
        sqlite3.SQLITE_CORRUPT: _SALVAGE,
        sqlite3.SQLITE_NOTADB: "nothing was changed: move the file aside, then import an export or a copy of it",
    },
)
_LARGEST_INTEGER = 2**63 - 1
_messages_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

__all__ = ["FILE_NAME", "CallAbout", "CallStore", "FailedCall", "FailureCount", "Spending"]


class CallStore:
    """Answered calls by key, and the attempts that failed."""

    # Every reply is committed by itself as soon as it is recorded; the first one of a key stays. Several processes
    # may use one file; one object belongs to one thread. A failed attempt is noted beside the calls and never stands
    # for an answer.

    def __init__(self, path: Path) -> None:
        self.database = Database(path, _SCHEMA)

    def __enter__(self) -> CallStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self.database.close()

    def answered(self, keys: Sequence[str]) -> dict[str, Reply]:
        """Look replies up."""
        found = {row[0]: row for row in self.look_up(SELECT_REPLIES, keys)}
        replies = {}
        for key in keys:
            row = found.get(key)
            if row is not None:
                _, text, finish, tokens_in, tokens_out, estimated, seconds, served_by = row
                replies[key] = Reply(text, finish, tokens_in, tokens_out, bool(estimated), seconds, served_by)
        return replies

    def unanswered(self, keys: Sequence[str]) -> list[str]:
        """Say which calls are still to be paid, without reading any answer."""
        known = {key for (key,) in self.look_up(SELECT_KNOWN, keys)}
        return [key for key in dict.fromkeys(keys) if key not in known]

    def record(self, call: Call, reply: Reply, about: CallAbout, dollars: float | None) -> bool:
        """Save a reply; when this returns, it outlives the process."""
        # Text that UTF-8 cannot hold (half a surrogate pair) is saved with U+FFFD in its place, and a number of
        # tokens that is too large for any model as unknown: a reply that was paid for is never refused.
        messages = [{"role": message.role, "content": message.content} for message in call.messages]
        row = (
            call.key,
            about.provider,
            about.model,
            call.purpose,
            call.vote,
            call.seed,
            reply.text,
            reply.finish_reason,
            reply.input_tokens,
            reply.output_tokens,
            reply.tokens_estimated,
            reply.seconds,
            reply.served_by,
            dollars if dollars is not None and math.isfinite(dollars) else None,
            _now(),
            about.parameters_text,
            _messages_text(messages),
        )
        return self._write(INSERT_CALL, row) == 1

    def record_attempt(self, call: Call, error: CallError, seconds: float) -> None:
        """Note that a call failed."""
        # Values of environment variables named like keys are blotted out, should a provider have repeated one.
        message = _without_secrets(error.message)
        self._write(INSERT_ATTEMPT, (call.key, _now(), error.reason, error.status, message, seconds))

    def failures(self, keys: Sequence[str]) -> dict[str, FailedCall]:
        """Look up why calls have no reply."""
        found = {key: FailedCall(*rest) for key, *rest in self.look_up(SELECT_FAILURES, keys)}
        return {key: found[key] for key in keys if key in found}

    def spent(self) -> tuple[Spending, ...]:
        """Sum up what was paid to whom."""
        return tuple(Spending(*row) for row in self.select(SELECT_SPENT))

    def failed(self) -> tuple[FailureCount, ...]:
        """Count failed attempts by reason."""
        return tuple(FailureCount(*row) for row in self.select(SELECT_FAILED))

    def select(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Read rows; none where nothing has been written yet."""
        connection = self.database.reading()
        if connection is None:
            return
        try:
            yield from connection.execute(statement)
        except sqlite3.Error as error:
            raise self.database.worded(error) from error

    def look_up(self, statement: str, keys: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        """Read the rows of some keys, many keys a query."""
        connection = self.database.reading()
        if connection is None:
            return
        asked = list(keys)
        try:
            for start in range(0, len(asked), _KEYS_AT_ONCE):
                chunk = asked[start : start + _KEYS_AT_ONCE]
                yield from connection.execute(statement.format(keys=",".join("?" * len(chunk))), chunk)
        except sqlite3.Error as error:
            raise self.database.worded(error) from error

    def _write(self, statement: str, row: tuple[Any, ...]) -> int:
        connection = self.database.writing()
        try:
            try:
                return connection.execute(statement, row).rowcount
            except (UnicodeEncodeError, OverflowError):
                return connection.execute(statement, tuple(map(_storable, row))).rowcount
        except sqlite3.Error as error:
            raise self.database.worded(error) from error


def _now() -> str:
    return f"{datetime.now(UTC).isoformat()[:19]}Z"


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        return None
    return value


def _without_secrets(message: str) -> str:
    for name, value in os.environ.items():
        if name.endswith(("_API_KEY", "_TOKEN", "_SECRET")) and len(value) >= 8:
            message = message.replace(value, f"${name}")
    return message
