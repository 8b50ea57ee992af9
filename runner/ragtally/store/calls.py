"""The call store: every answer that a model was paid for, saved once, at once, for ever."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from ragtally.api import Call, CallError, Reply, canonical_json
from ragtally.store.database import Database, Schema
from ragtally.store.reserve import Reserve


@dataclass(frozen=True, slots=True)
class CallAbout:
    """Who is asked; the same for all calls of a model."""

    provider: str  # Who is paid, such as `groq`
    model: str  # The model's name there
    # The model's identity as the calls' keys hold it: every sampling parameter, the fingerprint.
    parameters: Mapping[str, Any]
    parameters_text: str = field(init=False, repr=False, compare=False)  # The parameters as JSON

    def __post_init__(self) -> None:
        # Written out once per model, not once per call.
        object.__setattr__(self, "parameters_text", canonical_json(self.parameters))

    def text_with(self, schema: Mapping[str, Any] | None) -> str:
        """The parameters of a call that is held to a schema, as JSON."""
        if schema is None:
            return self.parameters_text
        # As text, in the order that counts.
        return _with_schema(self.parameters_text, json.dumps(schema, ensure_ascii=False))


# All calls of a task have one schema.
@functools.lru_cache(maxsize=16)
def _with_schema(parameters: str, schema: str) -> str:
    return canonical_json({**json.loads(parameters), "schema": schema})


@dataclass(frozen=True, slots=True)
class FailedCall:
    """The last failure of a call that has no answer."""

    at: str  # When it failed: UTC, ISO 8601
    reason: str  # What kind of failure it was (`ragtally.CallFailure`)
    status: int | None  # The HTTP status, where there was one
    message: str  # What was wrong
    tries: int  # How often the call has failed


@dataclass(frozen=True, slots=True)
class Spending:
    """What was paid to one provider for one model and purpose."""

    provider: str  # Who was paid
    model: str
    purpose: str  # What the calls were for, as `label`
    calls: int  # How many calls were answered
    input_tokens: int | None  # Tokens put in, over the calls that tell
    calls_without_input_tokens: int  # How many calls do not tell
    output_tokens: int | None  # Tokens that came out, over the calls that tell
    calls_without_output_tokens: int  # How many calls do not tell
    calls_with_estimated_tokens: int  # For how many calls the tokens were counted here
    dollars: float | None  # US dollars, over the calls with a price; None where no call has one
    calls_without_price: int  # How many calls have none
    seconds: float  # Seconds for which the calls kept the model busy
    first_at: str  # When the first answer came: UTC, ISO 8601
    last_at: str  # When the last one came


@dataclass(frozen=True, slots=True)
class BilledFailures:
    """What replies that were no answers cost, at one provider for one model, purpose and reason."""

    provider: str  # Who was paid
    model: str
    purpose: str  # What the calls were for, as `label`
    reason: str  # The kind of failure
    replies: int  # How many replies that were
    input_tokens: int  # Tokens put in
    output_tokens: int  # Tokens that came out
    dollars: float | None  # US dollars, over the replies with a price; None where none has one
    replies_without_price: int  # How many replies have none


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How often calls failed for one reason."""

    reason: str  # The kind of failure
    attempts: int  # How many attempts failed so
    calls: int  # How many different calls that were
    without_reply: int  # How many of these still have no answer
    last_at: str  # When it happened last: UTC, ISO 8601


SCHEMA = 3

# The columns of `calls`; the long ones come last, so that a look-up does not read over them.
CALL_COLUMNS = (
    "key",
    "provider",
    "model",
    "purpose",
    "vote",
    "seed",
    "text",
    "finish_reason",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "tokens_estimated",
    "seconds",
    "served_by",
    "dollars",
    "finished_at",
    "parameters",
    "messages",
)
# What files of earlier versions do not have yet.
NEW_COLUMNS = ("cached_tokens", "checksum")

