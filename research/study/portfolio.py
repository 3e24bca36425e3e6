"""A thesis as one portfolio, judged by the same four words as each of its signals.

One account holds all legs at once. Before any signal speaks, each leg has the weight that gives it the same risk as the
others (``equal_risk``, three years of returns known at the decision); the weights add up to
1. A leg is held at that weight times its strategy's own: what the signals do not want lies in Treasury bills.

**A leg** is a metal, or a dataset that is an index of total return, such as foreign money held instead of dollars:
bills plus the dollar index's future sold. A short in the future earns the fall of spot and, inside the contract by
covered parity, foreign interest less the dollar's; holding the six currencies' own bills earns the same. Fees and
slippage are those of metal, storage there is none. A leg that no pack has is not held, and the account says so.

**What is tested** is timing, summed over the legs: what holding each leg at these times earned beyond holding as much
of it on average. It may come of the signals or of the sizing; the benchmark ``equal_risk``, which holds the same sizes
with no signal, tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce

import pandas as pd

from research.claims import Thesis, load_thesis
from research.datasets.data import Data, open_data
from research.datasets.market import newest_vintage
from research.diagnostics.finding import Finding
from research.diagnostics.metrics import Performance, performance
from research.diagnostics.sharpe import sharpe_difference
from research.diagnostics.timing import Timing
from research.discovery import find_strategy
from research.engine.exposure import Exposure
from research.engine.legs import Legs
from research.engine.portfolio import run_legs
from research.engine.result import PortfolioResult
from research.errors import NoData, NoDecision
from research.execution import Execution
from research.ledger import LEDGER, Ledger
from research.provenance import one_thread
from research.signals.risk import equal_risk
from research.study.candidates import Terms, attempted, judged_alone
from research.study.judge import ClaimRows, Judged
from research.study.trial import account_json
from research.thesis import Provenance, Strategy
from research.values import plain
from research.verdict import Evidence, Rules, Verdict
from research.weights import UNKNOWN, in_bills

ROW = "portfolio"
WINDOW_YEARS, WARM_UP_YEARS = 3, 1


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Several legs with what is decided for each, before anything is judged.

    Attributes
    ----------
    strategies
        Leg -> the strategy that times it, of the legs that can be held.
    missing
        The others, each with its reason.
    decided, sizes
        Target weights from the first decision on, and what they would be without a signal; one column a leg.
    book
        What the legs did, from the first decision on.
    provenance
        What each leg is made from, and the hash of every dataset.
    """

    strategies: Mapping[str, Strategy]
    missing: Mapping[str, str]
    decided: pd.DataFrame
    sizes: pd.DataFrame
    book: Legs
    execution: Execution
    provenance: Mapping[str, object]

    @classmethod
    def assembled(cls, legs: Mapping[str, Strategy], data: Data, terms: Terms) -> Portfolio:
        """Decide every leg and size it.

        Raises
        ------
        AssayError
            If no leg can be held: the reason of the first.
        """
        execution = terms.execution
        decisions, missing = attempted(legs, lambda leg: _decision(leg, legs[leg], data, terms))
        if not decisions:
            raise NoData("portfolio: no legs were named; name a metal or several")
        book = _book({leg: item.price for leg, item in decisions.items()}, data, terms.end)
        calendar = book.price.index
        shares, known = (
            pd.DataFrame({leg: getattr(item, what).ffill() for leg, item in decisions.items()}).reindex(calendar)
            for what in ("share", "known")
        )
        year = book.periods_per_year
        sizes = equal_risk(known, window=WINDOW_YEARS * year, warm_up=WARM_UP_YEARS * year)
        weights = (in_bills(shares) * sizes).where(shares != UNKNOWN, UNKNOWN)
        ready = calendar[weights.notna().all(axis=1) & (calendar >= pd.Timestamp(terms.start or calendar[0]))]
        if not len(ready):
            after = f" after {terms.start}" if terms.start else ""
            raise NoDecision(f"portfolio: {', '.join(legs)} never decide together{after}")
        opening = pd.Timestamp(ready[0])
        held = {str(leg): legs[str(leg)] for leg in weights}
        made_from = {
            "legs": {leg: item.provenance for leg, item in decisions.items()},
            "data": {name: digest for item in decisions.values() for name, digest in item.provenance["data"].items()},
        }
        return cls(held, missing, weights.loc[opening:], sizes.loc[opening:], book.since(opening), execution, made_from)

    def known_by(self, data: Data) -> Portfolio | None:
        """The same decisions on prices that these data hold: those of an earlier moment; ``None`` without any."""
        last = min(data.observations(_price_id(leg, data))["observed_for"].max() for leg in self.strategies)
        book = self.book
        cut = replace(book, price=book.price.loc[:last], bill_accrual=book.bill_accrual.loc[:last])
        decided, sizes = self.decided.loc[:last], self.sizes.loc[:last]
        return None if decided.empty else replace(self, decided=decided, sizes=sizes, book=cut)

    def timing(self) -> Timing:
        """Timing series over all legs."""
        return Timing.of(Exposure.of(self.decided, self.book, self.execution))

    def trial(self, judged: Judged) -> PortfolioTrial:
        """The same with what the judge made of it."""
        return PortfolioTrial(**vars(self), evidence=judged.evidence, verdict=judged.verdict)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PortfolioTrial(Portfolio):
    """One account of several legs, judged, beside what it must be compared with.

    Attributes
    ----------
    execution
        Terms of trade.
    evidence, verdict
        What the judge makes of the timing over all legs.
    """

    evidence: Evidence
    verdict: Verdict

    def __repr__(self) -> str:
        return f"<Portfolio of {', '.join(self.strategies)}: {self.verdict.word}>"

    @cached_property
    def result(self) -> PortfolioResult:
        """The account."""
        return self._account(in_bills(self.decided), "portfolio")

    @cached_property
    def benchmarks(self) -> Mapping[str, PortfolioResult]:
        """On the same bars, by the same engine, at the same costs.

        ``metals_held`` (the metals in equal parts, always), ``matched_exposure`` (each leg at its own average weight,
        always), ``equal_risk`` (the same sizes without a signal) and ``bills``.
        """
        weights = {
            "metals_held": self._always(dict.fromkeys(self.book.storable, 1 / len(self.book.storable))),
            "matched_exposure": self._always(self.result.leg_weights.iloc[:-1].mean()),
            "equal_risk": self.sizes,
            "bills": self._always({}),
        }
        return {name: self._account(decided, name) for name, decided in weights.items()}

    def _account(self, weights: pd.DataFrame, name: str) -> PortfolioResult:
        return run_legs(weights, self.book, self.execution, name=name, provenance=self.provenance)

    def _always(self, weights: Mapping[str, float] | pd.Series) -> pd.DataFrame:
        return pd.DataFrame({leg: weights.get(str(leg), 0.0) for leg in self.decided}, index=self.decided.index)

    @cached_property
    @one_thread()
    def over_the_metals(self) -> Finding:
        """Sharpe ratio less that of the metals held, for this comparison alone."""
        excess, metals = self.result.excess_returns, self.benchmarks["metals_held"].excess_returns
        return sharpe_difference(excess, metals, periods_per_year=self.result.periods_per_year)

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
            "strategies": {leg: item.name for leg, item in self.strategies.items()},
            "missing": dict(self.missing),
            "legs": self.legs.to_dict(orient="index"),
            **account_json(self),
            "over_the_metals": plain(self.over_the_metals),
        }


