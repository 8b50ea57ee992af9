"""The store of fine-tuning jobs: each on disk before the provider hears of it, and for good once it is paid for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from ragtally.api import LossPoint, StoreError
from ragtally.store.database import Database, Schema

# The file's name in the store's folder.
FILE_NAME = "tuning.sqlite"
# The lock that a process holds while it submits jobs.
LOCK_NAME = "tuning.lock"

# Where a job is, here: it is written down; the provider is about to be told; it has accepted; there is a model; there
# is none; it was given up.
TuningStage = Literal["claimed", "submitting", "open", "done", "failed", "forgotten"]
# Those that still stand for their training: a failed one may be tried again, as another job.
_CURRENT = ("claimed", "submitting", "open", "done")

_DAMAGE_HINT = "move the file aside; jobs that succeeded are found again in the provider's own list"
_CREATE = (
    """
    CREATE TABLE jobs (
        name TEXT NOT NULL PRIMARY KEY,
        task TEXT NOT NULL,
        reader TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        component TEXT NOT NULL,
        parameters TEXT NOT NULL,
        stage TEXT NOT NULL,
        examples INTEGER NOT NULL,
        epochs INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        most_dollars REAL,
        file_id TEXT,
        job_id TEXT,
        tuned_model TEXT,
        trained_tokens INTEGER,
        dollars REAL,
        message TEXT,
        losses TEXT NOT NULL,
        submitted_at REAL,
        ended_at REAL
    )
    """,
    "CREATE INDEX jobs_by_task ON jobs (task)",
)
_SCHEMA = Schema(
    "store of fine-tuning jobs",
    1,
    _CREATE,
    {sqlite3.SQLITE_CORRUPT: _DAMAGE_HINT, sqlite3.SQLITE_NOTADB: _DAMAGE_HINT},
)


@dataclass(frozen=True, slots=True)
class StoredJob:
    """What is known here of a fine-tuning job."""

    name: str  # Our own name of it, which the provider keeps with it
    task: str  # The address of the training that it is for
    reader: str  # As the spec names it, for people
    provider: str
    model: str  # What is fine-tuned
    component: str  # The name of the model component that talks to the provider
    parameters: str  # That component's parameters
    stage: TuningStage
    examples: int
    epochs: int
    tokens: int  # Of all epochs, as estimated here
    most_dollars: float | None  # The most that it may cost in US dollars; None where no price is known
    file_id: str | None = None  # The provider's id of its file; None before it is handed over
    job_id: str | None = None  # The provider's id of it; None before it is accepted
    tuned_model: str | None = None  # The new model's name at the provider; None before there is one
    trained_tokens: int | None = None  # What the provider says that it was trained on
    dollars: float | None = None  # What it cost, at the price of then; None where unknown
    message: str | None = None  # Why it failed, in the provider's words
    losses: str = "[]"
    submitted_at: float | None = None  # In seconds of the epoch
    ended_at: float | None = None

    def __post_init__(self) -> None:
        if self.stage not in get_args(TuningStage):
            raise StoreError(f"the job {self.name} is at {self.stage!r}, which this version does not know")

    @property
    def component_parameters(self) -> dict[str, Any]:
        """The component's parameters as JSON has them."""
        parameters: dict[str, Any] = json.loads(self.parameters)
        return parameters

    @property
    def billed_tokens(self) -> int:
        """What it was trained on: as the provider counts, else as estimated."""
        return self.tokens if self.trained_tokens is None else self.trained_tokens

    def loss_points(self) -> list[LossPoint]:
        """Its losses."""
        return [LossPoint(**point) for point in json.loads(self.losses)]


def losses_text(points: Sequence[LossPoint]) -> str:
    """Write losses as a job has them."""
    return json.dumps([asdict(point) for point in points])


_NAMES = [each.name for each in fields(StoredJob)]
_SELECT = f"SELECT {', '.join(_NAMES)} FROM jobs"
_INSERT = f"INSERT INTO jobs ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"


class TuningStore:
    """Fine-tuning jobs; each training has one at most that is neither failed nor given up."""

    # Every change is committed at once. Several processes may use one file; one object belongs to one thread.

    def __init__(self, path: Path) -> None:
        self.database = Database(path, _SCHEMA)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self.database.close()

    def add(self, job: StoredJob) -> None:
        """Write down a job, before the provider hears of it."""
        with self._changing() as connection:
            connection.execute(_INSERT, tuple(getattr(job, name) for name in _NAMES))

    def change(self, name: str, **columns: Any) -> None:
        """Note what has become of a job."""
        if unknown := set(columns) - set(_NAMES):
            raise ValueError(f"no such columns to change: {sorted(unknown)}")
        changes = ", ".join(f"{column} = ?" for column in columns)
        with self._changing() as connection:
            connection.execute(f"UPDATE jobs SET {changes} WHERE name = ?", (*columns.values(), name))

    def drop(self, name: str) -> None:
        """Remove a job that the provider has certainly not accepted."""
        with self._changing() as connection:
            connection.execute("DELETE FROM jobs WHERE name = ?", (name,))

    def current(self, task: str) -> StoredJob | None:
        """The job of a training that is on its way, or has made its model."""
        marks = ", ".join("?" * len(_CURRENT))
        rows = list(self._select(f"{_SELECT} WHERE task = ? AND stage IN ({marks})", (task, *_CURRENT)))
        return rows[-1] if rows else None

    def of_task(self, task: str) -> tuple[StoredJob, ...]:
        """All jobs of a training, those that failed included."""
        return tuple(self._select(f"{_SELECT} WHERE task = ?", (task,)))

    def all(self, *, running: bool = False) -> tuple[StoredJob, ...]:
        """List jobs, the earliest first."""
        where = "WHERE stage IN ('claimed', 'submitting', 'open')" if running else ""
        return tuple(self._select(f"{_SELECT} {where} ORDER BY submitted_at, name"))

    def _select(self, statement: str, values: Sequence[Any] = ()) -> Iterator[StoredJob]:
        connection = self.database.reading()
        if connection is None:
            return
        try:
            rows = connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self.database.wrap_error(error) from error
        for row in rows:
            yield StoredJob(**dict(zip(_NAMES, row, strict=True)))

    def _changing(self) -> AbstractContextManager[sqlite3.Connection]:
        # A job that a power cut made us forget would be paid again.
        return self.database.transaction(durable=True)