CREATE = (
    """
    CREATE TABLE calls (
        key TEXT NOT NULL PRIMARY KEY,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        purpose TEXT NOT NULL,
        vote INTEGER NOT NULL,
        seed INTEGER,
        text TEXT NOT NULL,
        finish_reason TEXT,
        input_tokens INTEGER,
        output_tokens INTEGER,
        tokens_estimated INTEGER NOT NULL,
        seconds REAL NOT NULL,
        served_by TEXT,
        dollars REAL,
        finished_at TEXT NOT NULL,
        parameters TEXT NOT NULL,
        messages TEXT NOT NULL,
        checksum BLOB,
        cached_tokens INTEGER
    )
    """,
    """
    CREATE TABLE attempts (
        number INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        at TEXT NOT NULL,
        reason TEXT NOT NULL,
        status INTEGER,
        message TEXT NOT NULL,
        seconds REAL NOT NULL
    )
    """,
    "CREATE INDEX attempts_by_key ON attempts (key)",
)

# Not INSERT OR IGNORE, which would also swallow a row that breaks NOT NULL, and with it a paid answer.
INSERT_CALL = f"""
    INSERT INTO calls ({", ".join(CALL_COLUMNS)}, checksum) VALUES ({", ".join("?" * len(CALL_COLUMNS))}, ?)
    ON CONFLICT (key) DO NOTHING
"""
INSERT_ATTEMPT = "INSERT INTO attempts (key, at, reason, status, message, seconds) VALUES (?, ?, ?, ?, ?, ?)"

# Made when it is needed: files of earlier versions have no such table, and they do not look at it.
CREATE_BILLED = """
    CREATE TABLE IF NOT EXISTS billed_failures (
        number INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        purpose TEXT NOT NULL,
        at TEXT NOT NULL,
        reason TEXT NOT NULL,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        dollars REAL
    )
"""
BILLED_COLUMNS = ("key", "provider", "model", "purpose", "at", "reason", "input_tokens", "output_tokens", "dollars")
INSERT_BILLED = f"""
    INSERT INTO billed_failures ({", ".join(BILLED_COLUMNS)}) VALUES ({", ".join("?" * len(BILLED_COLUMNS))})
"""
SELECT_ALL_BILLED = f"SELECT {', '.join(BILLED_COLUMNS)} FROM billed_failures"
SELECT_SAME_BILLED = f"""
    SELECT count(*) FROM billed_failures WHERE {" AND ".join(f"{name} IS ?" for name in BILLED_COLUMNS)}
"""
HAS_BILLED = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'billed_failures'"
SELECT_BILLED = """
    SELECT provider, model, purpose, reason, count(*), sum(input_tokens), sum(output_tokens),
        sum(dollars), sum(dollars IS NULL)
    FROM billed_failures GROUP BY provider, model, purpose, reason ORDER BY provider, model, purpose, reason
"""
SELECT_BILLED_DOLLARS = "SELECT dollars FROM billed_failures WHERE dollars IS NOT NULL AND key IN ({keys})"

# `{keys}` is a list of placeholders.
SELECT_KNOWN = "SELECT key FROM calls WHERE key IN ({keys})"
SELECT_REPLIES = """
    SELECT key, text, finish_reason, input_tokens, output_tokens, tokens_estimated, seconds, served_by,
        {cached_tokens}
    FROM calls WHERE key IN ({keys})
"""
SELECT_FAILURES = """
    SELECT key, at, reason, status, message, tried FROM attempts JOIN (
        SELECT max(number) AS last, count(*) AS tried FROM attempts WHERE key IN ({keys}) GROUP BY key
    ) ON number = last
    WHERE NOT EXISTS (SELECT 1 FROM calls WHERE calls.key = attempts.key)
"""
SELECT_SAME_KEYS = "SELECT key, purpose, vote, text, messages FROM calls WHERE key IN ({keys})"

SELECT_SPENT = """
    SELECT provider, model, purpose, count(*),
        sum(input_tokens), sum(input_tokens IS NULL),
        sum(output_tokens), sum(output_tokens IS NULL), sum(tokens_estimated),
        sum(dollars), sum(dollars IS NULL), sum(seconds), min(finished_at), max(finished_at)
    FROM calls GROUP BY provider, model, purpose ORDER BY provider, model, purpose
"""
SELECT_SERVED = """
    SELECT provider, model, served_by, count(*) FROM calls
    WHERE served_by IS NOT NULL GROUP BY provider, model, served_by ORDER BY provider, model, served_by
"""
SELECT_SECONDS = """
    SELECT avg(seconds) FROM (
        SELECT seconds FROM calls WHERE provider = ? AND model = ? ORDER BY rowid DESC LIMIT 500
    )
"""
SELECT_SERVED_OF = "SELECT served_by FROM calls WHERE served_by IS NOT NULL AND key IN ({keys})"
SELECT_FAILED = """
    SELECT reason, count(*), count(DISTINCT key),
        count(DISTINCT CASE WHEN key NOT IN (SELECT key FROM calls) THEN key END), max(at)
    FROM attempts GROUP BY reason ORDER BY count(*) DESC, reason
"""

