"""Chunks of so many tokens: each text is encoded once, and chunks are cut at the places of its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ragtally import DataError, Documents, Location, Spans
from ragtally_chunkers.layout import in_batches, lay_out, trim
from ragtally_chunkers.windows import join_spans, windows_over

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE_NAME = "tokenizer.json"
REMEDY = (
    f"name a {FILE_NAME}, or the folder that it is in: it lies beside the weights of a model, and `save` of the "
    "library tokenizers writes one"
)


def find_tokenizer(path: str) -> Path:
    """Find the file of a tokenizer."""
    named_path = Path(path).expanduser()
    file = named_path / FILE_NAME if named_path.is_dir() else named_path
    if not file.is_file():
        raise DataError("there is no such tokenizer", location=Location(str(file)), hint=REMEDY)
    return file


class Tokens:
    """Cuts documents into chunks of so many tokens of a tokenizer."""

    # A chunk reaches from the first of its tokens to the first one behind it, so that what is no token (a character
    # that the tokenizer ignores) is in a chunk too. No character is cut in two: where it is several tokens (an emoji
    # in a vocabulary of bytes), it belongs to the chunk of the last of them.

    def __init__(self, tokenizer: str, size: int, overlap: int) -> None:
        self._tokenizer = _load(find_tokenizer(tokenizer))
        self._size, self._overlap = size, overlap

    def split(self, documents: Documents) -> Spans:
        """Cut every document (see `ragtally.api.Chunker.split`)."""
        pieces = [self._split_batch(first, texts) for first, texts in in_batches(documents.text)]
        return join_spans(pieces)

    def _split_batch(self, first_document: int, texts: Sequence[str]) -> Spans:
        layout = lay_out(texts)
        offsets_by_text = [
            encoding.offsets for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]
        # A text in which the tokenizer sees no token is one piece, like one of a single token.
        counts = np.fromiter((max(1, len(offsets)) for offsets in offsets_by_text), np.int64, len(offsets_by_text))
        starts = _starts(offsets_by_text, counts, layout.offsets)
        windows = windows_over(counts, self._size, self._overlap)
        past = np.append(starts, 0)[windows.last + 1]
        finishes = np.where(windows.ends_document, layout.offsets[windows.document + 1], past)
        rows, begins, ends = trim(layout, starts[windows.first], finishes)
        document = windows.document[rows]
        # Windows whose borders lie in one and the same character are one chunk.
        new = np.ones(len(rows), dtype=np.bool_)
        new[1:] = (np.diff(begins) > 0) | (np.diff(ends) > 0)
        shift = layout.offsets[document]
        columns = (document + first_document, begins - shift, ends - shift)
        return Spans(*(column[new].astype(np.int32) for column in columns))


def _starts(
    offsets_by_text: Sequence[Sequence[tuple[int, int]]], counts: NDArray[np.int64], offsets: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Lay out where tokens begin; the first one of a text begins with the text."""
    local = np.fromiter(
        (start for of_text in offsets_by_text for start, _ in of_text or [(0, 0)]), np.int64, int(counts.sum())
    )
    local[np.cumsum(counts) - counts] = 0
    positions = local + np.repeat(offsets[:-1], counts)
    # A tokenizer that reorders what it normalises would send a token back; no chunk may begin before the one before.
    monotone: NDArray[np.int64] = np.maximum.accumulate(positions)
    return monotone


def _load(file: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises bare exceptions
        raise DataError(f"cannot read the tokenizer: {error}", location=Location(str(file)), hint=REMEDY) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
