"""What the server saw and did, as `GET /control/counts` tells it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counts:
    """Counts of calls of models; requests to other endpoints are not calls.

    Attributes:
        requests: Calls that came.
        successful: Good answers that were written whole and that the connection took.
        complete: The same, and those without a usable answer in a well-formed body (empty).
        batches: Batches that were accepted; their calls count like others, when they are answered.
        texts: Texts whose embeddings were written whole and that the connection took.
        abandoned: Calls whose caller went away before the answer.
        in_flight: Calls being answered now.
        max_in_flight: The most calls in flight at once.
        first_request: When the first call came, in seconds of the epoch; None before it.
        last_request: When the latest call came.
        last_answer: When the latest good answer was written.
        by_model: Calls that came, by model.
        by_status: Answers, by HTTP status; "none" for those without.
        by_fault: Calls that suffered a fault, by the fault.
        requests_by_key: Calls that came, by key: a hash of model, messages and seed.
        successful_by_key: Calls that succeeded, by key.
    """

    requests: int = 0
    successful: int = 0
    complete: int = 0
    batches: int = 0
    texts: int = 0
    abandoned: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    first_request: float | None = None
    last_request: float | None = None
    last_answer: float | None = None
    by_model: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)
    by_fault: Counter[str] = field(default_factory=Counter)
    requests_by_key: Counter[str] = field(default_factory=Counter)
    successful_by_key: Counter[str] = field(default_factory=Counter)

    def arrived(self) -> None:
        self.requests += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        self.last_request = time.time()
        if self.first_request is None:
            self.first_request = self.last_request

    def succeeded(self, key: str, texts: int = 0) -> None:
        self.successful += 1
        self.texts += texts
        self.successful_by_key[key] += 1
        self.last_answer = time.time()

    def as_json(self, *, keys: bool) -> dict[str, Any]:
        """List the attributes by name, with how many keys succeeded and the seconds of the process."""
        left_out = () if keys else ("requests_by_key", "successful_by_key")
        values = {name: getattr(self, name) for name in self.__slots__ if name not in left_out}
        return values | {"distinct_keys": len(self.successful_by_key), "cpu_seconds": time.process_time()}