COUNT_CALLS = "SELECT count(*) FROM calls"
_ALL_COLUMNS = ", ".join(f"{{{name}}}" if name in NEW_COLUMNS else name for name in (*CALL_COLUMNS, "checksum"))
SELECT_CALLS = f"SELECT {_ALL_COLUMNS} FROM calls ORDER BY key"
SELECT_CALL_AT = f"SELECT {_ALL_COLUMNS} FROM calls NOT INDEXED WHERE rowid = ?"
SELECT_COLUMNS = "SELECT name FROM pragma_table_info('calls')"
LAST_ROW = "SELECT max(rowid) FROM calls"
CHECK_FILE = "PRAGMA integrity_check(20)"


# A call's values in the order of `CALL_COLUMNS`.
Row = tuple[Any, ...]

_STORED_AS: Mapping[str, Callable[[Any], Any]] = {"tokens_estimated": int, "seconds": float, "dollars": float}
_CACHED = CALL_COLUMNS.index("cached_tokens")


def columns_in(connection: sqlite3.Connection) -> dict[str, str]:
    """By the name of a column that earlier versions did not have what to select: NULL where it is not there."""
    there = {name for (name,) in connection.execute(SELECT_COLUMNS)}
    return {name: name if name in there else "NULL" for name in NEW_COLUMNS}


def checksum_of(*row: Any) -> bytes:
    """A checksum of a call's values, as they are stored."""
    if row[_CACHED] is None:
        # As it was before there was that column.
        row = (*row[:_CACHED], *row[_CACHED + 1 :])
    return hashlib.blake2b(json.dumps(row).encode(), digest_size=16).digest()


def sealed(row: Row) -> Row:
    """A row as it is stored, with its checksum after it."""
    stored = tuple(
        convert(value) if (convert := _STORED_AS.get(name)) and value is not None else value
        for name, value in zip(CALL_COLUMNS, row, strict=True)
    )
    return (*stored, checksum_of(*stored))


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
    upgrades={
        1: (
            "ALTER TABLE calls ADD COLUMN checksum BLOB",
            f"UPDATE calls SET checksum = checksum_of({', '.join(CALL_COLUMNS).replace('cached_tokens', 'NULL')})",
        ),
        2: ("ALTER TABLE calls ADD COLUMN cached_tokens INTEGER",),
    },
    functions={"checksum_of": checksum_of},
)
_LARGEST_INTEGER = 2**63 - 1
_messages_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

