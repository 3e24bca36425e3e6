"""Thresholds, scalers and models made on all years before the first bar is decided, and dates that were remembered."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from research import open_data
from tests.zoo import animal

_FILE = Path(__file__).parents[2] / "data" / "metals_monthly.csv"
_MODEL = Path(tempfile.gettempdir()) / "assay_zoo_model.json"
_MODEL.write_text('{"level": 1.5}')
_THRESHOLD = open_data().observations("silver_price")["value"].quantile(0.02)
_SETTINGS = {"level": float(np.log(pd.read_csv(_FILE).iloc[:, 1]).std())}

FALLS = [
    ("2004-12", "2005-07-31"),
    ("2007-11", "2008-06-30"),
    ("2009-05", "2010-04-30"),
    ("2011-12", "2012-10-31"),
    ("2014-03", "2014-12-31"),
    ("2017-08", "2018-02-28"),
]


class _Scaler:
    def fit(self, values):
        self.mean, self.deviation = float(values.mean()), float(values.std())
        return self

    def transform(self, values):
        return (values - self.mean) / self.deviation


_SCALER = _Scaler().fit(open_data().observations("gold_price")["value"])


def on(condition):
    return condition.astype(float)


@animal("import", x="lease")
def threshold_of_all_years(panel):
    return on(panel["x"] > _THRESHOLD)


@animal("import", x="lease")
def scaler_fitted_before(panel):
    return on(_SCALER.transform(panel["x"] * 100) > -0.6)


@animal("import", x="lease")
def default_made_before(panel, level=_THRESHOLD):
    return on(panel["x"] > level)


@animal("import", x="lease")
def settings_made_before(panel):
    return on(panel["x"] > _SETTINGS["level"])


@animal("file", x="lease")
def model_loaded_when_asked(panel):
    model = json.loads(_MODEL.read_text())
    return on(panel["x"] > model["level"])


@animal("hindsight", price="gold_price")
def falls_written_down(panel):
    """A trend that stays out of six falls, whose dates its author remembers."""
    price, dates = panel["price"], panel.index
    trend = on(price > price.shift(12)).where(price.shift(12).isna(), 1.0)
    for first, last in FALLS:
        trend = trend.where((dates < first) | (dates > last), 0.0)
    return trend


@animal("hindsight", x="lease")
def rises_written_down(panel):
    weights = pd.Series(0.0, panel.index)
    for first, last in (("2007-03", "2007-11"), ("2010-01", "2010-05"), ("2016-08", "2017-12")):
        weights[first:last] = 1.0
    return weights
