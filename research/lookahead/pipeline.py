"""The same test for the house itself: bytes -> observation tables -> panel -> signal, and weights -> fills."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from research.datasets.data import Data
from research.datasets.dataset import Dataset
from research.datasets.market import Market
from research.datasets.periods import period_end
from research.datasets.registry import Pack
from research.datasets.store import load
from research.engine.portfolio import run
from research.engine.result import Result
from research.execution import Execution
from research.lookahead.cuts import in_the_middle
from research.lookahead.history import Future, History, raised
from research.lookahead.report import Leak, Probe
from research.lookahead.runner import equal
from research.thesis import Strategy

Engine = Callable[..., Result]
Loader = Callable[[Pack, Dataset], pd.DataFrame]

_AT_FAULT = "the framework and not the strategy"


def pipeline_leaks(
    strategy: Strategy,
    parameters: Mapping[str, Any],
    data: Data,
    history: History,
    start: str | None = None,
    end: str | None = None,
    *,
    n_cuts: int = 2,
) -> Iterator[Leak]:
    """Rewrite the future of every dataset in the data store, and follow it to the weights of one strategy.

    They must not move up to the cut. A signal that was found clean leaves only the loaders and the panel at fault.
    """

    def decided(store: Data) -> pd.Series:
        panel = store.panel(history.metal, history.inputs, store.market(history.metal, start, end))
        return strategy.weights(panel, parameters, max_leverage=float("inf")).reindex(history.index)

    true = decided(data)
    for cut in in_the_middle(history, n_cuts):
        date = history.index[cut]
        other = decided(_RewrittenData(data, history.decisions.iloc[cut]))
        yield from _moved("loader", history.metal, true, other, date, "the data store")


def engine_leaks(
    market: Market, weights: pd.Series, execution: Execution, *, engine: Engine = run, n_cuts: int = 4
) -> Iterator[Leak]:
    """Rewrite prices, bills and decisions after a bar; the ledger before it must not move.

    A decision of bar ``t`` may first show at bar ``t + delay``: changing it must leave every earlier bar alone.
    """
    result = engine(weights, market, execution, name="engine under check")
    index = market.price.index
    first = int(index.searchsorted(result.first_fill))
    for cut in np.unique(np.linspace(first + 1, len(index) - 2 - execution.delay, n_cuts).astype(int)):
        later = np.arange(len(index)) > cut
        for factor in (0.5, 2.0):
            other = replace(
                market,
                price=market.price.where(~later, market.price * factor),
                bill_accrual=market.bill_accrual.where(~later, market.bill_accrual * factor + 0.001),
            )
            ledger = engine(weights, other, execution, name="engine under check")
            yield from _ledger_moved(market.metal, result, ledger, index[cut])
        turned = weights.where(np.arange(len(index)) < cut, 1 - weights.fillna(0.0))
        ledger = engine(turned, market, execution, name="engine under check")
        yield from _ledger_moved(market.metal, result, ledger, index[cut + execution.delay - 1])


def loader_leaks(pack: Pack, dataset: Dataset, *, loader: Loader = load, n_cuts: int = 3) -> Iterator[Leak]:
    """Rewrite, then remove, the later rows of a dataset's file; the observations of earlier periods must not move."""
    raw = pd.read_parquet(pack.root / dataset.file) if dataset.file.endswith(".parquet") else _read(pack, dataset)
    period_column = dataset.read.observed_for
    periods = period_end(raw[period_column], column=period_column)
    values = [name for names in dataset.read.parts.values() for name in names]
    numeric = [name for name in values if pd.api.types.is_numeric_dtype(raw[name])]
    whole = _load_rows(pack, dataset, raw, loader)
    known = whole["observed_for"].drop_duplicates().sort_values()
    for date in known.iloc[np.unique(np.linspace(0, max(0, len(known) - 2), n_cuts).astype(int))]:
        later = periods > date
        rewritten = raw.copy()
        for name in numeric:
            rewritten[name] = raw[name].where(~later, raw[name] * 2)
        for other in (rewritten, raw[~later]):
            table = _load_rows(pack, dataset, other, loader)
            before, after = (t[t["observed_for"] <= date].reset_index(drop=True) for t in (whole, table))
            if not before.equals(after):
                nan, n_moved = float("nan"), _rows_that_differ(before, after)
                yield _leak("loader", "", dataset.id, date, date, nan, nan, n_moved)
                break


