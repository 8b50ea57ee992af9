"""A Haystack splitter as a chunker: its documents are found again in the text that it was given."""

from __future__ import annotations

from typing import Any

import numpy as np

from ragtally import Documents, PluginError, Spans
from ragtally_haystack.calls import component_error
from ragtally_haystack.construct import make, warm_up
from ragtally_haystack.definition import Definition
from ragtally_haystack.library import Document
from ragtally_haystack.roles import SPLITTER

# Where Haystack's splitters say at which character a piece starts.
_OFFSET = "split_idx_start"
_EXCERPT = 40


class Splitter:
    """Cuts documents with a Haystack splitter, one document at a time."""

    def __init__(self, definition: Definition) -> None:
        self._type = definition.type
        self._splitter = make(SPLITTER, definition)
        warm_up(definition, self._splitter)

    def split(self, documents: Documents) -> Spans:
        """Cut every document (see `ragtally.api.Chunker.split`)."""
        # Pieces of nothing but white space are left out, and so are documents of nothing else.
        rows: list[int] = []
        starts: list[int] = []
        ends: list[int] = []
        for row, text in enumerate(documents.text):
            if not text.strip():
                continue
            spans = self._spans(documents.id[row], text)
            rows.extend([row] * len(spans))
            starts.extend(start for start, _ in spans)
            ends.extend(end for _, end in spans)
        return Spans(*(np.array(column, dtype=np.int32) for column in (rows, starts, ends)))

    def _spans(self, name: str, text: str) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        last, covered_to = -1, 0
        for piece in self._pieces(name, text):
            content = piece.content or ""
            if not content.strip():
                continue
            start = _stated_start(piece, content, text)
            if start is None:
                start = _search_start(content, text, last, _next_character(text, covered_to))
            if start is None:
                raise PluginError(
                    f"{self._type} changes the text of the document {name!r}: it does not hold {_short(content)}",
                    hint="use a splitter that cuts the text as it is; evidence is followed by character offsets",
                )
            spans.append((start, start + len(content)))
            last, covered_to = start, max(covered_to, start + len(content))
        spans.sort()
        self._require_all(name, text, spans)
        return spans

    def _pieces(self, name: str, text: str) -> list[Any]:
        try:
            output = self._splitter.run(documents=[Document(id=name, content=text)])
        except Exception as error:
            raise component_error(self._type, error, f" on the document {name!r}") from error
        return list(output["documents"])

    def _require_all(self, name: str, text: str, spans: list[tuple[int, int]]) -> None:
        covered_to = 0
        for start, end in [*spans, (len(text), len(text))]:
            gap = text[covered_to:start].strip() if start > covered_to else ""
            if gap:
                raise PluginError(
                    f"{self._type} drops text of the document {name!r}: no chunk holds {_short(gap)}",
                    hint="chunks must hold everything: change its init_parameters, or use another splitter",
                )
            covered_to = max(covered_to, end)


def _stated_start(piece: Any, content: str, text: str) -> int | None:
    """Take the offset that the splitter states, where the piece does stand there."""
    start = piece.meta.get(_OFFSET)
    stands = isinstance(start, int) and start >= 0 and text.startswith(content, start)
    return start if stands else None


def _search_start(content: str, text: str, last: int, reach: int) -> int | None:
    """Find a piece whose start is not stated."""
    # Of several places that one is taken that lies after the start of the piece before, leaves nothing out and
    # overlaps least; for pieces out of order, any place.
    for start in (
        text.rfind(content, last + 1, reach + len(content)),
        text.find(content, reach),
        text.find(content),
    ):
        if start >= 0:
            return start
    return None


def _next_character(text: str, covered_to: int) -> int:
    """Find the first character from an offset on that is not white space; a piece may start before it."""
    while covered_to < len(text) and text[covered_to].isspace():
        covered_to += 1
    return covered_to


def _short(text: str) -> str:
    return repr(text if len(text) <= _EXCERPT else text[:_EXCERPT] + "...")
