"""C17: the dollar's credit ends: metal rises in every currency, and leaves its old bond with real yields."""

import numpy as np
import pandas as pd

from research import hold_while, strategy
from research.signals.macro import change_over, in_currency_basket, unexplained_return
from research.signals.momentum import trailing_return

PRICES = {"price": "{metal}_price", "spot": "{metal}_spot"}  # spot where the account holds something else


@strategy(
    claim="While metal rises beyond what real yields and the dollar explain, trust in money is leaving: it goes on.",
    metal=("gold", "silver"),
    inputs={**PRICES, "real_yield": "real_yield_10y", "dollar": "dollar_index"},
    optional=["spot"],
    expected_sign=+1,
    falsifier="Holding metal only while its unexplained return is positive earns no more than the same exposure.",
    grid={"window_years": [3, 5]},
)
def beyond_real_yields(panel, window_years=3):
    """Hold metal while its return of a year, less that which trailing betas explain, is positive."""
    rows, known = _same_days(panel, "real_yield", "dollar")
    drivers = pd.DataFrame({"real_yield": rows["real_yield"], "dollar": np.log(rows["dollar"])})
    unexplained = unexplained_return(
        np.log(rows["price"]), drivers, length="365D", step="28D", window=f"{365 * window_years}D"
    )
    return _while_positive(panel, unexplained, known)


@strategy(
    claim="While metal rises against a basket of currencies, all paper money loses to it, and it goes on.",
    metal=("gold", "silver"),
    inputs={**PRICES, "dollar": "dollar_index"},
    optional=["spot"],
    expected_sign=+1,
    falsifier="Holding metal only while it rises in the basket earns no more than the same average exposure.",
)
def rising_in_all_money(panel):
    """Hold metal while its price in the dollar index's basket stands above that of a year ago."""
    rows, known = _same_days(panel, "dollar")
    return _while_positive(panel, trailing_return(in_currency_basket(rows["price"], rows["dollar"]), "365D"), known)


@strategy(
    claim="While the dollar falls against other currencies, metal rises: the short-dollar leg of the thesis.",
    metal=("gold", "silver"),
    inputs={"dollar": "dollar_index"},
    expected_sign=+1,
    falsifier="Holding metal only while the dollar falls earns no more than the same average exposure.",
)
def falling_dollar(panel):
    """Hold metal while the dollar index stands below that of a year ago."""
    dollar = panel.native("dollar")
    change = panel.asof(change_over(np.log(dollar), "365D").rename(dollar.name))
    return hold_while(change, below=0.0)


def _same_days(panel, *names):
    """Price and named inputs of the days that all describe, and the moment at which the last of them was known."""
    inputs = {"price": "spot" if "spot" in panel else "price", **{name: name for name in names}}
    tables = {
        name: panel.observations(alias).drop_duplicates("observed_for").set_index("observed_for")
        for name, alias in inputs.items()
    }
    rows = pd.DataFrame({name: table["value"] for name, table in tables.items()}).dropna()
    known = pd.DataFrame({name: table["known_at"] for name, table in tables.items()}).max(axis=1)
    return rows, known[rows.index]


def _while_positive(panel, signal, known):
    moments = pd.DatetimeIndex(known)
    dated = pd.Series(signal.to_numpy(), index=moments).sort_index(kind="stable")
    return hold_while(panel.asof(dated, max_age="45D"), above=0.0)
