import numpy as np
import pandas as pd
import pytest

from research.datasets.data import open_data
from research.study.appendix import beta_break


def test_the_break_equals_least_squares_on_each_side(daily):
    found = beta_break(daily, "gold", "real_yield_10y")
    price, rate = (
        daily.observations(name).set_index("observed_for")["value"] for name in ("gold_spot", "real_yield_10y")
    )
    days = pd.DataFrame({"p": np.log(price), "y": rate}).dropna()
    monthly = days.groupby(days.index.to_period("M")).last().diff().dropna()
    before = monthly[: f"{found.last_before:%Y-%m}"]
    assert found.beta_before == pytest.approx(np.polyfit(before["y"], before["p"], 1)[0])

    # no other date splits the squares better
    def squares(part):
        y, p = (part[name].to_numpy() - part[name].mean() for name in ("y", "p"))
        return p @ p - (y @ p) ** 2 / (y @ y)

    edge = int(0.15 * len(monthly))
    split = [squares(monthly[:bar]) + squares(monthly[bar:]) for bar in range(edge, len(monthly) - edge)]
    assert edge + int(np.argmin(split)) == len(before)


def test_without_daily_prices_there_is_none():
    assert beta_break(open_data(), "gold", "real_yield_10y") is None
