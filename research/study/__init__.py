"""The one composition: data, strategies and execution make a Study."""

from research.study.study import LEDGER, Study, backtest, compare
from research.study.trial import Trial

__all__ = ["LEDGER", "Study", "Trial", "backtest", "compare"]