@one_thread()
def portfolio(
    legs: Mapping[str, Strategy | str] | None = None,
    data: Data | None = None,
    *,
    start: str | None = None,
    end: str | None = None,
    execution: Execution | None = None,
    rules: Rules | None = None,
    ledger: Ledger | None = LEDGER,
    thesis: Thesis | None = None,
) -> PortfolioTrial:
    """Hold several strategies in one account at equal risk, and judge their timing as a claim of one's own.

    Parameters
    ----------
    legs
        Leg -> the strategy that times it, or its name or file. A leg is a metal, or a dataset that is an index of
        total return; one that its strategy does not name is timed as the strategy times the first metal. By default
        those of the thesis.
    data
        What it is run on; by default ``open_data()``.
    start, end
        First and last bar, ``YYYY`` or ``YYYY-MM-DD``.
    execution
        Terms of trade; by default ``Execution()``.
    rules
        Thresholds of the verdict; by default ``Rules()``.
    ledger
        Where it is counted and written down, as in ``compare``.
    thesis
        Whose legs and strategies; by default the bundled one.

    Raises
    ------
    AssayError
        If no leg can be held: the reason of the first. Otherwise such legs are in ``missing``, with the reason.
    """
    data = data or open_data()
    thesis = thesis or load_thesis()
    named = legs if legs is not None else thesis.portfolio.legs if thesis.portfolio else {}
    chosen = {leg: find_strategy(item, thesis.strategies) for leg, item in named.items()}
    terms = Terms((execution or Execution()).without(data.price.in_price), start, end)
    found = Portfolio.assembled(chosen, data, terms)
    timing = found.timing()
    prices = "+".join(data[_price_id(leg, data)].sha256 for leg in found.strategies)
    parts = [{leg: item.source_hash for leg, item in found.strategies.items()}, prices, terms.to_json()]
    judged, _ = judged_alone(ClaimRows(id=ROW, sign=1, rows={ROW: timing}), prices, parts, rules or Rules(), ledger)
    return found.trial(judged.rows[ROW])


