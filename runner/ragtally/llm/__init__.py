"""Delivery: takes calls to a model as fast as it allows, and brings every reply back.

Knows neither the store nor Haystack: a call goes out through a function, a reply comes back through another.
"""

from ragtally.llm.batch_file import FilledBatch, fill_batch
from ragtally.llm.delivery import Delivered, deliver
from ragtally.llm.retry import patiently, pause, wait_after
from ragtally.llm.stopping import StopKind, StopReason, StopSignal, stop_on_interrupt

__all__ = [
    "Delivered",
    "FilledBatch",
    "StopKind",
    "StopReason",
    "StopSignal",
    "deliver",
    "fill_batch",
    "patiently",
    "pause",
    "stop_on_interrupt",
    "wait_after",
]
