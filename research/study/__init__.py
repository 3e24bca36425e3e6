"""The one composition: data, strategies and execution make a Study."""

from research.study.claims import TestedClaim
from research.study.history import History, history
from research.study.portfolio import PortfolioTrial, portfolio
from research.study.study import LEDGER, Study, backtest, compare
from research.study.today import Today, today
from research.study.trial import Trial

__all__ = [
    "LEDGER",
    "History",
    "PortfolioTrial",
    "Study",
    "TestedClaim",
    "Today",
    "Trial",
    "backtest",
    "compare",
    "history",
    "portfolio",
    "today",
]
