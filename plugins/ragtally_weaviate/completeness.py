"""Whether a collection holds every chunk where searches find it: a stored one may be missing from every index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from weaviate.classes.query import Filter

from ragtally_weaviate.collection import ORIGINAL, VECTOR, StoredCollection
from ragtally_weaviate.design import PREFIX
from ragtally_weaviate.server import word_failure

# Told what is being done, how much of it is, and how much there is.
Report = Callable[[str, int | None, int | None], None]

_ROWS = 1000


def missing_chunks(
    stored: StoredCollection, report: Report, vector_of: Callable[[int], Any | None] | None = None
) -> list[int]:
    """List the rows of the chunks that no search by words, or none by vectors, could find.

    Whether a chunk has a vector says `vector_of`, else the server.
    """
    # A search whose filter leaves few objects compares with each of them that the vector index has: so it says
    # exactly what was indexed, which an approximate search for a chunk by its own vector does not.
    total, missing = len(stored.inventory), list[int]()
    with word_failure(stored.url, "looking for chunks"):
        probe = _vector_of_any(stored) if vector_of is None else _first(vector_of, total)
        for start in range(0, total, _ROWS):
            if start:
                report(f"{label(stored)}: chunks looked for", start, total)
            rows = range(start, min(start + _ROWS, total))
            missing += sorted(_without_words(stored, rows) | _without_vectors(stored, rows, probe, vector_of))
    return missing


def stored_chunks(stored: StoredCollection, rows: Sequence[int]) -> int:
    """Count those of some chunks that are stored, whether a search finds them or not."""
    query = stored.collection.query
    parts = [rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)]
    return sum(
        len(query.fetch_objects(filters=_among(stored, part), limit=len(part), return_properties=[]).objects)
        for part in parts
    )


def label(stored: StoredCollection) -> str:
    """Name a collection in as few letters as fit a narrow terminal."""
    return f"Weaviate {stored.inventory.name[: len(PREFIX) + 8]}"


def _without_words(stored: StoredCollection, rows: Sequence[int]) -> set[int]:
    answer = stored.collection.query.fetch_objects(
        filters=Filter.by_property(ORIGINAL).contains_any([str(row) for row in rows]),
        limit=len(rows),
        return_properties=[],
    )
    return set(rows) - _rows(stored, answer)


def _without_vectors(
    stored: StoredCollection, rows: Sequence[int], probe: Any | None, vector_of: Callable[[int], Any | None] | None
) -> set[int]:
    if probe is None:
        return set()
    answer = stored.collection.query.near_vector(
        probe, target_vector=VECTOR, filters=_among(stored, rows), limit=len(rows), return_properties=[]
    )
    missing = set(rows) - _rows(stored, answer)
    if vector_of is not None:
        return {row for row in missing if vector_of(row) is not None}
    if not missing:
        return missing
    objects = stored.collection.query.fetch_objects(
        filters=_among(stored, sorted(missing)), limit=len(missing), include_vector=True, return_properties=[]
    ).objects
    return missing - {stored.inventory.row(each.uuid) for each in objects if not each.vector.get(VECTOR)}


def _among(stored: StoredCollection, rows: Sequence[int]) -> Any:
    return Filter.by_id().contains_any([stored.inventory.identifier(row) for row in rows])


def _rows(stored: StoredCollection, answer: Any) -> set[int | None]:
    return {stored.inventory.row(each.uuid) for each in answer.objects}


def _vector_of_any(stored: StoredCollection) -> Any | None:
    objects = stored.collection.query.fetch_objects(limit=_ROWS, include_vector=True, return_properties=[]).objects
    return next((vector for each in objects if (vector := each.vector.get(VECTOR))), None)


def _first(vector_of: Callable[[int], Any | None], total: int) -> Any | None:
    return next((vector for row in range(total) if (vector := vector_of(row)) is not None), None)
