"""What others bring: weights, trades or returns made elsewhere, read without a guess and judged by the same rules."""

from research.brought.judging import Brought, judge

__all__ = ["Brought", "judge"]
