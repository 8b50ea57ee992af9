"""Batches of calls: submitted once whatever happens, waited for, read row by row."""

from ragtally.run.batching.batching import Batching, still_open

__all__ = ["Batching", "still_open"]
