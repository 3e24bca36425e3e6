"""What the records of all variants say together, in passes that hold one block at a time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import pandas as pd

from research.diagnostics.finding import Finding
from research.diagnostics.performance import jensen_alpha
from research.diagnostics.selection import overfitting_from_moments
from research.diagnostics.sharpe import sharpe_ratio
from research.errors import DataError
from research.sweep.problem import (
    STATISTICS,
    Dates,
    Floats,
    Problem,
    excess_returns,
    metal_excess_returns,
    moments,
    sharpe,
    sharpe_of,
    statistic,
)
from research.sweep.windows import SCHEMES, Scheme

Records = Iterable[tuple[int, Floats]]

_AT_ONCE = 128  # variants whose halves are compared together


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One variant of the grid.

    Attributes
    ----------
    number
        Its number in the grid.
    sharpe
        Annualised Sharpe ratio over the common history.
    statistics
        The kernel's summary over the variant's own history.
    """

    number: int
    parameters: Mapping[str, object]
    sharpe: float
    statistics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """Annualised Sharpe ratio over two axes of the grid: the mean over all other axes, NaN where nothing decides.

    Attributes
    ----------
    axes
        Names of the rows' and of the columns' parameter; fewer when the grid has fewer axes.
    sharpe
        Shape ``(len(rows), len(columns))``.
    """

    axes: tuple[str, ...]
    rows: tuple[object, ...]
    columns: tuple[object, ...]
    sharpe: Floats


@dataclass(frozen=True, kw_only=True)
class Step:
    """One fold of a walk: the variant with the best Sharpe ratio in training, and what it did then (annualised)."""

    training: Dates
    test: Dates
    parameters: Mapping[str, object]
    sharpe_training: float
    sharpe_test: float


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A walk forward: always holding the variant that was best so far.

    Attributes
    ----------
    excess_returns
        Of the variants picked, fold after fold. Each account has been running since its own first fill: moving from one
        to the next is not charged.
    sharpe, alpha
        Of these returns; ``None`` where they have no risk.
    """

    scheme: Scheme
    steps: tuple[Step, ...]
    excess_returns: pd.Series
    sharpe: Finding | None
    alpha: Finding | None


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a first pass over all records finds.

    Attributes
    ----------
    ranking
        The best variants by Sharpe ratio over the common history, best first.
    heat
        Sharpe ratios over two axes.
    n_decided
        Variants that ever trade; all of the grid count as trials.
    trial_variance
        Variance over them of the Sharpe ratio a period.
    picks
        Best variant of each fold in training.
    """

    ranking: tuple[Cell, ...]
    n_decided: int
    trial_variance: float
    heat: HeatMap
    picks: tuple[int, ...]


