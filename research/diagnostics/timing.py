r"""The timing return: what holding at these times earned beyond holding as much on average.

Of the weight :math:`w_t` held into each period, the average :math:`h_t` of all weights before it and the metal's return
:math:`m_t` over bills (storage paid), with :math:`z = w - h` and the trading cost :math:`c_t` beyond that of holding
:math:`h` all the time, the *timing series* in the direction :math:`s` is

:math:`\psi_t = s\,(z_t - \bar z)(m_t - \bar m) - c_t ,`

and its mean, a year, the timing return. It is a covariance of weight and return: the drift of the metal cancels exactly
and its volatility does not enter the mean, so neither passes for timing. The average so far, in place of that of the
whole sample, keeps small what a signal that answers to past prices gains by itself. It is the active part of a return
in the sense of Lo, with the position in place of a forecast.

**Its error** is that of equal-weighted cosines: the :math:`\nu + 1` numbers :math:`\sqrt n\,\bar\psi` and
:math:`\sqrt{2/n}\,\sum_t \psi_t \cos(\pi j (t - 1/2)/n)`, :math:`j = 1 \dots \nu`, are for long samples independent
with one variance if the mean is 0; so the first over the root mean square of the others is Student's t with
:math:`\nu = \max(8, 0.25\,(12 \cdot years)^{2/3})` degrees of freedom, wherever positions are many.

**Less the effect itself.** A metal that returns :math:`b` more in a period of full weight adds
:math:`b\,(z_t - \bar z)(w_t - \bar w)` to the series. That comes in lumps where positions are few, and would widen the
error by the very thing that is to be found. With :math:`g` the numbers of this path, the error is of the residuals
:math:`d_j - d_0\,g_j / g_0`, as in any regression. They are too small where few events carry the mean; they are made
unbiased, with Satterthwaite's degrees of freedom :math:`K \le \nu`, for returns that are independent and of one
variance (Bell and McCaffrey 2002; Imbens and Kolesár 2016). Both follow from the weights alone.

**In price units**, the metal's return a year in position less that out of it is :math:`cov(z, m) / cov(z, w)`; of
several rows, the mean of theirs by how exactly each tells it.

**A claim** has several rows (a metal at a grid point each). Its numbers are the mean over the rows of theirs, each
divided by the standard deviation of its own :math:`\psi`: equal risk, each on its own clock.

References: Grinblatt and Titman (1993); Cumby and Modest (1987); Lo (2008); So and Shin (1999) for the average so far;
Lazarus, Lewis, Stock and Watson (2018), Bell and McCaffrey (2002), Imbens and Kolesár (2016) for the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import nan, sqrt

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.diagnostics.long_run import Estimate, cosines
from research.engine.exposure import Exposure, moved_ratios
from research.units import Floats

Integers = npt.NDArray[np.int64]

MINIMUM_PERIODS = 24  # fewest periods of which a mean may be tested

STILL = 1e-12  # a standard deviation of the timing series, a period, that is rounding


def n_cosines(n_periods: int, periods_per_year: float = 12) -> int:
    r"""Number of cosines :math:`\nu = \max(8, 0.25\,(12 \cdot years)^{2/3})`, rounded.

    By the calendar, for means move over years however often one looks: with more of them, an error of days was too
    small on real prices.

    Parameters
    ----------
    n_periods
        Length of the series.
    periods_per_year
        12 of monthly bars, 252 of daily ones.
    """
    power: float = (12 * n_periods / periods_per_year) ** (2 / 3)
    return max(8, round(0.25 * power))


def cosine_numbers(series: Floats, nu: int) -> Floats:
    r"""The :math:`\nu + 1` numbers of a series, shape ``(nu + 1,)``: root n times its mean, and its lowest cosines.

    Parameters
    ----------
    series
        One row's timing series, (T,).
    nu
        Number of cosines.
    """
    numbers = cosines(series)[: nu + 1]
    return np.asarray(np.pad(numbers, (0, nu + 1 - numbers.size)))


@dataclass(frozen=True, eq=False)
class Timing:
    """The timing series of one account, before its direction is claimed.

    Attributes
    ----------
    gross
        ``(z - mean z)(m - mean m)``, summed over the legs, ``(n,)``.
    cost
        Costs beyond those of the average held, ``(n,)``.
    active, held
        ``z`` and ``w``, each summed over the legs, ``(n,)``.
    dates
        Bar at which each period ends.
    effect
        ``(z - mean z)(w - mean w)``, summed over the legs, ``(n,)``: what one in the return of a full weight adds to
        ``gross``.
    short
        Whether the account is never long.
    exposure
        What it was made from.
    """

    gross: Floats
    cost: Floats
    active: Floats
    held: Floats
    dates: pd.DatetimeIndex
    effect: Floats
    short: bool
    exposure: Exposure

    @classmethod
    def of(cls, exposure: Exposure) -> Timing:
        """Work it out."""
        active, held, cost = exposure.walked()
        centred = active - active.mean(axis=0)
        excess = exposure.excess
        return cls(
            gross=np.asarray((centred * (excess - excess.mean(axis=0))).sum(axis=1)),
            cost=cost,
            active=np.asarray(active.sum(axis=1)),
            held=np.asarray(held.sum(axis=1)),
            dates=exposure.dates,
            effect=np.asarray((centred * (held - held.mean(axis=0))).sum(axis=1)),
            short=bool(held.max() <= 0),
            exposure=exposure,
        )

    def series(self, sign: int) -> Floats:
        """ψ in the claimed direction, after costs.

        Parameters
        ----------
        sign
            +1 if holding is claimed to pay, -1 if to cost.
        """
        return np.asarray(sign * self.gross - self.cost)

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return self.gross.size

    @property
    def weight_covariance(self) -> float:
        """``cov(z, w)``, summed over the legs: what turns the mean of ``gross`` into a difference of returns."""
        return float(self.effect.mean())

    @property
    def year(self) -> float:
        """Periods a year."""
        return self.exposure.periods_per_year

    @property
    def is_timed(self) -> bool:
        """Whether the weight ever differs from its average while the metal moves, over periods enough."""
        return self.n_periods >= MINIMUM_PERIODS and float(self.gross.std()) > STILL

    @cached_property
    def later(self) -> Timing:
        """The same decisions filled one period later still."""
        return Timing.of(self.exposure.later())

    @cached_property
    def memory(self) -> float:
        """Periods over which the position remembers itself: the integrated autocorrelation time of the weight.

        Of the weight, not of the active weight: that the average so far wanders while it is young is no memory of the
        position, and would make one event of several.
        """
        return integrated_autocorrelation_time(self.held)

    @cached_property
    def entries(self) -> pd.DatetimeIndex:
        """Ends of the periods in which the position rises above its average so far (falls below it, if never long)."""
        beyond = (-self.active if self.short else self.active) > STILL
        return self.dates[1:][beyond[1:] & ~beyond[:-1]]


def integrated_autocorrelation_time(series: Floats) -> float:
    r"""Periods over which a series remembers itself, at least 1: the sum of its autocorrelations on both sides.

    :math:`\tau = 1 + 2 \sum_{k \ge 1} \rho_k` (Sokal 1997), summed in pairs of neighbouring lags while the pair is
    positive (Geyer 1992).

    Parameters
    ----------
    series
        Shape (T,).
    """
    n = series.size
    centred = series - series.mean()
    if n < 3 or not float(centred @ centred) > n * STILL**2:
        return 1.0
    spectrum = np.abs(np.fft.rfft(centred, 2 * n)) ** 2
    correlations = np.fft.irfft(spectrum)[:n] / float(centred @ centred)
    pairs = correlations[: n - n % 2].reshape(-1, 2).sum(axis=1)
    last = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else pairs.size
    return max(1.0, 2 * float(pairs[:last].sum()) - 1)


def independent_events(rows: Sequence[Timing]) -> pd.DatetimeIndex:
    """Entries of all rows, those nearer to the first of their cluster than the longest memory being one event.

    Parameters
    ----------
    rows
        Of one claim.
    """
    timed = [row for row in rows if row.is_timed]
    if not timed:
        return pd.DatetimeIndex([])
    calendar = _union([row.dates for row in timed])
    memory = max(row.memory for row in timed)
    starts: list[int] = []
    for entry in np.searchsorted(calendar, _union([row.entries for row in timed])):
        if not starts or entry - starts[-1] >= memory:
            starts.append(int(entry))
    return pd.DatetimeIndex(calendar[starts])


@dataclass(frozen=True, eq=False)
class Effects:
    r"""What an effect itself would add to the cosines of some rows, and what an error freed of it is worth.

    Attributes
    ----------
    shares
        Of each row, :math:`g_j / g_0`, ``(nu,)``.
    bias
        Mean square of the residual cosines over that of the mean, for independent returns of one variance that are the
        same for all rows.
    degrees_of_freedom
        Satterthwaite's, of that mean square.
    """

    shares: tuple[Floats, ...]
    bias: float
    degrees_of_freedom: float

    @classmethod
    def of(cls, rows: Sequence[Timing], nu: int) -> Effects:
        """From the weights of rows that are timed."""
        calendar = _union([row.dates for row in rows])
        mean, others, shares = np.zeros(len(calendar)), np.zeros((nu, len(calendar))), []
        for row in rows:
            basis = _basis(row.n_periods, nu)
            numbers = basis @ row.effect
            share = numbers[1:] / numbers[0] if abs(float(numbers[0])) > STILL else np.zeros(nu)
            spread = row.active - row.active.mean()
            spread /= sqrt(float(spread @ spread)) or 1.0
            at = np.searchsorted(calendar, row.dates.values)
            mean[at] += basis[0] * spread
            others[:, at] += (basis[1:] - share[:, None] * basis[0]) * spread
            shares.append(share)
        covariance = others @ others.T
        trace, squares = float(np.trace(covariance)), float((covariance**2).sum())
        if not (squares > 0 and float(mean @ mean) > 0):
            return cls(tuple(shares), 1.0, float(nu))
        return cls(tuple(shares), trace / nu / float(mean @ mean), trace**2 / squares)

    def free(self, numbers: Floats, row: int) -> Floats:
        """Numbers of a row, the others without what its effect adds, and unbiased.

        Parameters
        ----------
        numbers
            Of one row, (nu + 1,).
        row
            Which.
        """
        others = (numbers[1:] - numbers[0] * self.shares[row]) / sqrt(self.bias)
        return np.concatenate([numbers[:1], others])


@lru_cache(maxsize=8)
def _basis(n: int, nu: int) -> Floats:
    """What ``cosine_numbers`` multiplies a series with, ``(nu + 1, n)``."""
    angles = np.pi * np.arange(nu + 1)[:, None] * (np.arange(n) + 0.5) / n
    return np.asarray(np.cos(angles) * np.where(np.arange(nu + 1) == 0, sqrt(1 / n), sqrt(2 / n))[:, None])


@dataclass(frozen=True, eq=False)
class Numbers:
    """All that a family reads of a claim: its numbers for it, after costs, and against it, before them.

    Attributes
    ----------
    supporting, opposing
        ``(nu + 1,)`` each.
    events
        Number of independent events.
    """

    supporting: Floats
    opposing: Floats
    events: int

    @classmethod
    def of(cls, net: Sequence[Floats], gross: Sequence[Floats], events: int, nu: int, effects: Effects) -> Numbers:
        """Of the rows' series in the claimed direction, after costs and before them.

        A family compares by Student's t with as many degrees of freedom as there are cosines: the cosines are scaled
        so that this has the p-value of the claim's own t.
        """
        degrees = effects.degrees_of_freedom
        supporting, opposing = pooled(net, nu, effects), -pooled(gross, nu, effects)
        return cls(comparable(supporting, degrees), comparable(opposing, degrees), events)

    @property
    def nu(self) -> int:
        """Degrees of freedom."""
        return self.supporting.size - 1


def comparable(numbers: Floats, degrees_of_freedom: float) -> Floats:
    """Numbers of a claim as its family reads them: ``Numbers.of``.

    Parameters
    ----------
    numbers
        ``pooled``.
    degrees_of_freedom
        Of their own t.
    """
    from scipy.special import stdtr, stdtrit

    nu, t = numbers.size - 1, abs(Estimate.of_numbers(numbers).t)
    tail = float(stdtr(degrees_of_freedom, -t))
    if not (t > 0 and tail > 0):
        return numbers
    return np.concatenate([numbers[:1], numbers[1:] * t / -float(stdtrit(nu, tail))])


def pooled(series: Sequence[Floats], nu: int, effects: Effects | None = None) -> Floats:
    """Numbers of a claim: the mean over its rows of theirs, each over the standard deviation of its own series.

    Parameters
    ----------
    series
        Timing series of each row.
    nu
        Number of cosines.
    effects
        What the own effect of each row adds to its numbers; ``None`` adds nothing.
    """
    freed = effects.free if effects else lambda numbers, _: numbers
    each = [freed(cosine_numbers(psi, nu), k) / psi.std() for k, psi in enumerate(series)]
    return np.asarray(np.mean(each, axis=0))


def unit_of_ratio(series: Sequence[Floats], dates: Sequence[pd.DatetimeIndex], year: float) -> float:
    """What makes of the numbers that are ``pooled`` an information ratio of the rows held together at equal risk.

    That is the timing return over its standard deviation, a year. The sum of squares of what the rows did together by
    date is the variance of the first of the numbers if no period remembers another.

    Parameters
    ----------
    series
        As in ``pooled``.
    dates
        Of each row.
    year
        Periods a year.
    """
    calendar = _union(dates)
    q = np.zeros(len(calendar))
    for psi, when in zip(series, dates, strict=True):
        q[np.searchsorted(calendar, when.values)] += (psi - psi.mean()) / psi.std() / sqrt(psi.size)
    q /= len(series)
    return sqrt(year) / (sqrt(float(q @ q)) * float(np.mean([sqrt(psi.size) for psi in series])))


def unit_of_mean(series: Sequence[Floats], scales: Sequence[float]) -> float:
    """What makes of the numbers that are ``pooled`` the mean over the rows of what each says.

    A row says the mean of its series times its scale, and counts by how exactly it says it: by the root of its length
    over the standard deviation of its series times the scale. So the mean has the t of the claim's own numbers, and a
    row known for weeks counts for weeks.

    Parameters
    ----------
    series
        As in ``pooled``.
    scales
        Periods a year of each.
    """
    exactness = [sqrt(psi.size) / (psi.std() * scale) for psi, scale in zip(series, scales, strict=True)]
    return 1 / float(np.mean(exactness))


def circular_shifts(rows: Sequence[Timing], n_shifts: int, seed: int) -> Integers:
    """Shifts of the longest row's calendar: all, or so many drawn, none within the longest memory of the truth.

    Parameters
    ----------
    rows
        Of one claim.
    n_shifts
        Most that are drawn.
    seed
        Of the draw.
    """
    n = max(row.n_periods for row in rows)
    memory = int(np.ceil(max(row.memory for row in rows)))
    allowed = np.arange(memory, n - memory + 1)
    if allowed.size > n_shifts:
        allowed = np.sort(np.random.default_rng(seed).choice(allowed, n_shifts, replace=False))
    return np.asarray(allowed, dtype=np.int64)


def shifted_statistics(rows: Sequence[Timing], shifts: Integers, sign: int) -> list[Floats]:
    """Of the truth and of each shift: root n times the mean of the timing series over its standard deviation.

    White's error (1980), which the compiled loop can have from sums alone, in place of the cosines'. Of a claim the
    statistic is the mean over its rows.

    Parameters
    ----------
    rows
        Of a claim.
    shifts
        In bars.
    sign
        +1 if holding is claimed to pay, -1 if to cost.

    Returns
    -------
    list of ndarray of shape (1 + n_shifts, 2)
        Of each row: against the claim, before costs; and for it, after them.
    """
    found = moved_ratios([row.exposure for row in rows], np.concatenate([[0], shifts]), sign)
    return [sqrt(row.n_periods) * ratios * (-1, 1) for row, ratios in zip(rows, found, strict=True)]


def share_as_good(statistics: Floats) -> float:
    """p-value of the first among all, ``(1 + number of others as high) / (1 + number of others)``; NaN counts as high.

    Phipson and Smyth (2010).

    Parameters
    ----------
    statistics
        The truth first, then the others.
    """
    observed, others = float(statistics[0]), statistics[1:]
    if not np.isfinite(observed) or not others.size:
        return nan
    slack = 1e-9 * max(1.0, abs(observed))  # equal histories differ in the last digits
    return float(1 + np.sum(np.isnan(others) | (others >= observed - slack))) / (1 + others.size)


def _union(dates: Sequence[pd.DatetimeIndex]) -> npt.NDArray[np.datetime64]:
    if len(dates) == 1:
        return dates[0].values
    return np.unique(np.concatenate([item.values for item in dates]))
