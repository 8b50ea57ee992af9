"""The vector store: every vector of a text that was expensive to make, saved batch by batch, for ever."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ragtally.api import Location, StoreError, canonical_json
from ragtally.store.database import Database, Schema
from ragtally.store.reserve import Reserve

# The file's name in the store's folder.
FILE_NAME = "vectors.sqlite"

Role = Literal["document", "query"]

_KEYS_AT_ONCE = 500
_KEY_BYTES = 16
_DAMAGE_HINT = "move the file aside: its vectors are then made (and paid for) again"
_SCHEMA = Schema(
    "vector store",
    1,
    (
        """
        CREATE TABLE vectors (
            key BLOB NOT NULL PRIMARY KEY, embedder TEXT NOT NULL, tokens INTEGER, dollars REAL, vector BLOB NOT NULL
        )
        """,
    ),
    {sqlite3.SQLITE_CORRUPT: _DAMAGE_HINT, sqlite3.SQLITE_NOTADB: _DAMAGE_HINT},
)
_INSERT = """
    INSERT INTO vectors (key, embedder, tokens, dollars, vector) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING
"""
_SELECT_KEYS = "SELECT key FROM vectors WHERE key IN ({keys})"
_VECTORS = "SELECT key, vector FROM vectors WHERE key IN ({keys})"
_DOLLARS = "SELECT total(dollars) FROM vectors WHERE key IN ({keys})"
_DOLLARS_OF_EACH = "SELECT key, dollars FROM vectors WHERE dollars > 0 AND key IN ({keys})"
_SPENT = """
    SELECT embedder, count(*), sum(tokens), sum(dollars), sum(dollars IS NULL) FROM vectors
    GROUP BY embedder ORDER BY embedder
"""


@dataclass(frozen=True, slots=True)
class EmbeddingSpending:
    """What one embedder was paid for."""

    embedder: str  # Its name, such as `openai/text-embedding-3-small`
    texts: int  # How many texts' vectors are kept
    input_tokens: int | None  # Their tokens, counted here; None where unknown
    dollars: float | None  # What they cost in US dollars; None where no price is known
    texts_without_price: int  # Texts whose price is unknown


def keys_of(identity: Any, role: Role, texts: Sequence[str]) -> list[bytes]:
    """Make the keys of texts."""
    prefix = hashlib.blake2b(canonical_json([identity, role]).encode(), digest_size=_KEY_BYTES)
    keys = []
    for text in texts:
        own = prefix.copy()
        own.update(text.encode("utf-8", "surrogatepass"))
        keys.append(own.digest())
    return keys


class VectorStore:
    """Vectors by key; the first one of a key stays. Several processes may use one file, one thread an object."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path, _SCHEMA)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self.database.close()

    def hold(self, reserve: Reserve | None) -> None:
        """Make sure that vectors can be saved, in the room of a reserve if need be, before any is made."""
        self.database.hold(reserve)

    def unknown(self, keys: Sequence[bytes]) -> list[bytes]:
        """The vectors that the store does not have."""
        stored_keys = {key for (key,) in self._look_up(_SELECT_KEYS, keys)}
        return [key for key in dict.fromkeys(keys) if key not in stored_keys]

    def look_up(self, keys: Sequence[bytes]) -> NDArray[np.float32]:
        """Read vectors."""
        rows: dict[bytes, list[int]] = {}
        for row, key in enumerate(keys):
            rows.setdefault(key, []).append(row)
        vectors: NDArray[np.float32] | None = None
        missing = len(rows)
        for key, blob in self._look_up(_VECTORS, list(rows)):
            vector = np.frombuffer(blob, "<f4")
            if vectors is None:
                vectors = np.empty((len(keys), len(vector)), np.float32)
            elif len(vector) != vectors.shape[1]:
                raise StoreError(
                    f"vectors of {vectors.shape[1]} and of {len(vector)} numbers are kept for one embedder",
                    location=Location(str(self.database.path)),
                    hint="its model was exchanged under the same name: give the new one another name",
                )
            vectors[rows[key]] = vector
            missing -= 1
        if missing:
            raise StoreError(
                f"{missing:,} vectors are missing",
                location=Location(str(self.database.path)),
                hint="run the command again",
            )
        return np.zeros((0, 0), np.float32) if vectors is None else vectors

    def record(
        self,
        embedder: str,
        keys: Sequence[bytes],
        vectors: NDArray[np.float32],
        tokens: Sequence[int],
        dollars: Sequence[float | None],
    ) -> None:
        """Save a batch in one commit; when this returns, it outlives the process."""
        connection = self.database.writing()
        plain = np.ascontiguousarray(vectors, "<f4")
        rows = [
            (key, embedder, count, price, vector.tobytes())
            for key, vector, count, price in zip(keys, plain, tokens, dollars, strict=True)
        ]

        def write() -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_INSERT, rows)
            connection.execute("COMMIT")

        try:
            self.database.save(write)
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise self.database.wrap_error(error) from error

    def dollars(self, keys: Sequence[bytes]) -> float:
        """Sum up what some texts' vectors cost."""
        return float(sum(dollars for (dollars,) in self._look_up(_DOLLARS, list(dict.fromkeys(keys)))))

    def dollars_of_each(self, keys: Sequence[bytes]) -> dict[bytes, float]:
        """What each of some texts' vectors cost, of those that were paid for."""
        return {row[0]: row[1] for row in self._look_up(_DOLLARS_OF_EACH, list(dict.fromkeys(keys)))}

    def has_any(self, embedder: str) -> bool:
        """Whether an embedder has made vectors before."""
        connection = self.database.reading()
        if connection is None:
            return False
        rows = connection.execute("SELECT 1 FROM vectors WHERE embedder = ? LIMIT 1", (embedder,))
        return rows.fetchone() is not None

    def spent(self) -> tuple[EmbeddingSpending, ...]:
        """Sum up what was paid to whom."""
        connection = self.database.reading()
        return () if connection is None else tuple(EmbeddingSpending(*row) for row in connection.execute(_SPENT))

    def _look_up(self, statement: str, keys: Sequence[bytes]) -> Iterator[tuple[Any, ...]]:
        connection = self.database.reading()
        if connection is None:
            return
        try:
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                some = keys[start : start + _KEYS_AT_ONCE]
                yield from connection.execute(statement.format(keys=",".join("?" * len(some))), some)
        except sqlite3.Error as error:
            raise self.database.wrap_error(error) from error
