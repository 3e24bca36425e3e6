"""One troy ounce, and two names for an array of numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

GRAMS_PER_TROY_OUNCE = 31.1034768
TROY_OUNCES_PER_TONNE = 1_000_000 / GRAMS_PER_TROY_OUNCE
