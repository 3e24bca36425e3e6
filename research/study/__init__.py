"""The one composition: data, strategies and execution make a Study."""

from research.study.claims import TestedClaim as TestedClaim
from research.study.history import History as History
from research.study.history import history as history
from research.study.portfolio import PortfolioTrial as PortfolioTrial
from research.study.portfolio import portfolio as portfolio
from research.study.study import Study as Study
from research.study.study import backtest as backtest
from research.study.study import compare as compare
from research.study.today import Today as Today
from research.study.today import today as today
from research.study.trial import Trial as Trial
