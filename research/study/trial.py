"""Trial: one strategy on one metal, beside the three accounts it must be compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from research.datasets.market import Market
from research.diagnostics.finding import Finding
from research.diagnostics.metrics import Performance, exposure, performance
from research.diagnostics.timing import Timing
from research.engine.portfolio import run, simulated
from research.engine.result import Result
from research.provenance import one_thread
from research.study import exports
from research.study.findings import deciding_findings
from research.thesis import Strategy
from research.values import Displayed, frozen, plain
from research.verdict import Evidence, Verdict

if TYPE_CHECKING:
    import vectorbt

    from research.study.portfolio import PortfolioTrial

Constant = dict[tuple[object, ...], Result]  # accounts of one weight held all the time, by what was asked

BENCHMARKS = ("buy_and_hold", "matched_exposure", "bills")


@dataclass(frozen=True, kw_only=True)
class GridPoint:
    """One point of the declared grid: its parameters and its timing return, a fraction a year.

    Attributes
    ----------
    parameters
        By name.
    timing_return
        A fraction a year.
    chosen
        Whether it is the one that is shown in full.
    """

    parameters: Mapping[str, object]
    timing_return: float
    chosen: bool


@dataclass(frozen=True, kw_only=True, repr=False)
class Trial(Displayed):
    """One strategy on one metal, judged.

    Attributes
    ----------
    strategy
        The strategy.
    metal
        Which metal.
    parameters
        Of the row that is shown.
    claim
        Id of the claim that it is a row of.
    decided
        Target weights as the strategy decided them, from its first decision on, 0 where its number is unknown.
    market
        What the prices and bills did, from the first decision on.
    result
        The strategy's own account.
    evidence
        What decides, typed.
    verdict
        One of the four words.
    timing
        The timing series behind it.
    inputs
        Alias -> dataset id, of this metal.
    grid
        What every point of the declared grid did, the chosen one among them.
    signals
        Each input that is a series, as known at each bar, by alias; its name says what it is and its unit.
    prices
        Reads every metal's price as known at each bar, by metal.
    n_trials
        How many were made, this one among them.
    constant
        Accounts of one weight held all the time, of every row of a study: each is run once.
    """

    strategy: Strategy
    metal: str
    parameters: Mapping[str, object]
    claim: str
    decided: pd.Series
    market: Market
    result: Result
    evidence: Evidence
    verdict: Verdict
    timing: Timing
    inputs: Mapping[str, str]
    grid: tuple[GridPoint, ...]
    signals: Mapping[str, pd.Series] = field(repr=False)
    prices: Callable[[], pd.DataFrame] = field(repr=False, compare=False)
    n_trials: int
    constant: Constant = field(repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<Trial {self.name} on {self.metal}: {self.verdict.word}>"

    @property
    def name(self) -> str:
        """The strategy's name."""
        return self.strategy.name

    @cached_property
    def benchmarks(self) -> Mapping[str, Result]:
        """What it must be compared with, on the same bars, by the same engine, at the same costs.

        ``buy_and_hold`` (weight 1 always), ``matched_exposure`` (the strategy's own average weight always) and
        ``bills`` (weight 0 always); run when they are first asked for.
        """
        weights = dict(zip(BENCHMARKS, (1.0, exposure(self.result.weights), 0.0), strict=True))
        return frozen({name: self._held(name, weight) for name, weight in weights.items()})

    def _held(self, name: str, weight: float) -> Result:
        index = self.market.price.index
        asked = name, weight, self.metal, index[0]
        if asked not in self.constant:
            self.constant[asked] = run(pd.Series(weight, index=index), self.market, self.result.execution, name=name)
        return self.constant[asked]

    @property
    def equity(self) -> pd.Series:
        """Value of the strategy's account at each bar."""
        return self.result.equity

    @property
    def returns(self) -> pd.Series:
        """Returns of the strategy's account."""
        return self.result.returns

    @property
    def weights(self) -> pd.Series:
        """Weight of metal held after each bar's trade."""
        return self.result.weights

    @property
    def shows_p_values(self) -> bool:
        """Whether events are enough for any p-value to be given."""
        return self.evidence.shows_p_values(self.verdict.rules)

    @cached_property
    def findings(self) -> Mapping[str, Finding]:
        """The evidence as findings, by name."""
        return frozen(deciding_findings(self.evidence, self.verdict.rules))

    @cached_property
    def appendix(self) -> Mapping[str, Finding]:
        """What does not decide but tells more, by name: computed on first use, in seconds."""
        import scipy.linalg  # noqa: F401 - what asks for it comes later, and its BLAS must be loaded to be held

        from research.study.appendix import further_findings

        with one_thread():
            return frozen(further_findings(self))

    @cached_property
    def own_performance(self) -> Performance:
        """Descriptive numbers of the strategy."""
        return performance(self.result)

    @cached_property
    def performance(self) -> Mapping[str, Performance]:
        """Descriptive numbers of the strategy and of each benchmark."""
        others = {name: performance(result) for name, result in self.benchmarks.items()}
        return frozen({"strategy": self.own_performance, **others})

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Round trips of the metal, from flat to flat; what is rebalanced between is part of its trip.

        ``entry`` and ``exit`` (bars of the first and the last fill; of an open trip the last bar), ``side``, ``days``,
        ``entry_price`` and ``exit_price`` (the metal's price at these bars), ``profit`` (of a capital of 100, after
        fees, slippage, storage and borrow; vectorbt's position P&L), ``return`` (profit over what was paid for the
        position) and ``open``. What cash earned in bills is in none of them.
        """
        records = self.to_vectorbt().positions.records_readable
        records = records[records["Column"] == "metal"]
        if self.result.closed is not None:
            records = records[records["Entry Timestamp"] < self.result.closed]
        entry, left = records["Entry Timestamp"], records["Exit Timestamp"]
        price = self.market.price
        return pd.DataFrame(
            {
                "entry": entry,
                "exit": left,
                "side": records["Direction"].str.lower(),
                "days": (left - entry).dt.days,
                "entry_price": price.reindex(entry).to_numpy(),
                "exit_price": price.reindex(left).to_numpy(),
                "profit": records["PnL"],
                "return": records["Return"],
                "open": records["Status"] == "Open",
            }
        ).reset_index(drop=True)

    def to_frame(self) -> pd.DataFrame:
        """One row a bar: see ``bars``."""
        return exports.bars(self)

    def to_vectorbt(self) -> vectorbt.Portfolio:
        """The vectorbt Portfolio of the account: see ``simulated``."""
        return simulated(self.decided, self.market, self.result.execution, name=self.name)

    def to_json(self, *, appendix: bool = True) -> dict[str, object]:
        """Plain values only; without ``appendix`` no finding but those that decide, which takes no time."""
        found = {**self.findings, **(self.appendix if appendix else {})}
        return {
            "strategy": self.name,
            "claim": self.strategy.claim,
            "claim_id": self.claim,
            "metal": self.metal,
            "parameters": dict(self.parameters),
            "inputs": dict(self.inputs),
            **account_json(self),
            "findings": plain(found),
        }


def account_json(trial: Trial | PortfolioTrial) -> dict[str, object]:
    """What every judged account says of itself, in plain values."""
    result = trial.result
    return {
        "first_fill": f"{result.first_fill:%Y-%m-%d}",
        "last_bar": f"{result.equity.index[-1]:%Y-%m-%d}",
        "periods": len(result.returns),
        "periods_per_year": result.periods_per_year,
        "averaged_prices": result.averaged,
        "returns": dict(zip(pd.DatetimeIndex(result.returns.index).strftime("%Y-%m-%d"), result.returns, strict=True)),
        "closed": None if result.closed is None else f"{result.closed:%Y-%m-%d}",
        "evidence": plain(trial.evidence),
        "performance": plain(trial.performance),
        "verdict": plain(trial.verdict),
    }
