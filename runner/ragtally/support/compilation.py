"""Loops compiled with numba, whose machine code is cached on disk.

Import it only where there is enough work: numba takes a while to load.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numba
from numba import types

Function = TypeVar("Function", bound=Callable[..., Any])


def array(number: Any, dimensions: int = 1) -> Any:
    """Name the numba type of an array that is written to."""
    return types.Array(number, dimensions, "C")


def read_only(number: Any, dimensions: int = 1) -> Any:
    """Name the numba type of an array that is only read; one that can be written suits as well."""
    return types.Array(number, dimensions, "C", readonly=True)


def compile_ahead(*signatures: Sequence[Any], **options: Any) -> Callable[[Function], Function]:
    """Compile a function now, or load it if it was compiled before, to run without the interpreter's lock.

    Args:
        signatures: The types of its arguments, once for each way in which it is called.
        options: Further options of `numba.njit`.

    Returns:
        A decorator.
    """

    def compile_function(function: Function) -> Function:
        arguments: list[tuple[Any, ...]] = [tuple(signature) for signature in signatures]
        try:
            return cast(Function, numba.njit(arguments, nogil=True, cache=True, **options)(function))
        # No folder to write to, a full disk, a damaged file: without its cache the function only starts slower, and
        # what is wrong with the function itself comes up again.
        except Exception:
            return cast(Function, numba.njit(arguments, nogil=True, **options)(function))

    return compile_function
