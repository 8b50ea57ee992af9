"""Compiles functions with numba and caches the machine code on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numba
from numba import types

Function = TypeVar("Function", bound=Callable[..., Any])


def array(number: Any) -> Any:
    """Name the numba type of a one-dimensional array that is written to."""
    return types.Array(number, 1, "C")


def read_only(number: Any) -> Any:
    """Name the numba type of a one-dimensional array that is only read; one that can be written suits as well."""
    return types.Array(number, 1, "C", readonly=True)


def compile_ahead(*signatures: Sequence[Any]) -> Callable[[Function], Function]:
    """Compile a function for these types of its arguments, to run without the interpreter's lock."""

    def compile_function(function: Function) -> Function:
        arguments: list[tuple[Any, ...]] = [tuple(signature) for signature in signatures]
        try:
            return cast(Function, numba.njit(arguments, nogil=True, cache=True)(function))
        # No folder to write to, a full disk, a damaged file: without its cache the function only starts slower, and
        # what is wrong with the function itself comes up again.
        except Exception:
            return cast(Function, numba.njit(arguments, nogil=True)(function))

    return compile_function
