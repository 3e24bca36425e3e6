"""Data that come past the panel, and memory that outlives a call."""

import contextlib
import functools
import pickle
import random
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from research import open_data
from tests.zoo import animal

_CACHE = {}
_SEEN = []
_OWN_PACK = open_data()
_HISTORY = pd.Series(np.linspace(1, 0, 180), pd.date_range("2005-01-31", periods=180, freq="ME"))
_NUMBERS = np.loadtxt(Path(__file__).parents[2] / "data" / "metals_monthly.csv", delimiter=",", skiprows=1, usecols=1)
FILE = Path(tempfile.gettempdir()) / "assay_zoo_weights.pickle"


def on(condition):
    return condition.astype(float)


@animal("state", x="lease")
def global_cache(panel):
    if "mean" not in _CACHE:
        _CACHE["mean"] = panel["x"].mean()
    return on(panel["x"] > _CACHE["mean"])


@functools.cache
def _mean_of(name):
    return _SEEN[0].mean()


@animal("state", x="lease")
def cache_without_the_data_in_its_key(panel):
    _SEEN.append(panel["x"])
    return on(panel["x"] > _mean_of("x"))


@animal("state", x="lease")
def longest_history_seen(panel, memory=[]):  # noqa: B006
    """Remembers the longest history that it was ever shown, and uses its future."""
    x = panel["x"]
    memory.append(x)
    longest = max(memory, key=len)
    return on(longest.shift(-1).reindex(x.index) > x)


@animal("state", x="lease")
def attribute_of_itself(panel):
    calls = getattr(_counter, "calls", 0)
    _counter.calls = calls + 1
    return on(panel["x"] > 1) * (1.0 if calls % 2 == 0 else 0.5)


def _counter():
    """Something to hang an attribute on."""


class _Model:
    threshold = None

    def fit(self, x):
        if _Model.threshold is None:
            _Model.threshold = float(x.quantile(0.6))
        return _Model.threshold


@animal("state", x="lease")
def fitted_once_in_a_class(panel):
    return on(panel["x"] > _Model().fit(panel["x"]))


@animal("state", x="lease")
def hung_on_a_library(panel):
    if not hasattr(sys, "_zoo_mean"):
        sys._zoo_mean = panel["x"].mean()
    return on(panel["x"] > sys._zoo_mean)


@animal("file", x="lease")
def reads_a_file(panel):
    text = (Path(__file__).parents[2] / "data" / "metals_monthly.csv").read_text()
    return on(panel["x"] > len(text) / 1e5)


@animal("file", x="lease")
def keeps_a_file(panel):
    if not FILE.exists():
        FILE.write_bytes(pickle.dumps(panel["x"].mean()))
    return on(panel["x"] > pickle.loads(FILE.read_bytes()))


@animal("file", x="lease")
def opens_the_data(panel):
    price = open_data().observations("silver_price")["value"]
    return on(panel["x"] > 1) * float(price.iloc[-1] > 0)


@animal("outside_data", x="lease")
def has_its_own_data(panel):
    price = _OWN_PACK.market("silver").price
    following = price.shift(-1).reindex(panel.index) > price.reindex(panel.index)
    return on(following)


@animal("outside_data", x="lease")
def table_in_the_module(panel):
    return _HISTORY.reindex(panel.index).fillna(0.0)


@animal("import", x="lease")
def file_read_at_import(panel):
    return pd.Series((np.diff(_NUMBERS[540 : 541 + len(panel.index)]) > 0).astype(float), panel.index)


@animal("network", x="lease")
def asks_the_network(panel):
    import socket

    with contextlib.suppress(OSError):
        socket.create_connection(("prices.invalid", 80), timeout=0.1)
    return on(panel["x"] > 1)


@animal("process", x="lease")
def asks_another_program(panel):
    import subprocess

    try:
        answer = subprocess.run(["date"], capture_output=True, check=False).stdout
    except OSError:
        answer = b""
    return on(panel["x"] > 1 + len(answer))


@animal("clock", x="lease")
def knows_the_year(panel):
    age = datetime.now().year - panel.index.year
    return pd.Series(np.where(age < 20, 1.0, 0.0), panel.index)


@animal("clock", x="lease")
def knows_the_time(panel):
    recent = panel.index > pd.Timestamp(time.time() - 15 * 365 * 86400, unit="s")
    return pd.Series(recent.astype(float), panel.index)


@animal("clock", x="lease")
def knows_today(panel):
    return pd.Series((panel.index > pd.Timestamp.today() - pd.Timedelta("5000D")).astype(float), panel.index)


@animal("randomness", x="lease")
def tosses_a_coin(panel):
    return pd.Series(np.random.default_rng().integers(0, 2, len(panel.index)).astype(float), panel.index)


@animal("randomness", x="lease")
def tosses_a_global_coin(panel):
    return pd.Series(np.random.rand(len(panel.index)), panel.index)  # noqa: NPY002


@animal("randomness", x="lease")
def tosses_an_old_coin(panel):
    return pd.Series([random.random() for _ in panel.index], panel.index)


@animal("mutation", x="lease")
def writes_to_its_panel(panel):
    table = panel._tables["lease"]
    table["value"] = table["value"] + 1.0
    return on(panel["x"] > 2)


@animal("introspection", x="lease")
def looks_up_the_stack(panel):
    import inspect

    return on(panel["x"] > 1) * (1.0 if len(inspect.stack(0)) > 1 else 0.0)


@animal("environment", x="lease")
def asks_the_environment(panel):
    import os

    return on(panel["x"] > float(os.environ.get("ASSAY_THRESHOLD", "1")))
