"""Synthetic futures by contract, for any metal: prices known in closed form."""

import numpy as np
import pandas as pd

PLATINUM_MONTHS = (1, 4, 7, 10)
COPPER_MONTHS = (3, 5, 7, 9, 12)


def futures_table(months, start="2019-01-02", end="2021-06-30", carry=0.02, lease=0.0, seed=0, listed_days=500):
    """Spot random walk ``S``; each contract's close is ``S exp((carry - lease) d / 365)``, d days to mid-delivery.

    Volume peaks in the nearest contract. Contracts are quoted from `listed_days` before their delivery to its 27th.
    """
    rng = np.random.default_rng(seed)
    days = pd.bdate_range(start, end)
    spot = pd.Series(900 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days)))), days)
    rows = []
    for year in range(days[0].year, days[-1].year + 3):
        for month in months:
            delivery = pd.Timestamp(year, month, 15)
            life = days[
                (days >= delivery - pd.Timedelta(days=listed_days)) & (days <= delivery + pd.Timedelta(days=12))
            ]
            ahead = (delivery - life).days.to_numpy()
            close = spot[life].to_numpy() * np.exp((carry - lease) * ahead / 365)
            volume = np.round(1e5 * np.exp(-np.abs(ahead - 60) / 40))
            rows.append(
                pd.DataFrame({"date": life, "contract": f"{year}{month:02d}", "close": close, "volume": volume})
            )
    table = pd.concat(rows, ignore_index=True)
    return table.assign(open=table["close"], high=table["close"] * 1.01, low=table["close"] * 0.99)
