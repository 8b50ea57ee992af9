"""The contract of a chunker."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from ragtally.api.corpus import Documents
from ragtally.api.retrieval import Spans


@runtime_checkable
class Chunker(Protocol):
    """Cuts documents into chunks."""

    def split(self, documents: Documents) -> Spans:
        """Cut every document by itself: a large corpus is cut in stretches.

        Args:
            documents: The documents; sections are given by offsets.

        Returns:
            The chunks, ordered by document and start, none of them empty. Together they hold every character
            that is not white space of every document.
        """
        ...
