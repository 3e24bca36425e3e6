"""The check's own question put to the house: does anything before a bar hang on what comes after it?

To the loaders, to the engine, and to the way from the data store through the panel to the weights.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from research.datasets.data import Data
from research.datasets.market import Market
from research.datasets.registry import Dataset, Pack
from research.datasets.release import period_end
from research.datasets.store import load
from research.engine.portfolio import run
from research.engine.result import Result
from research.execution import Execution
from research.lookahead.history import rewrite_table
from research.lookahead.probes import in_the_middle
from research.lookahead.runner import equal

Engine = Callable[..., Result]
Loader = Callable[[Pack, Dataset], pd.DataFrame]


@dataclass(frozen=True)
class HouseLeak:
    """What moved at or before a date when only what came after it was changed."""

    place: Literal["loader", "panel", "engine"]
    source: str
    date: pd.Timestamp
    n_moved: int


def pipeline_leaks(strategy, parameters, data, history, *, n_cuts=2) -> Iterator[HouseLeak]:
    """Rewrite the future of every dataset in the data store; the weights of a strategy up to the cut must not move."""

    def decided(store: Data) -> pd.Series:
        panel = store.panel(history.metal, history.inputs, store.market(history.metal))
        return strategy.weights(panel, parameters, max_leverage=float("inf")).reindex(history.index)

    true = decided(data)
    for cut in in_the_middle(history, n_cuts):
        other = decided(_RewrittenData(data, history.decisions.iloc[cut]))
        yield from _moved("panel", "the data store", true, other, history.index[cut])


class _RewrittenData(Data):
    """A data store whose tables have another future from one decision on."""

    def __init__(self, data: Data, decision: pd.Timestamp) -> None:
        super().__init__(data.packs, data.price.name)
        self._true, self._decision = data, decision

    def observations(self, identity: str) -> pd.DataFrame:
        return rewrite_table(self._true.observations(identity), self[identity], "raised", self._decision)


def engine_leaks(
    market: Market, weights: pd.Series, execution: Execution, *, engine: Engine = run, n_cuts: int = 4
) -> Iterator[HouseLeak]:
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
            yield from _ledger_moved(result, ledger, index[cut])
        turned = weights.where(np.arange(len(index)) < cut, 1 - weights.fillna(0.0))
        ledger = engine(turned, market, execution, name="engine under check")
        yield from _ledger_moved(result, ledger, index[cut + execution.delay - 1])


def loader_leaks(pack: Pack, dataset: Dataset, *, loader: Loader = load, n_cuts: int = 3) -> Iterator[HouseLeak]:
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
                yield HouseLeak("loader", dataset.id, date, _rows_that_differ(before, after))
                break


def _read(pack: Pack, dataset: Dataset) -> pd.DataFrame:
    compression: Literal["gzip"] | None = "gzip" if dataset.file.endswith(".gz") else None
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


def _ledger_moved(left: Result, right: Result, date: pd.Timestamp) -> Iterator[HouseLeak]:
    for name in ("equity", "weights"):
        found = list(_moved("engine", f"prices ({name})", getattr(left, name), getattr(right, name), date))
        if found:
            yield from found
            return


def _moved(place, source, left: pd.Series, right: pd.Series, date: pd.Timestamp) -> Iterator[HouseLeak]:
    both = pd.concat([left, right], axis=1).sort_index().loc[:date].astype(float)
    n_moved = int((~equal(*both.to_numpy().T)).sum())
    if n_moved:
        yield HouseLeak(place, source, date, n_moved)
