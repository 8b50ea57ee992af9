"""Functions are compiled, whether or not their machine code can be kept."""

from __future__ import annotations

import errno
from typing import Any

import numpy as np
import pytest
from numba import int64
from numpy.typing import NDArray

from ragtally.support.compilation import array, compile_ahead


def first(numbers: NDArray[np.int64]) -> int:
    return int(numbers[0])


def test_a_full_disk_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.save", full)
    assert compile_ahead([array(int64)])(first)(np.array([7])) == 7


def test_no_folder_for_compiled_code_is_no_error() -> None:
    """As where somebody else installed the package and there is no home; here there is not even a file."""
    namespace: dict[str, Any] = {}
    exec("def first(numbers):\n    return numbers[0]", namespace)
    ready = compile_ahead([array(int64)])(namespace["first"])
    assert ready(np.array([7])) == 7
    assert ready.nopython_signatures
