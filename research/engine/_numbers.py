"""What the rules of an account need beside ``+ - * /``, of numbers and of arrays, one number an account.

``research.engine._lanes`` teaches the compiler the same of vectors in registers.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Number: TypeAlias = Any
"""A number, an array of them, or lanes: of each account in step."""
Truth: TypeAlias = Any


def where(truth: Truth, yes: Number, no: Number) -> Number:
    """``yes`` where it is true, else ``no``."""
    return np.where(truth, yes, no)


def highest(one: Number, other: Number) -> Number:
    """The higher of two numbers; the second if one is NaN."""
    if isinstance(one, float) and isinstance(other, float):
        return one if one > other else other
    return np.where(one > other, one, other)
