"""Values at dates on which nobody had them."""

import numpy as np
import pandas as pd

from tests.zoo import animal


def on(condition):
    return condition.astype(float)


@animal("filled hole", x="stock")
def filled_backwards(panel):
    return on(panel["x"].bfill() > 300)


@animal("filled hole", x="stock")
def filled_backwards_by_one_bar(panel):
    return on(panel["x"].bfill(limit=1) > 300)


@animal("later bars", x="flow")
def matched_to_the_next_release(panel):
    decisions = pd.DataFrame({"t": panel.decision_times.to_numpy()})
    table = panel.observations("x")[["known_at", "value"]]
    table["known_at"] = table["known_at"].astype(decisions["t"].dtype)
    matched = pd.merge_asof(decisions, table, left_on="t", right_on="known_at", direction="forward")
    return pd.Series((matched["value"] > 50).astype(float).to_numpy(), panel.index)


@animal("filled hole", x="stock")
def interpolated(panel):
    x = panel["x"].interpolate()
    return on(x > x.shift(1))


@animal("filled hole", x="stock")
def nearest_value(panel):
    known = panel["x"].dropna()
    return on(known.reindex(panel.index, method="nearest") > 300)


@animal("filled hole", x="flow")
def filled_before_the_first_value(panel):
    x = panel["x"]
    return on(x.fillna(x.dropna().iloc[0]) > 50)


@animal("period dates", x="flow")
def known_at_ignored(panel):
    table = panel.observations("x").drop_duplicates("observed_for")
    by_period = table.set_index("observed_for")["value"].sort_index()
    return on(by_period.reindex(panel.index, method="ffill") > 50)


@animal("newest vintage", x="flow")
def newest_vintage(panel):
    """Waits for the first print of each period, but then reads the final revision."""
    table = panel.observations("x")
    final = table.groupby("observed_for")["value"].last()
    first = table.groupby("observed_for")["known_at"].first()
    series = pd.Series(final.to_numpy(), pd.DatetimeIndex(first), name="flow")
    return on(panel.asof(series) > 50)


@animal("newest vintage", x="lease")
def latent_vintage(panel):
    """Reads the newest vintage of data that were never revised yet."""
    table = panel.observations("x")
    final = table.drop_duplicates("observed_for", keep="last")
    first = table.drop_duplicates("observed_for")["known_at"]
    return on(panel.asof(pd.Series(final["value"].to_numpy(), pd.DatetimeIndex(first)).sort_index()) > 1)


@animal("period dates", x="lease")
def latent_period_dates(panel):
    """Dated by period: right only as long as publication has no lag."""
    table = panel.observations("x").drop_duplicates("observed_for").set_index("observed_for")["value"]
    x = table.reindex(panel.index)
    return on(x > x.shift(1))


@animal("period dates", price="gold_price")
def average_before_it_is_printed(panel):
    table = panel.observations("price").set_index("observed_for")["value"]
    price = table.reindex(panel.index)
    return on(price > price.shift(1))


@animal("period start", x="lease")
def quarter_labelled_by_its_start(panel):
    quarters = panel["x"].resample("QS").mean()
    return on(quarters.reindex(panel.index, method="ffill") > panel["x"])


@animal("period start", x="lease")
def year_mean_for_the_whole_year(panel):
    x = panel["x"]
    return on(x > x.groupby(x.index.year).transform("mean"))


@animal("period start", price="gold_price", pack="daily")
def month_mean_on_daily_bars(panel):
    price = panel["price"]
    return on(price < price.groupby(price.index.to_period("M")).transform("last"))


@animal("next bar", price="gold_price", pack="daily")
def tomorrow_close(panel):
    price = panel["price"]
    return on(price.shift(-1) > price)


@animal("period dates", report="report", pack="daily")
def report_on_its_tuesday(panel):
    """A weekly report used on the day it describes, three days before it is published."""
    table = panel.observations("report").set_index("observed_for")["value"]
    level = table.reindex(panel.index, method="ffill")
    return on(level > level.shift(5))


@animal("whole sample", x="flow")
def releases_of_the_future_counted(panel):
    """Native values spread over the calendar by position, not by date."""
    values = panel.native("x").to_numpy()
    stretched = np.interp(np.linspace(0, 1, len(panel.index)), np.linspace(0, 1, len(values)), values)
    return pd.Series((stretched > 50).astype(float), panel.index)


@animal("hindsight", x="lease")
def tops_written_down(panel):
    dates = panel.index
    out = ((dates >= "2008-03") & (dates < "2008-11")) | ((dates >= "2011-09") & (dates < "2015-12"))
    return pd.Series(1.0 - out, dates)
