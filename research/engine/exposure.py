"""Exposure: what an account wants into each period, and what that period does to it.

All that timing is judged from. Of a decision at bar ``t`` the fill is at bar ``t + delay`` and the period that it
earns is the one from there to the next bar. Between fills the weights drift with the prices, as in the engine of
record: after a period without a trade a weight ``w`` is ``w g / (w g + (1 - w) b)``, with ``g`` the growth of the metal
(storage out if long, borrow on top if short) and ``b`` that of bills.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import cast

import numpy as np
import pandas as pd

from research.datasets.market import Market
from research.engine import _timing
from research.engine.kernel import in_threads
from research.engine.legs import Legs
from research.errors import NoDecision
from research.execution import Execution
from research.units import Floats, Integers
from research.weights import UNKNOWN

_SHIFTS_AT_ONCE = 64
_WALKED, _STEPPED, _MOVED = 6e-6, 5e-5, 5e-8  # seconds: a period walked, stepped, an account more
_LOADING = 0.6  # seconds of the compiler's start
_spent = 0.0


@dataclass(frozen=True, eq=False)
class Exposure:
    """What one account wanted, period by period; periods of which the claim's number is unknown are left out.

    Attributes
    ----------
    wanted
        Weight of each leg wanted into each period, ``(n_periods, n_legs)``; NaN keeps what there is.
    long, short
        Growth of a leg held long, and what a short in it grows by, ``(n_periods, n_legs)``; 1 is no change.
    bills
        Growth of bills, ``(n_periods,)``.
    buying, selling
        Cost of a trade as a fraction of what is traded, fees and slippage together, ``(n_legs,)``.
    dates
        Bar at which each period ends.
    periods_per_year
        12 for months, 252 for trading days.
    n_unknown
        Periods from the first decision on that were left out.
    """

    wanted: Floats
    long: Floats
    short: Floats
    bills: Floats
    buying: Floats
    selling: Floats
    dates: pd.DatetimeIndex
    periods_per_year: float
    n_unknown: int = 0

    @classmethod
    def of(
        cls, decided: pd.DataFrame, legs: Legs, execution: Execution, *, closed: pd.Timestamp | None = None
    ) -> Exposure:
        """Align decisions and legs.

        Parameters
        ----------
        decided
            Target weights at each bar of the legs, a column a leg, as ``Strategy.weights`` gives them:
            ``UNKNOWN`` where the number that the claim rests on is not known.
        closed
            Bar at which the account had lost everything: nothing is timed from there on.

        Raises
        ------
        NoDecision
            If no period is left to earn in.
        """
        table = decided.to_numpy(dtype=float)
        state = decided.ffill().to_numpy(dtype=float)
        known = np.isfinite(state).all(axis=1) & (state != UNKNOWN).all(axis=1)
        if not known.any():
            raise NoDecision(f"{', '.join(map(str, decided))}: every weight is unknown, so nothing is ever timed")
        opened = int(np.argmax(known)) + execution.delay
        dates = pd.DatetimeIndex(legs.price.index)
        last = len(dates) - 1 if closed is None else int(dates.get_indexer(pd.DatetimeIndex([closed]))[0])
        fills = np.arange(opened, last)
        if not fills.size:
            raise NoDecision(f"{', '.join(map(str, decided))}: the delay leaves no period to earn in")
        kept = fills[known[fills - execution.delay]]
        terms = legs.terms(execution)
        return cls(
            wanted=np.ascontiguousarray(table[kept - execution.delay]),
            long=np.ascontiguousarray(legs.growth(execution)[kept + 1]),
            short=np.ascontiguousarray(legs.growth(execution, short=True)[kept + 1]),
            bills=1 + legs.bill_accrual.to_numpy(dtype=float)[kept + 1],
            buying=np.array([(1 + item.fees) * (1 + item.slippage) - 1 for item in terms], dtype=float),
            selling=np.array([1 - (1 - item.fees) * (1 - item.slippage) for item in terms], dtype=float),
            dates=dates[kept + 1],
            periods_per_year=legs.periods_per_year,
            n_unknown=fills.size - kept.size,
        )

    @classmethod
    def of_metal(
        cls,
        decided: pd.Series,
        market: Market,
        execution: Execution,
        *,
        closed: pd.Timestamp | None = None,
        legs: Legs | None = None,
    ) -> Exposure:
        """As ``of``, of one metal and bills: the ``legs`` of the market, which others may share."""
        terms = execution.without(market.in_price)
        return cls.of(decided.to_frame(market.metal), legs or Legs.of(market), terms, closed=closed)

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return len(self.bills)

    @property
    def excess(self) -> Floats:
        """Return over bills of each leg held long, storage paid, ``(n_periods, n_legs)``."""
        return self.long - self.bills[:, None]

    def later(self, bars: int = 1) -> Exposure:
        """The same decisions filled so many periods later still, on the periods that are left."""
        return replace(
            self,
            wanted=self.wanted[: self.n_periods - bars],
            **{name: getattr(self, name)[bars:] for name in ("long", "short", "bills", "dates")},
        )

    def walked(self) -> tuple[Floats, Floats, Floats]:
        """Active weights, weights, and costs over the average held.

        The active weight is the weight held into a period less the average of all before it; into the first period the
        average is the weight itself. The cost is that of the trade which opens the period, and of being short, less
        what holding the average all the time costs by the same rules.

        Returns
        -------
        tuple of ndarray
            ``(n_periods, n_legs)`` twice and ``(n_periods,)``.
        """
        active, held, cost = np.empty_like(self.wanted), np.empty_like(self.wanted), np.empty(self.n_periods)
        walk = _timing.walk if _is_little(_WALKED * self.wanted.size) else start_compiler().walk
        walk(self.account, active, held, cost)
        return active, held, cost

    def moved_ratios(self, shifts: Integers, sign: int) -> Floats:
        """As ``moved_ratios`` of this one, through the compiled loops, ``(n_shifts, 2)``."""
        account, out = self.account, np.empty((shifts.size, 2))
        starts = np.mod(-np.asarray(shifts, dtype=np.int64), self.n_periods)
        loop = start_compiler().moved_ratios if self.wanted.shape[1] == 1 else start_compiler().moved_ratios_of_legs

        def run(low: int) -> None:
            part = slice(low, low + _SHIFTS_AT_ONCE)
            loop(account, starts[part], float(sign), out[part])

        in_threads(run, range(0, shifts.size, _SHIFTS_AT_ONCE), shifts.size * self.wanted.size)
        return out

    @property
    def account(self) -> _timing.Account:
        """What the loops walk: decisions without gaps, since a moved account may begin inside a kept position."""
        keeps, wanted = np.asarray(np.isnan(self.wanted).any(axis=1)), self.wanted
        if keeps.any():
            wanted = np.ascontiguousarray(pd.DataFrame(wanted).ffill().to_numpy())
        centred = np.ascontiguousarray(self.excess - self.excess.mean(axis=0))
        return wanted, keeps, self.long, self.short, self.bills, self.buying, self.selling, centred


def moved_ratios(exposures: Sequence[Exposure], shifts: Integers, sign: int) -> list[Floats]:
    """Mean over standard deviation of the timing series of moved accounts.

    Returns
    -------
    list of ndarray of shape (n_shifts, 2)
        One of each exposure: before costs and after them, in the direction ``sign``; NaN where nothing is timed.
    """
    alike: dict[tuple[int, ...], list[int]] = {}
    for at, item in enumerate(exposures):
        alike.setdefault(item.wanted.shape, []).append(at)
    work = sum(n * (_STEPPED + _MOVED * shifts.size * len(some)) for (n, _), some in alike.items())
    if any(legs > 1 for _, legs in alike) or not _is_little(work):
        return [item.moved_ratios(shifts, sign) for item in exposures]
    found: dict[int, Floats] = {}
    for (n, _), some in alike.items():
        parts = zip(*(exposures[at].account for at in some), strict=True)
        accounts = cast(_timing.Account, tuple(np.stack(part).reshape(len(some), -1) for part in parts))
        found |= dict(zip(some, _timing.moved_ratios(accounts, np.mod(-shifts, n), sign), strict=True))
    return [found[at] for at in range(len(exposures))]


def _is_little(seconds: float) -> bool:
    """Whether work, with all such before it, is done in plain Python before a compiler that must come would be here."""
    global _spent
    _spent += seconds
    return _spent < _LOADING and "research.engine._loops" not in sys.modules


def start_compiler() -> ModuleType:
    """The compiled loops; asked for at once where they are known to be needed: nothing is done slowly before."""
    return import_module("research.engine._loops")