@dataclass(frozen=True)
class _Decision:
    """One leg: its price realised and as known at each decision, the share its strategy wants, and their origin."""

    price: pd.Series
    known: pd.Series
    share: pd.Series
    provenance: Provenance


def _decision(leg: str, strategy: Strategy, data: Data, terms: Terms) -> _Decision:
    metal = leg if leg in strategy.metals else strategy.metals[0]
    price, market = _price_id(leg, data), data.market(metal, None, terms.end)
    known = data.panel(metal, {"price": price}, market)["price"]
    panel = data.panel(metal, strategy.inputs_for(metal, data), market)
    share = strategy.weights(panel, max_leverage=terms.execution.max_leverage)
    realised = market.price
    if price == leg:
        realised = newest_vintage(data.observations(price)).loc[: realised.index[-1]]
    made_from = strategy.provenance(metal, strategy.defaults, data)
    used = {price: data[price], **market.datasets}
    made_from["data"] |= {identity: dataset.sha256 for identity, dataset in used.items()}
    return _Decision(realised, known, share, made_from)


def _price_id(leg: str, data: Data) -> str:
    return f"{leg}_price" if f"{leg}_price" in data else leg


def _book(prices: Mapping[str, pd.Series], data: Data, end: str | None) -> Legs:
    """Prices on the bars that all legs have, and bills over the same bars."""
    metals = [leg for leg in prices if f"{leg}_price" in data]
    markets = [data.market(metal, None, end) for metal in metals]
    if not markets:
        raise NoData("portfolio: none of the legs is a metal, whose calendar and bills are needed; add one")
    calendar = reduce(pd.Index.intersection, [item.index for item in prices.values()], markets[0].price.index)
    bills = (1 + markets[0].bill_accrual).cumprod().reindex(calendar)
    return Legs(
        price=pd.DataFrame({leg: item.reindex(calendar) for leg, item in prices.items()}),
        bill_accrual=bills.pct_change().fillna(0.0),
        storable=frozenset(metals),
        averaged=any(market.averaged for market in markets),
        periods_per_year=markets[0].periods_per_year,
    )
