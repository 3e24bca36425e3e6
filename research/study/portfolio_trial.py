"""PortfolioTrial: several strategies in one account, judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from research.diagnostics.finding import Finding
from research.diagnostics.metrics import Performance, performance
from research.engine.result import PortfolioResult
from research.study.trial import account_json
from research.verdict import Evidence, Verdict


@dataclass(frozen=True, kw_only=True, repr=False)
class PortfolioTrial:
    """One account of several legs beside what it must be compared with.

    Attributes
    ----------
    strategies
        Leg -> name of the strategy that times it.
    missing
        Legs that could not be held, each with its reason.
    decided
        Target weights from the first decision on, one column a leg.
    result
        The account.
    benchmarks
        Same bars, engine and costs: ``metals_held`` (the metals in equal parts, always), ``matched_exposure`` (each leg
        at its own average weight, always), ``equal_risk`` (the same sizes without a signal) and ``bills``.
    evidence, verdict
        What the judge makes of the timing over all legs.
    over_the_metals
        Sharpe ratio less that of the metals held, for this comparison alone.
    """

    strategies: Mapping[str, str]
    missing: Mapping[str, str]
    decided: pd.DataFrame
    result: PortfolioResult
    benchmarks: Mapping[str, PortfolioResult]
    evidence: Evidence
    verdict: Verdict
    over_the_metals: Finding

    def __repr__(self) -> str:
        return f"<Portfolio of {', '.join(self.strategies)}: {self.verdict.word}>"

    @cached_property
    def performance(self) -> dict[str, Performance]:
        """Descriptive numbers of the account and of each benchmark."""
        return {name: performance(item) for name, item in {"strategy": self.result, **self.benchmarks}.items()}

    @cached_property
    def legs(self) -> pd.DataFrame:
        """By leg: average ``weight`` into a bar, and excess return ``earned`` a year, before fees and slippage."""
        held = self.result.leg_weights.iloc[:-1].to_numpy()
        earned = held * self.result.leg_excess_returns.to_numpy()
        rows = {"weight": held.mean(axis=0), "earned": earned.mean(axis=0) * self.result.periods_per_year}
        return pd.DataFrame(rows, index=self.result.leg_weights.columns)

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        return {
            "strategies": dict(self.strategies),
            "missing": dict(self.missing),
            "legs": self.legs.to_dict(orient="index"),
            **account_json(self),
            "over_the_metals": self.over_the_metals.to_json(),
        }
