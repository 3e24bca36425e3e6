"""The one composition: data, strategies and execution make a Study."""

from research.study.study import Study, backtest, compare
from research.study.trial import Trial

__all__ = ["Study", "Trial", "backtest", "compare"]
