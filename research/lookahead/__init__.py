"""Nothing from the future gets in: histories rewritten after a cut, and a watch on what the signal touches."""

from research.lookahead.checking import check
from research.lookahead.dates import dated_bars
from research.lookahead.report import CheckReport, DatedBars, Leak, Violation

__all__ = ["CheckReport", "DatedBars", "Leak", "Violation", "check", "dated_bars"]
