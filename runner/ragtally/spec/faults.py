"""Gather everything that is wrong with a spec, each with its place, to show it at once."""

from __future__ import annotations

from typing import Literal

from ragtally.api import Location, RagtallyError, SpecError, raise_all
from ragtally.spec.document import Document, PathOf


class Faults:
    """What is wrong with one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._errors: list[RagtallyError] = list(document.errors)
        self._misread = {error.location for error in document.errors}
        self._paths: set[PathOf] = set()
        self._said: set[str] = set()

    def add(
        self, path: PathOf, message: str, hint: str | None = None, *, at: Literal["key", "value"] = "value"
    ) -> None:
        """Note one error; the same one is noted once."""
        location = self.document.key_place(path) if at == "key" else self.document.value_place(path)
        self._note(path, SpecError(message, location=location, hint=hint))

    def add_error(self, path: PathOf, error: RagtallyError) -> None:
        """Note an error of a component's, giving it a place in the spec where it has none."""
        if error.location is None:
            error.location = self.document.value_place(path)
        self._note(path, error)

    def touch(self, *paths: PathOf) -> bool:
        """Say whether something is wrong at one of the paths, above it or below it."""
        return any(
            path[: len(known)] == known or known[: len(path)] == path for path in paths for known in self._paths
        )

    def raise_all(self) -> None:
        """Raise what was found, in the order of the places."""
        raise_all(sorted(self._errors, key=_order))

    def _note(self, path: PathOf, error: RagtallyError) -> None:
        self._paths.add(path)
        # What could not be read is not blamed for its type as well.
        if error.location not in self._misread and str(error) not in self._said:
            self._said.add(str(error))
            self._errors.append(error)


def _order(error: RagtallyError) -> tuple[int, int, str]:
    location = error.location or Location("")
    return location.line or 0, location.column or 0, error.message
