"""The same test for the house itself: observation tables -> panel -> signal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import nan

import pandas as pd

from research.datasets.data import Data
from research.lookahead.cuts import in_the_middle
from research.lookahead.history import Future, History, raised
from research.lookahead.report import Leak, Probe
from research.lookahead.runner import equal
from research.thesis import Strategy


def pipeline_leaks(
    strategy: Strategy,
    parameters: Mapping[str, object],
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
        other = decided(_RewrittenData(data, history.decisions.iloc[cut]))
        yield from moved("loader", history.metal, true, other, history.index[cut], "the data store")


class _RewrittenData(Data):
    """A data store whose tables have another future from one decision on."""

    def __init__(self, data: Data, decision: pd.Timestamp) -> None:
        super().__init__(data.packs, data.price.name)
        self._true, self._decision = data, decision

    def observations(self, identity: str) -> pd.DataFrame:
        """The table with what is known after the decision rewritten."""
        return raised(self._true.observations(identity), self[identity], Future(self._decision))


def moved(
    probe: Probe, metal: str, left: pd.Series, right: pd.Series, date: pd.Timestamp, source: str
) -> Iterator[Leak]:
    """A leak if two series differ at or before a date: the first bar that does."""
    both = pd.concat([left, right], axis=1).sort_index().loc[:date].astype(float)
    bars = both[~equal(*both.to_numpy().T)]
    if len(bars):
        yield leak_of(probe, metal, source, bars.index[0], date, len(bars), *bars.iloc[0])


def leak_of(
    probe: Probe,
    metal: str,
    source: str,
    moved: pd.Timestamp,
    cut: pd.Timestamp,
    n_moved: int,
    knowing: float = nan,
    unknowing: float = nan,
) -> Leak:
    """A leak of the house, in the words of the report."""
    where = "the loader or the panel" if probe == "loader" else "the engine"
    return Leak(
        kind="framework",
        probe=probe,
        metal=metal,
        input=source,
        moved=pd.Timestamp(moved),
        knowing=knowing,
        unknowing=unknowing,
        largest=abs(knowing - unknowing),
        n_moved=n_moved,
        cut=pd.Timestamp(cut),
        cause=f"{where}, and not the strategy, uses later rows, or fills before the delay has passed",
        remedy="report it with this line",
    )
