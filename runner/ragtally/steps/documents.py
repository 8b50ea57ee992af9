"""The documents of a dataset on their way into an entry: those of a large one are never held together."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from ragtally.steps.pieces import pieces_of_documents
from ragtally.store import write_table
from ragtally.store.texts import write_texts

_FILE = "documents.parquet"
# Of a large corpus: small, since several files and groups are on their way at once.
_FILE_SIZE = 1 << 26
_ROWS_OF_A_GROUP = 1 << 14


def write_documents(folder: Path, documents: pl.DataFrame) -> None:
    """Write `documents.parquet`; of a large corpus also the texts, where they can be mapped."""
    write_table(folder / _FILE, documents)
    # A small corpus is read faster than it is mapped.
    if pieces_of_documents(len(documents), _size(documents)) > 1:
        write_texts(folder, [documents["text"]])


class DocumentBuffer:
    """Takes documents batch by batch; what is more than a piece of a corpus waits on disk."""

    def __init__(self, folder: Path, schema: pl.Schema) -> None:
        self._folder, self._schema = folder, schema
        self._frames: list[pl.DataFrame] = []
        self._files: list[Path] = []
        self._outlines: list[pl.DataFrame] = []
        self._size = 0

    def add(self, documents: pl.DataFrame) -> None:
        """Take a batch."""
        self._frames.append(documents)
        self._outlines.append(documents.select("id", length=pl.col("text").str.len_chars()))
        self._size += _size(documents)
        if self._size > _FILE_SIZE and (self._files or pieces_of_documents(0, self._size) > 1):
            self._spill()

    def outline(self) -> pl.DataFrame:
        """Each document's `id`, and the `length` of its text in characters; null where it has none."""
        empty = pl.DataFrame(schema={"id": pl.String, "length": pl.UInt32})
        return pl.concat([empty, *self._outlines], rechunk=True)

    def whole(self) -> pl.DataFrame:
        """All documents at once."""
        return pl.concat([self._empty(), *map(pl.read_ipc, self._files), *self._frames], how="diagonal", rechunk=True)

    def write(self, folder: Path) -> None:
        """Write them as `write_documents` does."""
        if not self._files:
            write_documents(folder, self.whole())
            return
        self._spill()
        parts = [self._empty().lazy(), *map(pl.scan_ipc, self._files)]
        whole = pl.concat(parts, how="diagonal")
        whole.sink_parquet(folder / _FILE, compression="zstd", statistics=False, row_group_size=_ROWS_OF_A_GROUP)
        write_texts(folder, (pl.read_ipc(file, columns=["text"])["text"] for file in self._files))

    def close(self) -> None:
        """Remove what waits on disk."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _empty(self) -> pl.DataFrame:
        return pl.DataFrame(schema=self._schema)

    def _spill(self) -> None:
        self._folder.mkdir(exist_ok=True)
        for frames in _groups(self._frames):
            file = self._folder / f"{len(self._files)}.arrow"
            pl.concat(frames, how="diagonal").write_ipc(file)
            self._files.append(file)
        self._frames, self._size = [], 0


def _groups(frames: Iterable[pl.DataFrame]) -> Iterator[list[pl.DataFrame]]:
    """Put frames together to about the size of a file."""
    group: list[pl.DataFrame] = []
    size = 0
    for frame in frames:
        group.append(frame)
        size += _size(frame)
        if size > _FILE_SIZE:
            yield group
            group, size = [], 0
    if group:
        yield group


def _size(documents: pl.DataFrame) -> int:
    return int(documents["text"].str.len_bytes().sum())
