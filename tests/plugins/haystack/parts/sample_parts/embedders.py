"""Embedders that fail, that give what are no vectors, and that must not be shared by threads."""

import threading
import time
from dataclasses import replace

from haystack import Document, component


class TooManyError(Exception):
    """What a provider's library raises."""

    status_code = 429


class KeyRefusedError(Exception):
    """What a provider's library raises."""

    status_code = 401


def fail(failure, times):
    """Fail as often as a counter says."""
    if failure and times[0] > 0:
        times[0] -= 1
        raise {"rate": TooManyError("slow down"), "key": KeyRefusedError("who are you"), "bug": KeyError("oops")}[
            failure
        ]


@component
class Chunks:
    """One number and its square, by the length of a text."""

    def __init__(self, gives: str = "vectors", dimensions: int = 2, failure: str | None = None, times: int = 0):
        self.gives, self.dimensions, self.failure, self.times = gives, dimensions, failure, [times]
        self.batches = []

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]):
        self.batches.append(len(documents))
        fail(self.failure, self.times)
        made = [replace(document, embedding=self.vector(document.content)) for document in documents]
        if self.gives == "fewer":
            made = made[1:]
        if self.gives == "others":
            made = [replace(document, id=document.id + "x") for document in made]
        return {"documents": made[::-1]}

    def vector(self, text):
        if self.gives == "nothing":
            return None
        if self.gives == "NaN":
            return [float("nan")] * self.dimensions
        if self.gives == "ragged":
            return [1.0] * (1 + len(text) % 2)
        return [float(len(text)) ** (power + 1) for power in range(self.dimensions)]


@component
class Question:
    """The same vectors for questions; notes when two threads are in one instance."""

    instances = 0
    shared = False

    def __init__(self, dimensions: int = 2, seconds: float = 0.0, failure: str | None = None, times: int = 0):
        type(self).instances += 1
        self.dimensions, self.seconds, self.failure, self.times = dimensions, seconds, failure, [times]
        self.busy = threading.Lock()

    @component.output_types(embedding=list[float])
    def run(self, text: str):
        if not self.busy.acquire(blocking=False):
            type(self).shared = True
            raise AssertionError("two threads in one instance")
        try:
            fail(self.failure, self.times)
            time.sleep(self.seconds)
            return {"embedding": [float(len(text)) ** (power + 1) for power in range(self.dimensions)]}
        finally:
            self.busy.release()
