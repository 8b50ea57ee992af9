"""A corpus and questions for the lexical retrievers."""

from __future__ import annotations

import numpy as np

from ragtally.api import Passages, Queries, Spans


def passages(texts: list[str]) -> Passages:
    rows = np.arange(len(texts), dtype=np.int32)
    return Passages(texts, Spans(rows, np.zeros_like(rows), np.array([len(text) for text in texts], np.int32)))


def queries(texts: list[str]) -> Queries:
    return Queries([str(row) for row in range(len(texts))], texts)