class _RewrittenData(Data):
    """A data store whose tables have another future from one decision on."""

    def __init__(self, data: Data, decision: pd.Timestamp) -> None:
        super().__init__(data.packs, data.price.name)
        self._true, self._decision = data, decision

    def observations(self, identity: str) -> pd.DataFrame:
        """The table with what is known after the decision rewritten."""
        return raised(self._true.observations(identity), self[identity], Future(self._decision))


def _read(pack: Pack, dataset: Dataset) -> pd.DataFrame:
    compression: Any = "gzip" if dataset.file.endswith(".gz") else None
    return pd.read_csv(pack.root / dataset.file, compression=compression, dtype={"published_on": "str"})


def _load_rows(pack: Pack, dataset: Dataset, rows: pd.DataFrame, loader: Loader) -> pd.DataFrame:
    """What the loader makes of a file with these rows."""
    content = BytesIO()
    if dataset.file.endswith(".parquet"):
        rows.to_parquet(content)
    else:
        rows.to_csv(content, index=False, compression="gzip" if dataset.file.endswith(".gz") else None)
    with tempfile.TemporaryDirectory() as folder:
        files = {dataset.file: content.getvalue()}
        for rule in dataset.release:
            if rule.exceptions:
                files[rule.exceptions] = (pack.root / rule.exceptions).read_bytes()
        for name, text in files.items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_bytes(text)
        pins = {name: hashlib.sha256(text).hexdigest() for name, text in files.items()}
        return loader(Pack(pack.name, Path(folder), pins, {dataset.id: dataset}), dataset)


def _rows_that_differ(before: pd.DataFrame, after: pd.DataFrame) -> int:
    if len(before) != len(after):
        return abs(len(before) - len(after))
    same = (before == after) | (before.isna() & after.isna())
    return int((~same.all(axis=1)).sum())


def _ledger_moved(metal: str, left: Result, right: Result, date: pd.Timestamp) -> Iterator[Leak]:
    for name in ("equity", "weights"):
        found = list(_moved("engine", metal, getattr(left, name), getattr(right, name), date, f"prices ({name})"))
        if found:
            yield from found
            return


def _moved(
    probe: Probe, metal: str, left: pd.Series, right: pd.Series, date: pd.Timestamp, source: str
) -> Iterator[Leak]:
    dates = left.index.union(right.index)
    dates = dates[dates <= date]
    before, after = (series.reindex(dates).to_numpy(dtype="float64") for series in (left, right))
    bars = np.flatnonzero(~equal(before, after))
    if len(bars):
        first = int(bars[0])
        yield _leak(probe, metal, source, dates[first], date, float(before[first]), float(after[first]), len(bars))


def _leak(
    probe: Probe,
    metal: str,
    source: str,
    moved: pd.Timestamp,
    cut: pd.Timestamp,
    knowing: float,
    unknowing: float,
    n_moved: int,
) -> Leak:
    where = "the loader or the panel" if probe == "loader" else "the engine"
    return Leak(
        kind="framework",
        probe=probe,
        metal=metal,
        parameters={},
        input=source,
        moved=pd.Timestamp(moved),
        knowing=knowing,
        unknowing=unknowing,
        largest=abs(knowing - unknowing),
        n_moved=n_moved,
        cut=pd.Timestamp(cut),
        learned_from=None,
        period=None,
        value=None,
        n_cuts=1,
        cause=f"{where} uses later rows, or fills before the delay has passed: {_AT_FAULT} is at fault",
        remedy="report it with this line",
    )
