"""Every SQL statement of the call store, and the version of its schema.

Raise `SCHEMA` with any change of the tables, and say in `database` what becomes of an older file.
"""

from __future__ import annotations

SCHEMA = 1

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
    "tokens_estimated",
    "seconds",
    "served_by",
    "dollars",
    "finished_at",
    "parameters",
    "messages",
)

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
        messages TEXT NOT NULL
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
    INSERT INTO calls ({", ".join(CALL_COLUMNS)}) VALUES ({", ".join("?" * len(CALL_COLUMNS))})
    ON CONFLICT (key) DO NOTHING
"""
INSERT_ATTEMPT = "INSERT INTO attempts (key, at, reason, status, message, seconds) VALUES (?, ?, ?, ?, ?, ?)"

# `{keys}` is a list of placeholders.
SELECT_KNOWN = "SELECT key FROM calls WHERE key IN ({keys})"
SELECT_REPLIES = """
    SELECT key, text, finish_reason, input_tokens, output_tokens, tokens_estimated, seconds, served_by
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
SELECT_FAILED = """
    SELECT reason, count(*), count(DISTINCT key),
        count(DISTINCT CASE WHEN key NOT IN (SELECT key FROM calls) THEN key END), max(at)
    FROM attempts GROUP BY reason ORDER BY count(*) DESC, reason
"""

COUNT_CALLS = "SELECT count(*) FROM calls"
SELECT_CALLS = f"SELECT {', '.join(CALL_COLUMNS)} FROM calls ORDER BY key"
SELECT_CALL_AT = f"SELECT {', '.join(CALL_COLUMNS)} FROM calls NOT INDEXED WHERE rowid = ?"
LAST_ROW = "SELECT max(rowid) FROM calls"
CHECK_FILE = "PRAGMA integrity_check(20)"
