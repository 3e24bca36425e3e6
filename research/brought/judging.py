r"""``assay judge``: a backtest made elsewhere, judged by the one judge.

**Weights and trades** go through the account of this house: its price of metal, its bills, its costs, its delay. The
weight of a date counts as decided at the first bar on or after that date and is filled ``delay`` bars later, whatever
its author assumed; a bar without a weight keeps what there is. The verdict and every number are those of a strategy
here that decides the same weights.

**Returns** are judged by what they earned beyond the metal that they moved with (``timing_of_returns``). Which bars
were traded cannot be seen: no history is moved in time, no fill delayed, no cost doubled, and where a word hangs on
those it is ``undecidable``.

**Tries.** What is shown is the best of what was tried, so ``trials`` counts every variant that was looked at, this one
too. Each further one is paid for as if it were unlike the rest (Bonferroni): p with all that was tried is
``p_with_record + (trials - 1) * p``, at most 1. That holds however alike they were.

**Look-ahead** cannot be excluded from results: weights that were made with tomorrow's price look like any others. One
check can be had of weights: what they earn when filled in the bar that decided them, and how much of it a bar later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import nan

import numpy as np
import pandas as pd

from research.brought.figures import Figure, Path, parsed, recomputed
from research.brought.reading import Found, periods_per_year, read
from research.datasets.data import Data, open_data
from research.datasets.importing import ImportOptions
from research.datasets.market import Market
from research.datasets.panel import Panel
from research.diagnostics.long_run import Estimate
from research.diagnostics.timing import Timing
from research.engine.exposure import Exposure
from research.errors import NoData, ParameterError
from research.execution import Execution
from research.ledger import LEDGER, Ledger
from research.provenance import hash_table, one_thread
from research.study import Study, compare
from research.study.candidates import Terms, judged_alone, prices_of, timing_of
from research.study.judge import ClaimRows, measure
from research.thesis import Strategy, strategy
from research.values import plain
from research.verdict import Evidence, Rules, Verdict

_LOST = 0.5
_STILL = 1e-9
_FEWEST = 12


@dataclass(frozen=True, kw_only=True)
class SameBar:
    """What the same weights earn by their timing when filled in the bar that decided them, and on the terms.

    Attributes
    ----------
    same_bar, delayed
        Fractions a year, after costs.
    p_value
        Of ``same_bar``, one-sided.
    suspicious
        Whether a profit that is no accident (p of at most 0.05) is mostly gone on the terms.
    """

    same_bar: float
    delayed: float
    p_value: float
    suspicious: bool


@dataclass(frozen=True, kw_only=True, repr=False)
class Brought:
    """What was brought, judged.

    Attributes
    ----------
    name, kind, metal
        What it is called; ``weights``, ``trades`` or ``returns``; what it is judged on.
    read
        How it was understood, a line each.
    trials
        How many variants were tried; ``None`` where nobody said.
    evidence, verdict
        As of any strategy.
    figures
        What was claimed of it, recomputed.
    same_bar
        The one check of look-ahead; ``None`` of returns.
    open
        What the answer leaves open, a line each.
    study
        The account and all else, of weights and trades.
    """

    name: str
    kind: str
    metal: str
    read: tuple[str, ...]
    trials: int | None
    evidence: Evidence
    verdict: Verdict
    figures: tuple[Figure, ...]
    same_bar: SameBar | None
    open: tuple[str, ...]
    study: Study | None = None

    def __repr__(self) -> str:
        return f"<Brought {self.name} on {self.metal}: {self.verdict.word}>"

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        return {item.name: plain(getattr(self, item.name)) for item in fields(self)}


@one_thread()
def judge(
    brought: object,
    *,
    metal: str,
    data: Data | None = None,
    trials: int | None = None,
    kind: str | None = None,
    claims: Sequence[str] = (),
    options: ImportOptions | None = None,
    start: str | None = None,
    end: str | None = None,
    execution: Execution | None = None,
    rules: Rules | None = None,
    ledger: Ledger | None = LEDGER,
) -> Brought:
    """Judge weights, trades or returns that were made elsewhere.

    Parameters
    ----------
    brought
        A file (CSV, Excel, Parquet); a pandas Series or table by date; a vectorbt ``Portfolio``, the stats of
        backtesting.py, a result of bt.
    metal
        ``gold`` or ``silver``: what was traded.
    data
        By default what the command line sees.
    trials
        How many variants were looked at to find this one, itself among them.
    kind
        ``weights`` (fractions of the account in metal, from that date on), ``returns`` (of the account, in the period
        that ends on that date), ``equity`` (its value) or ``trades``, where the headings do not say it.
    claims
        Figures that were claimed of it, as ``"Sharpe 1.8"`` or ``"CAGR 22 %"``.
    options
        What a file does not say of itself: its columns, order of dates, decimal sign, unit (``percent`` or
        ``fraction``).
    start, end, execution, rules, ledger
        As of ``compare``; ``end`` is by default where the results end.

    Raises
    ------
    AssayError
        One line: what can be read in two ways, lies outside the prices, or borrows more than the terms allow.
    """
    if trials is not None and trials < 1:
        raise ParameterError(f"--trials {trials}: count every variant that was looked at, this one too: 1 or more")
    asked = dict(map(parsed, claims))
    found, data, rules = read(brought, kind, options or ImportOptions(), metal), data or open_data(), rules or Rules()
    terms = Terms((execution or Execution()).without(data.price.in_price), start, end)
    market, study, check, account = data.market(metal, start, end), None, None, None
    if found.weights is None:
        words, evidence, verdict = _of_returns(found, market, trials or 1, terms, rules, ledger)
    else:
        terms = _until(found.name, found.weights, market, terms)
        decided = on_bars(found.weights, pd.DatetimeIndex(data.market(metal, None, terms.end).price.index))
        own = _strategy(found.name, decided, metal, trials or 1)
        within = {"metals": [metal], "start": start, "end": terms.end, "execution": terms.execution}
        study = compare([own], data, rules=rules, ledger=ledger, **within)  # type: ignore[arg-type]
        (trial,) = study.trials
        evidence, verdict = trial.evidence, trial.verdict
        words = f"of {found.weights.count()} weights the last by each bar counts: {decided.count()}"
        check = _same_bar(trial.decided, trial.market, terms.execution)
        account = trial.result.returns, trial.result.bill_returns, trial.result.periods_per_year
    return Brought(
        name=found.name,
        kind=found.kind,
        metal=metal,
        read=(*found.words, words),
        trials=trials,
        evidence=evidence,
        verdict=verdict,
        figures=recomputed(asked, _own(found, market), account, found.n_trades),
        same_bar=check,
        open=_left_open(trials, evidence, rules, found),
        study=study,
    )


def on_bars(weights: pd.Series, bars: pd.DatetimeIndex) -> pd.Series:
    """Each weight at the first bar on or after its date, of several the last; NaN at a bar without one."""
    at = bars.searchsorted(pd.DatetimeIndex(weights.index))
    inside = at < len(bars)
    placed = pd.Series(weights.to_numpy(dtype=float)[inside], index=bars[at[inside]])
    return placed.groupby(level=0).last().reindex(bars)


def _until(name: str, weights: pd.Series, market: Market, terms: Terms) -> Terms:
    """The terms up to the bar at which the last weight is decided."""
    bars, (first, last) = pd.DatetimeIndex(market.price.index), weights.index[[0, -1]]
    if last <= bars[0] or first > bars[-1]:
        covered = f"the price of {market.metal}, {bars[0]:%Y-%m-%d} to {bars[-1]:%Y-%m-%d}"
        raise NoData(f"{name}: {first:%Y-%m-%d} to {last:%Y-%m-%d} lies outside {covered}; name another --price")
    return replace(terms, end=f"{bars[min(bars.searchsorted(last), len(bars) - 1)]:%Y-%m-%d}")


def _strategy(name: str, weights: pd.Series, metal: str, tried: int) -> Strategy:
    """A strategy that decides what was brought; its identity is the weights' own."""

    def decided(panel: Panel) -> pd.Series:
        return weights.reindex(panel.index)

    claim, inputs = f"Holding {metal} at the times of {name} pays.", {"price": f"{metal}_price"}
    return replace(strategy(claim=claim, metal=metal, inputs=inputs, expected_sign=1, name=name)(decided), tried=tried)


