"""The one composition: data, strategies and execution make a Study."""

from research.study.portfolio import portfolio, with_portfolio
from research.study.portfolio_trial import PortfolioTrial
from research.study.study import LEDGER, Study, backtest, compare
from research.study.trial import Trial

__all__ = ["LEDGER", "PortfolioTrial", "Study", "Trial", "backtest", "compare", "portfolio", "with_portfolio"]
