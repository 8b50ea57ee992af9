"""Many texts in one file that is mapped into memory: any of them is at hand, and none has to be held."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.store.files import write_array

_TEXTS = "texts.bin"
_BOUNDS = "texts.npy"
_AT_ONCE = 4096


def write_texts(folder: Path, parts: Iterable[pl.Series]) -> None:
    """Write `texts.bin` (UTF-8, one after the other) and `texts.npy` (where each begins, and the last one ends)."""
    sizes = [np.zeros(1, np.int64)]
    with (folder / _TEXTS).open("wb") as file:
        for texts in parts:
            sizes.append(texts.str.len_bytes().to_numpy().astype(np.int64))
            for start in range(0, len(texts), _AT_ONCE):
                file.write("".join(texts[start : start + _AT_ONCE]).encode())
    write_array(folder / _BOUNDS, np.cumsum(np.concatenate(sizes)))


def texts_size(folder: Path) -> int | None:
    """How many bytes the texts of a folder have; None where it has none in this form."""
    path = folder / _TEXTS
    return path.stat().st_size if path.is_file() else None


class MappedTexts(Sequence[str]):
    """The texts of a folder."""

    def __init__(self, folder: Path) -> None:
        self._bounds: NDArray[np.int64] = np.load(folder / _BOUNDS, mmap_mode="r", allow_pickle=False)
        with (folder / _TEXTS).open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._bounds) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        row = range(len(self))[index]
        return self._bytes[int(self._bounds[row]) : int(self._bounds[row + 1])].decode()

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))