__all__ = ["FILE_NAME", "BilledFailures", "CallAbout", "CallStore", "FailedCall", "FailureCount", "Spending"]


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

    def hold(self, reserve: Reserve | None) -> None:
        """Make sure that answers can be saved, in the room of a reserve if need be, before anything is sent."""
        self.database.hold(reserve)

    def replies_to(self, keys: Sequence[str]) -> dict[str, Reply]:
        """Look replies up."""
        rows = {row[0]: row for row in self.look_up(SELECT_REPLIES, keys)}
        replies = {}
        for key in keys:
            row = rows.get(key)
            if row is not None:
                _, text, finish, tokens_in, tokens_out, is_estimate, seconds, served_by, cached = row
                replies[key] = Reply(
                    text, finish, tokens_in, tokens_out, bool(is_estimate), seconds, served_by, cached
                )
        return replies

    def keys_without_reply(self, keys: Sequence[str]) -> list[str]:
        """The calls without a reply, found without reading any answer."""
        answered_keys = {key for (key,) in self.look_up(SELECT_KNOWN, keys)}
        return [key for key in dict.fromkeys(keys) if key not in answered_keys]

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
            reply.cached_tokens,
            reply.tokens_estimated,
            reply.seconds,
            reply.served_by,
            dollars if dollars is not None and math.isfinite(dollars) else None,
            _now(),
            about.text_with(call.schema),
            _messages_text(messages),
        )
        return self._write(INSERT_CALL, row, sealed) == 1

    def record_attempt(
        self,
        call: Call,
        error: CallError,
        seconds: float,
        about: CallAbout | None = None,
        dollars: float | None = None,
    ) -> None:
        """Note that a call failed, and what the reply cost that was no answer."""
        if error.tokens is not None and about is not None:
            self._write(CREATE_BILLED, ())
            who = (call.key, about.provider, about.model, call.purpose, _now(), error.reason)
            self._write(INSERT_BILLED, (*who, *error.tokens, dollars))
        # Values of environment variables named like keys are blotted out, should a provider have repeated one.
        message = _without_secrets(error.message)
        self._write(INSERT_ATTEMPT, (call.key, _now(), error.reason, error.status, message, seconds))

    def failures(self, keys: Sequence[str]) -> dict[str, FailedCall]:
        """Look up why calls have no reply."""
        rows = {key: FailedCall(*rest) for key, *rest in self.look_up(SELECT_FAILURES, keys)}
        return {key: rows[key] for key in keys if key in rows}

    def spent(self) -> tuple[Spending, ...]:
        """Sum up what was paid to whom."""
        return tuple(Spending(*row) for row in self.select(SELECT_SPENT))

    def served(self) -> tuple[tuple[str, str, str, int], ...]:
        """Count which models answered: provider, the model asked, the one that answered, and how many calls."""
        return tuple((str(row[0]), str(row[1]), str(row[2]), int(row[3])) for row in self.select(SELECT_SERVED))

    def served_by(self, keys: Sequence[str]) -> Counter[str]:
        """Count which models answered some calls, by the names that they gave."""
        return Counter(name for (name,) in self.look_up(SELECT_SERVED_OF, keys))

    def billed_failures(self) -> tuple[BilledFailures, ...]:
        """Sum up what replies cost that were no answers."""
        if not any(self.select(HAS_BILLED)):
            return ()
        return tuple(BilledFailures(*row) for row in self.select(SELECT_BILLED))

    def billed_failures_of(self, keys: Sequence[str]) -> float:
        """Sum up the dollars of replies to some calls that were no answers."""
        if not any(self.select(HAS_BILLED)):
            return 0.0
        return float(sum(dollars for (dollars,) in self.look_up(SELECT_BILLED_DOLLARS, keys)))

    def seconds_per_call(self, provider: str, model: str) -> float | None:
        """For how long a call kept a model busy, over the latest ones; None where none was answered."""
        return next((seconds for (seconds,) in self.select(SELECT_SECONDS, (provider, model))), None)

    def failure_counts(self) -> tuple[FailureCount, ...]:
        """Count failed attempts by reason."""
        return tuple(FailureCount(*row) for row in self.select(SELECT_FAILED))

    def select(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Read rows; none where nothing has been written yet."""
        connection = self.database.reading()
        if connection is None:
            return
        try:
            yield from connection.execute(statement, values)
        except sqlite3.Error as error:
            raise self.database.wrap_error(error) from error

    def look_up(self, statement: str, keys: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        """Read the rows of some keys, many keys a query."""
        connection = self.database.reading()
        if connection is None:
            return
        all_keys = list(keys)
        try:
            columns = columns_in(connection) if "{cached_tokens}" in statement else {}
            for start in range(0, len(all_keys), _KEYS_AT_ONCE):
                chunk = all_keys[start : start + _KEYS_AT_ONCE]
                yield from connection.execute(statement.format(keys=",".join("?" * len(chunk)), **columns), chunk)
        except sqlite3.Error as error:
            raise self.database.wrap_error(error) from error

    def _write(self, statement: str, row: Row, finish: Callable[[Row], Row] = lambda row: row) -> int:
        connection = self.database.writing()

        def write() -> int:
            try:
                return connection.execute(statement, finish(row)).rowcount
            except (UnicodeEncodeError, OverflowError, ValueError):
                return connection.execute(statement, finish(tuple(map(_storable, row)))).rowcount

        try:
            return self.database.save(write)
        except sqlite3.Error as error:
            raise self.database.wrap_error(error) from error


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
