"""Batches of calls: submitted once whatever happens, waited for, read row by row."""

from ragtally.run.batching.batching import Batching
from ragtally.run.batching.cancelling import cancel_batch
from ragtally.run.batching.telling import interrupted, still_open

__all__ = ["Batching", "cancel_batch", "interrupted", "still_open"]
