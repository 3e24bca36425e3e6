"""Trials and studies as frames and files, for those who go on elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from research.engine.result import Result
from research.errors import ExecutionError
from research.values import plain
from research.verdict import Evidence, Rules

if TYPE_CHECKING:
    from research.study.portfolio import PortfolioTrial
    from research.study.study import Study
    from research.study.trial import Trial

Form = Literal["csv", "parquet"]


def bars(trial: Trial | PortfolioTrial) -> pd.DataFrame:
    """One row a bar from the first fill on, indexed by date.

    ``equity`` (of a capital of 100, after costs), ``returns`` (fraction of the bar before, NaN at the first),
    ``bill_returns``, ``weight`` and ``target_weight`` (shares of the account; NaN keeps the units; of a portfolio one
    ``weight_LEG`` a leg), ``costs`` (fraction of the value before), and of each benchmark ``equity_NAME``.
    """
    result = trial.result
    frame = pd.DataFrame({"equity": result.equity, "returns": result.returns, "bill_returns": result.bill_returns})
    frame["weight"] = result.weights
    if isinstance(result, Result):
        frame["target_weight"] = result.target_weights
    else:
        frame = frame.join(result.leg_weights.add_prefix("weight_"))
    frame["costs"] = result.costs.sum(axis=1)
    for name, benchmark in trial.benchmarks.items():
        frame[f"equity_{name}"] = benchmark.equity
    return frame.rename_axis("date")


def figures(evidence: Evidence, rules: Rules) -> dict[str, float]:
    """Events, timing return, and its 95 % interval and p-value, NaN where events are too few for them."""
    shown = evidence.shows_p_values(rules)
    low, high = evidence.timing_return.interval() if shown else (nan, nan)
    return {
        "events": evidence.events,
        "timing_return": evidence.timing_return.value,
        "low": low,
        "high": high,
        "p_adjusted": evidence.p_adjusted.supporting if shown else nan,
    }


def row(trial: Trial) -> dict[str, object]:
    """A trial in one row: its claim, verdict, evidence and what its account did."""
    return {
        "strategy": trial.name,
        "metal": trial.metal,
        "claim": trial.claim,
        "verdict": str(trial.verdict.word),
        **figures(trial.evidence, trial.verdict.rules),
        "p_shifted": trial.evidence.p_shifted.supporting if trial.shows_p_values else nan,
        "detectable": trial.evidence.detectable,
        "first_fill": trial.result.first_fill,
        "last_bar": trial.equity.index[-1],
        **plain(trial.own_performance),
    }


def check_export(folder: Path) -> None:
    """Refuse, before the work, a folder that could not be filled after it.

    Raises
    ------
    ExecutionError
        If it is a file, holds something, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = next(folder.iterdir(), None)
        (probe := folder / ".assay").touch()
        probe.unlink()
    except OSError as error:
        raise ExecutionError(f"{folder}: cannot be filled: {error.strerror}; name another folder") from error
    if held is not None:
        raise ExecutionError(f"{folder}: holds {held.name} already; name an empty or a new folder")


def export(study: Study, folder: Path, form: Form = "csv") -> list[Path]:
    """Write a study as files: its rows, and of each its ``bars``, ``orders`` and ``trades``.

    Raises
    ------
    OSError
        If the folder may not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_written(frame, folder / f"{name}.{form}") for name, frame in _frames(study)]


def _frames(study: Study) -> Iterable[tuple[str, pd.DataFrame]]:
    yield "rows", study.to_frame().reset_index()
    for trial in study.trials:
        name = re.sub(r"[^\w.-]+", "_", f"{trial.name}-{trial.metal}")
        yield f"{name}-bars", bars(trial).reset_index()
        yield f"{name}-orders", trial.result.orders
        yield f"{name}-trades", trial.trades
    if study.portfolio is not None:
        yield "portfolio-bars", bars(study.portfolio).reset_index()
        yield "portfolio-orders", study.portfolio.result.orders


def _written(frame: pd.DataFrame, file: Path) -> Path:
    if file.suffix == ".parquet":
        frame.to_parquet(file, index=False)
    else:
        frame.to_csv(file, index=False)
    return file
