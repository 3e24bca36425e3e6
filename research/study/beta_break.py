"""Did a metal's beta on a driver break, and when? A finding about the data, not about a strategy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.datasets.data import Data
from research.diagnostics.finding import Finding
from research.diagnostics.rotation import SEED
from research.diagnostics.specification import sup_f


@dataclass(frozen=True, kw_only=True)
class BetaBreak:
    """The likeliest break of a metal's beta on a driver.

    Attributes
    ----------
    first, last
        First and last month of the regression.
    last_before
        Last month before the likeliest break.
    beta_before, beta_after
        Log return for a rise of the driver by one of its units, on either side.
    finding
        The test of a break at an unknown date.
    """

    metal: str
    first: pd.Timestamp
    last: pd.Timestamp
    last_before: pd.Timestamp
    beta_before: float
    beta_after: float
    finding: Finding


def beta_break(data: Data, metal: str, driver: str) -> BetaBreak | None:
    """Regress monthly log returns of the metal on monthly changes of a dataset; search for a break.

    Month ends are the last day on which both are known to have a value. ``None`` without daily prices or the driver.

    References
    ----------
    Andrews (1993) for the test; Hansen (2000) for its bootstrap.
    """
    price = f"{metal}_spot" if f"{metal}_spot" in data else f"{metal}_price"
    if driver not in data or price not in data or data[price].frequency != "day":
        return None
    levels = {name: data.observations(name).groupby("observed_for")["value"].last() for name in (price, driver)}
    days = pd.DataFrame({"price": np.log(levels[price]), "driver": levels[driver]}).dropna()
    monthly = days.resample("ME").last().diff().dropna()
    finding = sup_f(monthly["price"], monthly["driver"].to_numpy(), seed=SEED)
    dates = pd.DatetimeIndex(monthly.index)
    return BetaBreak(
        metal=metal,
        first=dates[0],
        last=dates[-1],
        last_before=dates[int(finding.estimate)],
        beta_before=finding.details["before"][1],
        beta_after=finding.details["after"][1],
        finding=finding,
    )
