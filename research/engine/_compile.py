"""How the compiled loops are compiled: no lock, IEEE 754 arithmetic, kept on disk where that can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numba

Compiled: TypeAlias = Callable[..., Any]
"""A loop for the compiler: what it is given decides what it gives."""

_jit: Callable[..., Callable[[Compiled], Compiled]] = numba.njit


def inner(function: Compiled) -> Compiled:
    """Compile as a part of what calls it."""
    return _jit(error_model="numpy", forceinline=True)(function)


def compiled(signature: numba.types.Type | None = None) -> Callable[[Compiled], Compiled]:
    """Compile when the module is loaded; without the disk cache where no folder can be written."""

    def decorate(function: Compiled) -> Compiled:
        try:
            return _jit(signature, nogil=True, error_model="numpy", cache=True)(function)
        except (RuntimeError, OSError):  # numba found no cache folder, or its disk is full
            return _jit(signature, nogil=True, error_model="numpy")(function)

    return decorate
