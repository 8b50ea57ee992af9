"""Batches of calls: submitted once whatever happens, waited for, read row by row."""

from ragtally.run.batching.batching import Batching, still_open
from ragtally.run.batching.cancelling import cancel_batch

__all__ = ["Batching", "cancel_batch", "still_open"]
