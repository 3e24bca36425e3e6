r"""Evidence that may be looked at every month: two running e-values of a claim that was put on record.

What comes after a registration is a series of months :math:`x_1, x_2, \dots` whose mean is 0 at most if the claim's
opponent is right. An *e-value* starts at 1 and is, on average and at any time that one may choose to stop, at most 1 if
he is; so it ever reaches :math:`1/\alpha` with a probability of at most :math:`\alpha` (Ville 1939), however often one
looks. Two are kept, one against each opponent:

- *supporting*, against "holding at these times earns nothing more": :math:`x` is the timing series after costs, in the
  claimed direction;
- *opposing*, against "it earns at least what is worth having": the metal's return less the return :math:`b` that would
  be worth having at the weight held, :math:`m_t - s\,b\,w_t`, in the other direction, before costs. :math:`b` makes an
  information ratio of 0.5 a year of the months since, or the timing return that the claim declares, if that is less.

**The series.** Of the active weight :math:`z_t` (the weight less the average of all before it, those before the
registration too) and the metal's return over bills :math:`m_t`, both centred by their means *since the registration*:
:math:`(z_t - \bar z)(m_t - \bar m)`, as in ``research.diagnostics.timing``. The metal's own mean is unknown and
falls out; a bet on :math:`z_t m_t` would win on any drift. Rows are divided by a scale that the registration fixed and
averaged; days are added up to months.

**The e-value** of the sum :math:`S_n`, with :math:`T_n = S_n / \sqrt{v_n}` and the variance of a month :math:`v_n`, is
that of bets on every information ratio, weighted by the positive half of a normal of scale 0.5 a year (the prior of the
Bayes factor of the judge): with :math:`k = 12 / 0.5^2 = 48` months

.. math:: E_n = 2 \int_0^\infty e^{\lambda T_n - n \lambda^2 / 2}\,\sqrt{k}\,\varphi(\sqrt{k} \lambda)\,d\lambda
   = 2 \sqrt{\tfrac{k}{n + k}} \exp\!\Big(\tfrac{T_n^2}{2 (n + k)}\Big)\,\Phi\!\Big(\tfrac{T_n}{\sqrt{n + k}}\Big) .

:math:`v_n` is White's, or, where it is larger, Bartlett's long-run variance over :math:`\sqrt n` months: averaged
prices, and means that wander, make neighbouring months alike. The e-value is asymptotic in the sense of Waudby-Smith et
al.; how often it errs in months that people live to see is in ``docs/following.md``. Before a year has passed it is 1.

References: Robbins (1970) for the mixture; Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024) for the variance;
Ramdas, Grünwald, Vovk and Shafer (2023) for e-values; Newey and West (1987).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isqrt, log, sqrt

import numpy as np
import pandas as pd

from research.diagnostics.timing import STILL, centred_products
from research.units import Floats

FIRST_LOOK = 12  # months before the first

PRIOR_RATIO = 0.5  # scale of the bets, an information ratio a year

PRIOR_MONTHS = 12 / PRIOR_RATIO**2


@dataclass(frozen=True, eq=False)
class Account:
    """One account since the registration, period by period.

    Attributes
    ----------
    active, held, excess
        Weight less the average of all before it, weight, and return over bills of each leg, ``(n, n_legs)``.
    cost
        Costs beyond those of the average held, ``(n,)``.
    dates
        Bar at which each period ends.
    scale
        What its series is divided by: its standard deviation a period before the registration.
    worthwhile_return
        Timing return a year that the claim declares to be worth having; infinite where it declares none.
    periods_per_year
        12 for months, 252 for trading days.
    """

    active: Floats
    held: Floats
    excess: Floats
    cost: Floats
    dates: pd.DatetimeIndex
    scale: float
    worthwhile_return: float = inf
    periods_per_year: float = 12

    def series(self, n: int, sign: int) -> tuple[Floats, Floats]:
        """The supporting and the opposing series of the first ``n`` periods, as they look then, for this ``sign``."""
        unsigned, effect = centred_products(self.active[:n], self.excess[:n], self.held[:n])
        gross = sign * unsigned
        rest = remainder(gross, effect, self.periods_per_year, self.worthwhile_return)
        return (gross - self.cost[:n]) / self.scale, -rest / self.scale


def remainder(gross: Floats, effect: Floats, periods_per_year: float, worthwhile_return: float = inf) -> Floats:
    """A timing series less what it would be if it earned what is worth having, ``(n, ...)``; 0 of a weight that rests.

    Parameters
    ----------
    gross
        The series before costs.
    effect
        ``(z - mean z)(w - mean w)``: what one in the return of a full weight adds to the series.
    periods_per_year, worthwhile_return
        As of an account.
    """
    earned = np.minimum(PRIOR_RATIO / sqrt(periods_per_year) * gross.std(axis=0), worthwhile_return / periods_per_year)
    covariance = effect.mean(axis=0)
    moves = covariance > STILL
    return np.where(moves, gross - earned / np.where(moves, covariance, 1.0) * effect, 0.0)


def running(rows: Sequence[Account], sign: int) -> pd.DataFrame:
    """Both e-values at the end of each month since the registration, of a claim of this ``sign`` with these ``rows``.

    Returns
    -------
    DataFrame
        ``supporting`` and ``opposing``, by the last bar of each month that has any.
    """
    dates = [row.dates.to_period("M").asi8 for row in rows]
    months = np.unique(np.concatenate(dates)) if rows else np.array([], dtype=np.int64)
    looks, ends = np.ones((months.size, 2)), []
    for k, month in enumerate(months):
        sums = np.zeros((2, k + 1))
        last = pd.Timestamp.min
        for row, when in zip(rows, dates, strict=True):
            n = int(np.searchsorted(when, month, side="right"))
            if n:
                for total, part in zip(sums, row.series(n, sign), strict=True):
                    np.add.at(total, np.searchsorted(months, when[:n]), part / len(rows))
                last = max(last, row.dates[n - 1])
        looks[k] = [np.exp(log_e_value(series)) for series in sums]
        ends.append(last)
    return pd.DataFrame(looks, index=pd.DatetimeIndex(ends, name="date"), columns=["supporting", "opposing"])


def log_e_value(series: Floats) -> Floats:
    """Logarithm of the e-value of a ``series`` of months, ``(n_months, ...)``, along its first axis."""
    from scipy.special import log_ndtr

    n = series.shape[0]
    variance = _variance(series) if n else np.zeros(series.shape[1:])
    if n < FIRST_LOOK:
        return np.zeros(series.shape[1:])
    known = variance > 0
    t = np.where(known, series.sum(axis=0) / np.sqrt(np.where(known, variance, 1.0)), 0.0)
    both = n + PRIOR_MONTHS
    mixture = 0.5 * log(PRIOR_MONTHS / both) + t**2 / (2 * both) + log(2) + log_ndtr(t / np.sqrt(both))
    return np.where(known, mixture, 0.0)


def crossed(e_values: pd.Series, threshold: float) -> pd.Timestamp | None:
    """The first look at which ``e_values`` reach a ``threshold``: from there on it stands."""
    reached = e_values >= threshold
    return e_values.index[int(reached.argmax())] if reached.any() else None


def _variance(series: Floats) -> Floats:
    """Of a month: White's, or Bartlett's long-run variance where it is larger.

    That is the mean square of the sums over all windows of so many months (the ends padded with zeros).
    """
    n, width = series.shape[0], isqrt(series.shape[0]) + 1
    padding = np.zeros((width, *series.shape[1:]))
    sums = np.cumsum(np.concatenate([padding, series - series.mean(axis=0), padding]), axis=0)
    windows = sums[width:] - sums[:-width]
    return np.asarray(np.maximum((series**2).sum(axis=0), (windows**2).sum(axis=0) / width) / n)
