"""One column of a file, with what it takes to say which cell is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from research.errors import ValidationError


@dataclass(frozen=True)
class Column:
    """Cells, the line of each, and ``where`` they stand: file and column, the first words of every error."""

    where: str
    cells: Sequence[object]
    lines: Sequence[int]

    def shown(self, at: int) -> str:
        """A cell and its line, for a message that names two."""
        return f"line {self.lines[at]} ({str(self.cells[at])!r})"

    def wrong(self, at: int, words: str) -> ValidationError:
        """What is wrong with one cell."""
        return ValidationError(f"{self.where}: line {self.lines[at]}: {str(self.cells[at])!r} {words}")