def survey(problem: Problem, records: Records, *, axes: tuple[str, ...], n_best: int) -> Survey:
    """Rank, map and pick, one block after the other; ties go to the lower number."""
    grid, windows = problem.grid, problem.windows
    year = float(np.sqrt(problem.market.periods_per_year))
    best: list[tuple[float, int, Floats]] = []
    picks = [(-np.inf, -1)] * len(windows.folds)
    count, total, squares = 0, 0.0, 0.0  # of the Sharpe ratios
    at = [list(grid.axes).index(name) for name in axes]
    sizes = tuple(len(values) for values in grid.axes.values()) or (1,)
    shape = [len(grid.axes[name]) for name in axes] + [1] * (2 - len(axes))
    sums, cells = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for first, block in records:
        decided = statistic(block, "first_fill") >= 0
        ratios = sharpe(problem, block, (windows.start, windows.end))
        places = np.unravel_index(first + np.flatnonzero(decided), sizes)
        where = tuple(places[axis] for axis in at) + (np.zeros(len(places[0]), dtype=np.int64),) * (2 - len(axes))
        part = ratios[decided]
        count, total, squares = count + part.size, total + float(part.sum()), squares + float(part @ part)
        np.add.at(sums, where, part)
        np.add.at(cells, where, 1)
        ranked = ((float(ratios[row]), -(first + row), block[row]) for row in np.flatnonzero(decided).tolist())
        best = heapq.nlargest(n_best, chain(best, ranked), key=lambda item: item[:2])
        for number, fold in enumerate(windows.folds):
            training = np.where(decided, sharpe(problem, block, fold.train), -np.inf)
            row = int(training.argmax())
            if training[row] > picks[number][0]:
                picks[number] = (float(training[row]), first + row)
    ranking = [
        Cell(
            number=-minus,
            parameters=grid[-minus],
            sharpe=ratio * year,
            statistics=dict(zip(STATISTICS, record[: len(STATISTICS)].tolist(), strict=True)),
        )
        for ratio, minus, record in best
    ]
    heat = HeatMap(
        axes=axes,
        rows=grid.axes[axes[0]] if axes else (),
        columns=grid.axes[axes[1]] if len(axes) > 1 else (),
        sharpe=np.where(cells > 0, sums / np.maximum(cells, 1), np.nan) * year,
    )
    return Survey(
        ranking=tuple(ranking),
        n_decided=count,
        trial_variance=max(squares - total**2 / count, 0.0) / (count - 1) if count > 1 else 0.0,
        heat=heat,
        picks=tuple(number for _, number in picks),
    )


def walk_forward(problem: Problem, picks: tuple[int, ...]) -> dict[Scheme, Walk]:
    """Run the variant picked in each fold through its test, and judge the returns end to end."""
    numbers, windows = sorted(set(picks)), problem.windows
    excess = dict(zip(numbers, excess_returns(problem, numbers), strict=True))
    dates = problem.market.price.index[windows.start : windows.end]
    metal = pd.Series(metal_excess_returns(problem), index=dates)
    a_year = problem.market.periods_per_year
    walks = {}
    for scheme in SCHEMES:
        steps, parts = [], []
        for fold, number in zip(windows.folds, picks, strict=True):
            if fold.scheme != scheme:
                continue
            training, test = (
                excess[number][first - windows.start : after - windows.start]
                for first, after in (fold.train, fold.test)
            )
            steps.append(
                Step(
                    training=problem.dates(fold.train),
                    test=problem.dates(fold.test),
                    parameters=problem.grid[number],
                    sharpe_training=_sharpe(training) * float(np.sqrt(a_year)),
                    sharpe_test=_sharpe(test) * float(np.sqrt(a_year)),
                )
            )
            parts.append(test)
        tested = np.concatenate(parts)
        returns = pd.Series(tested, index=dates[-tested.size :], name=scheme)
        walks[scheme] = Walk(
            scheme=scheme,
            steps=tuple(steps),
            excess_returns=returns,
            sharpe=asked(sharpe_ratio, returns, periods_per_year=a_year),
            alpha=asked(jensen_alpha, returns, metal.loc[returns.index], periods_per_year=a_year),
        )
    return walks


def overfitting(problem: Problem, records: Records) -> Finding | None:
    """How often the best variant of one half of history is below the median of the other; ``None`` for a single one."""
    if len(problem.grid) < 2:
        return None
    edges = problem.windows.block_edges

    def parts() -> Iterator[tuple[Floats, Floats]]:
        for _, block in records:
            for low in range(0, len(block), _AT_ONCE):
                some = block[low : low + _AT_ONCE]
                spans = [moments(problem, some, span) for span in pairwise(edges)]
                yield np.array([sums for sums, _ in spans]), np.array([squares for _, squares in spans])

    return overfitting_from_moments(parts, rows_per_block=problem.windows.rows_per_block)


def _sharpe(returns: Floats) -> float:
    return float(sharpe_of(returns.sum()[None], np.square(returns).sum()[None], returns.size)[0])


def asked(question: Callable[..., Finding], *series: pd.Series, **terms: float) -> Finding | None:
    """The answer of a statistic; ``None`` where the returns have no risk."""
    try:
        return question(*series, **terms)
    except DataError:
        return None
