"""Nothing from the future gets in: histories rewritten after a cut, and a watch on what the signal touches."""

from research.check.checking import check
from research.check.pipeline import engine_leaks, loader_leaks
from research.check.report import CheckReport, Leak, Violation

__all__ = ["CheckReport", "Leak", "Violation", "check", "engine_leaks", "loader_leaks"]
