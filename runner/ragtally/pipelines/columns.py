"""What travels between the components of a pipeline: whole batches in columns, never copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

Batch = TypeVar("Batch")


@dataclass(frozen=True, slots=True)
class Columns(Generic[Batch]):
    """A batch on its way through a pipeline."""

    # Haystack copies every input of every component deeply. A batch is frozen and may hold hundreds of thousands of
    # chunks with their vectors, so it must not be.

    batch: Batch  # Documents, spans, passages, vectors, queries or hits

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def to_dict(self) -> dict[str, Any]:
        """Say nothing: Haystack describes what a component that failed was given, and warns where it cannot."""
        return {}