def _of_returns(
    found: Found, market: Market, tried: int, terms: Terms, rules: Rules, ledger: Ledger | None
) -> tuple[str, Evidence, Verdict]:
    """What they were compared with, in words, and what the judge makes of them; they count for what comes after."""
    assert found.returns is not None
    timing, words = timing_of_returns(found.returns, market, terms.execution, found.name)
    prices = prices_of(market)
    parts = [hash_table(found.returns.to_frame()), market.metal, prices, terms.to_json()]
    claim = ClaimRows(id=found.name, sign=1, rows={f"{found.name}/{market.metal}": timing}, tried=tried)
    judged, problem = judged_alone(claim, prices, parts, rules, ledger)
    return f"{words}{problem and '; ledger: '}{problem}", judged.evidence, judged.verdict


def timing_of_returns(returns: pd.Series, market: Market, execution: Execution, name: str) -> tuple[Timing, str]:
    r"""Timing series of an account's returns on a metal's market, and in words what they were compared with.

    .. math:: e_t = \alpha + \sum_{k=-1}^{1} \beta_k m_{t+k} + u_t

    over bills, with the metal's return of the period before and after too: closes are taken at other hours, and monthly
    prices are averages, so that one beta alone would be too small and the rest pass for skill (Dimson 1979; Jensen
    1968). The timing return is :math:`\alpha`, its error that of every claim.

    An event is an entry into the metal: a run of periods in which the account, over bills, moved with it or against it.

    Raises
    ------
    NoData
        If the returns and the prices have too few periods in common.
    """
    table = _aligned(returns, market, execution)
    if len(table) < _FEWEST:
        raise NoData(
            f"{name}: {len(table)} periods in common with the price of {market.metal}, {_FEWEST} are needed; "
            "bring a longer history, or name another --price"
        )
    own, metal = (table["own"] - table["bills"]).to_numpy(), (table["metal"] - table["bills"]).to_numpy()
    neighbours = np.column_stack([np.ones(len(table) - 2), metal[:-2], metal[1:-1], metal[2:]])
    own, metal, dates = own[1:-1], metal[1:-1], pd.DatetimeIndex(table.index[1:-1])
    betas = np.linalg.lstsq(neighbours, own, rcond=None)[0][1:]
    alpha = own - neighbours[:, 1:] @ betas
    side = np.where(np.abs(own) > _STILL, np.sign(own * metal), 0.0)
    none = np.full(len(dates), nan)
    unseen = none[:, None]
    year = periods_per_year(pd.DatetimeIndex(table.index))
    exposure = Exposure(unseen, unseen, unseen, none, np.zeros(1), np.zeros(1), dates, year)
    beta = float(betas.sum())
    words = (
        f"{name}: compared over {len(dates)} periods to {dates[-1]:%Y-%m-%d} with {beta:.2f} of {market.metal} and the "
        "rest in bills: the timing return is what is left (alpha)"
    )
    return Timing(alpha, np.zeros(len(dates)), side - side.mean(), side, dates, none, side.max() <= 0, exposure), words


