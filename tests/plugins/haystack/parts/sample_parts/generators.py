"""Chat generators that can only be asked synchronously, that are slow, or that fail."""

import threading
import time
from typing import ClassVar

from haystack import component
from haystack.dataclasses import ChatMessage


class ProviderError(Exception):
    """What a provider's library raises."""

    def __init__(self, status, message, headers=None):
        super().__init__(message)
        self.response = type("Response", (), {"status_code": status, "headers": headers or {}})()


@component
class Synchronous:
    """Cannot be asked asynchronously; says how many are asked at once, and what it was sent."""

    lock = threading.Lock()
    inside = 0
    most_inside = 0
    made: ClassVar[list] = []

    def __init__(self, seconds: float = 0.0, model: str = "quiet-one", timeout: float = 1.0, max_retries: int = 7):
        self.seconds, self.model, self.timeout, self.max_retries = seconds, model, timeout, max_retries
        self.busy = threading.Lock()
        self.warm = self.closed = False
        self.made.append(self)

    def close(self):
        self.closed = True

    def warm_up(self):
        self.warm = True

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage], generation_kwargs: dict | None = None):
        cls = type(self)
        assert self.warm
        assert self.busy.acquire(blocking=False), "two threads in one instance"
        with self.lock:
            cls.inside += 1
            cls.most_inside = max(cls.most_inside, cls.inside)
        try:
            time.sleep(self.seconds)
        finally:
            with self.lock:
                cls.inside -= 1
            self.busy.release()
        said = f"seed {(generation_kwargs or {}).get('seed')} retries {self.max_retries} timeout {self.timeout}"
        return {"replies": [ChatMessage.from_assistant(said)]}


@component
class Failing:
    """Fails as it is told."""

    def __init__(self, status: int | None = None, message: str = "no", after: str | None = None, how: str = "status"):
        self.status, self.message, self.after, self.how = status, message, after, how

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage]):
        if self.how == "empty":
            return {"replies": []}
        if self.how == "connection":
            raise RuntimeError("no luck") from ConnectionRefusedError("nobody there")
        if self.how == "timeout":
            raise TimeoutError("took too long")
        if self.how == "bug":
            raise AttributeError(self.message)
        if self.how == "wrapped":
            try:
                raise ProviderError(self.status, self.message)
            except ProviderError as error:
                raise RuntimeError("the component failed") from error
        raise ProviderError(self.status, self.message, {"retry-after": self.after} if self.after else {})
