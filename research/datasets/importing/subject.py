"""What a file is about: a dataset as far as reading needs it."""

from __future__ import annotations

from typing import Protocol

from research.datasets.plausibility import Plausible


class Subject(Protocol):
    """The dataset that a file is said to be."""

    @property
    def id(self) -> str:
        """Dataset id."""

    @property
    def unit(self) -> str:
        """Unit of the values, in words."""

    @property
    def frequency(self) -> str:
        """Day, week, month, quarter, year or irregular."""

    @property
    def plausible(self) -> Plausible:
        """Bounds of belief."""

    @property
    def checked_column(self) -> str:
        """The column that the bounds are about."""

    @property
    def columns(self) -> tuple[str, ...]:
        """``("value",)``, or the named columns of a table."""

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that tell a table's rows of one period apart."""
