"""Into how many pieces the work on a large corpus is cut."""

# By the corpus alone, never by the machine: so a piece is the same whoever does it. Small enough for a machine to
# hold one for each of its cores, large enough that to start a process and to write an entry do not count. A corpus
# up to that size is not cut at all.

from __future__ import annotations

from collections.abc import Sequence

DOCUMENTS = 100_000
TEXT_BYTES = 1 << 28
CHUNKS = 250_000
# Of files that converters read: eight megabytes of PDF or sheets take about ten seconds. Each piece lists all files,
# so there are never many.
FILES = 512
FILE_BYTES = 1 << 23
_MOST_OF_FILES = 64


def pieces_of(rows: int, rows_of_a_piece: int) -> int:
    """How many pieces some rows make."""
    return max(1, -(-rows // rows_of_a_piece))


def pieces_of_documents(documents: int, text_bytes: int) -> int:
    """How many pieces a corpus makes: by its documents, or by its text where these are long."""
    return max(pieces_of(documents, DOCUMENTS), pieces_of(text_bytes, TEXT_BYTES))


def pieces_of_chunks(chunks: int) -> int:
    """How many pieces a corpus makes once it is cut into chunks."""
    return pieces_of(chunks, CHUNKS)


def pieces_of_files(sizes: Sequence[int]) -> int:
    """How many pieces files of so many bytes make: no more than there are files."""
    return min(len(sizes) or 1, _MOST_OF_FILES, max(pieces_of(len(sizes), FILES), pieces_of(sum(sizes), FILE_BYTES)))
