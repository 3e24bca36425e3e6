"""How the compiled loops are compiled: no lock, IEEE 754 arithmetic, kept on disk where that can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numba
from numba.extending import register_jitable

Loop = TypeVar("Loop", bound=Callable[..., object])


def part(function: Loop) -> Loop:
    """Compile, within whatever compiled code calls it; called from Python it stays what it is."""
    return register_jitable(error_model="numpy", forceinline=True)(function)  # type: ignore[no-any-return]


def compiled(signature: numba.types.Type) -> Callable[[Loop], Loop]:
    """Compile when the module is loaded; without the disk cache where no folder can be written."""

    def decorate(function: Loop) -> Loop:
        try:
            return numba.njit(signature, nogil=True, error_model="numpy", cache=True)(function)  # type: ignore[no-any-return]
        except (RuntimeError, OSError):  # numba found no cache folder, or its disk is full
            return numba.njit(signature, nogil=True, error_model="numpy")(function)  # type: ignore[no-any-return]

    return decorate