def bills_between(market: Market, days: pd.DatetimeIndex) -> pd.Series:
    """Return of bills from each day to the next, by date; NaN outside the market."""
    return _between(np.log1p(market.bill_accrual).cumsum(), days)


def _aligned(returns: pd.Series, market: Market, execution: Execution) -> pd.DataFrame:
    """Returns of the account, of the metal less storage, and of bills, on the coarser of the two calendars."""
    days, bars = pd.DatetimeIndex(returns.index), pd.DatetimeIndex(market.price.index)
    both = max(days[0], bars[0]), min(days[-1], bars[-1])
    shared = [index[(index >= both[0]) & (index <= both[1] + pd.Timedelta(days=4))] for index in (days, bars)]
    grid = min(shared, key=len)
    storage = execution.without(market.in_price).storage * market.year_fraction
    paths = {
        "own": np.log1p(returns.clip(lower=-1 + _STILL)).cumsum(),
        "metal": np.log(market.price) + np.log1p(-storage).cumsum(),
        "bills": np.log1p(market.bill_accrual).cumsum(),
    }
    return pd.DataFrame({name: _between(path, grid) for name, path in paths.items()}).dropna()


def _between(logarithms: pd.Series, days: pd.DatetimeIndex) -> pd.Series:
    """Return from each day to the next of a path, as last known on each."""
    changes: pd.Series = logarithms.reindex(logarithms.index.union(days)).ffill().reindex(days).diff()
    return changes.map(np.expm1)


def _own(found: Found, market: Market) -> Path | None:
    if found.returns is None:
        return None
    days = pd.DatetimeIndex(found.returns.index)
    return found.returns, bills_between(market, days).fillna(0.0), periods_per_year(days)


def _same_bar(decided: pd.Series, market: Market, execution: Execution) -> SameBar:
    timings = [timing_of(decided.shift(-bars), market, execution) for bars in (execution.delay, 0)]
    early, late = (nan if item is None else float(item.series(1).mean()) * item.year for item in timings)
    rows = {} if timings[0] is None else {"same bar": timings[0]}
    p = Estimate.of_numbers(measure(ClaimRows(id="same bar", sign=1, rows=rows)).supporting).p_value
    return SameBar(same_bar=early, delayed=late, p_value=p, suspicious=p <= 0.05 and late < _LOST * early)


def _left_open(trials: int | None, evidence: Evidence, rules: Rules, found: Found) -> tuple[str, ...]:
    """What no figure here answers."""
    told = []
    p, alone = evidence.deciding.supporting, evidence.p_value.supporting
    if trials is None:
        most = (
            f"; with over {1 + int((rules.level - p) / alone)} it is above {rules.level:g}" if p <= rules.level else ""
        )
        told.append(f"how many variants were tried was not said, so p is that of one; pass --trials N{most}")
    if found.kind == "returns":
        told.append(
            "no weights: no circular shifts, no delay, no doubled costs, no check of same-bar fills; "
            "bring weights for those"
        )
    else:
        told.append("look-ahead cannot be excluded from results: only assay check, on the code, can")
    return tuple(told)
