"""The tearsheet of a trial, beside buy and hold and matched exposure: figures and tables of frames made elsewhere.

Each is there for whoever wants it alone: ``months(trial)`` and ``rolling(trial)`` are charts that show themselves in a
notebook, the frames are those of ``research.diagnostics.metrics`` and ``trial.trades``.
"""

from __future__ import annotations

import pandas as pd

from research.diagnostics import metrics as frames
from research.engine.result import Result
from research.report.chart import DATE, Axis, Cells, Chart, Panel
from research.report.charts import ZERO, lines_of, sources
from research.report.columns import columns
from research.report.study_words import ACCOUNTS as WORDS
from research.report.template import Markup, part
from research.study import Trial

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
COMPARED = ("strategy", "buy_and_hold", "matched_exposure")


def tearsheet(trial: Trial) -> Markup:
    """All of it, for one section of a page."""
    pictures = [months(trial)]
    if len(trial.returns) > 3 * trial.result.periods_per_year:
        pictures.append(rolling(trial))
    return part("tearsheet", risk_table(trial), pictures, drawdown_table(trial), trade_table(trial))


def months(trial: Trial) -> Chart:
    """Returns by month and year as a heat map, and each year beside buy and hold and matched exposure."""
    found = frames.monthly_returns(trial.returns)
    for name in COMPARED[1:]:
        found[name] = frames.by_period(trial.benchmarks[name].returns, "Y").to_numpy()
    years = found["year"].sort_values()
    cells = Cells(
        rows=[str(year) for year in found.index],
        columns=[*MONTHS, "Year", "B&H", "Matched"],
        values=found.to_numpy(),
        chosen=None,
    )
    panel = Panel(y=Axis(title="", form="percent"), marks=(cells,), height=24 * len(found))
    about = {"years": years, "beaten": (found["year"] > found["buy_and_hold"]).sum(), "sources": sources([trial])}
    return Chart.worded("months", x=Axis(title=""), panels=[panel], trial=trial, **about)


def rolling(trial: Trial, years: float = 3.0) -> Chart:
    """Sharpe ratio and volatility over a moving window, of the strategy and of what it is compared with.

    Parameters
    ----------
    years
        Length of the window.
    """
    found = {name: frames.rolling(result, years) for name, result in _accounts(trial).items()}
    own, held = (found[name]["sharpe"] for name in COMPARED[:2])
    axes = {
        "sharpe": Axis(title="Sharpe ratio (a year)"),
        "volatility": Axis(title="Volatility (% a year)", form="percent"),
    }
    panels = []
    for column, axis in axes.items():
        windows = pd.DataFrame({name: found[name][column] for name in reversed(COMPARED)})
        panels.append(Panel(y=axis, marks=(ZERO, *lines_of(windows)), height=150))
    about = {"own": own, "held": held, "sources": sources([trial])}
    return Chart.worded("windows", x=DATE, panels=panels, trial=trial, years=years, **about)


def risk_table(trial: Trial) -> Markup:
    """What the account and its benchmarks risked."""
    found = frames.risk(_accounts(trial))
    named = [(WORDS[str(name)], row) for name, row in zip(found.index, found.to_dict("records"), strict=True)]
    return part("columns_table", "Risk, after costs", "Account", named, columns("risk"))


def drawdown_table(trial: Trial, most: int = 5) -> Markup:
    """The deepest falls of the account and of buy and hold.

    Parameters
    ----------
    most
        Rows, at most.
    """
    named = [
        (WORDS[name], row)
        for name in COMPARED[:2]
        for row in frames.worst_drawdowns(_accounts(trial)[name].returns, most, start=trial.result.first_fill).to_dict(
            "records"
        )
    ]
    return part("columns_table", "Worst drawdowns", "Account", named, columns("drawdowns"))


def trade_table(trial: Trial) -> Markup:
    """Every round trip."""
    trades = trial.trades
    won, days = (trades["profit"] > 0).sum(), trades["days"].median()
    told = f"{len(trades)} round trips, {won} with a profit, {days:.0f} days in the median" if len(trades) else ""
    named = [(f"{row['entry']:%Y-%m-%d}", row) for row in trades.to_dict("records")]
    return part("columns_table", told or "No round trip", "Entry", named, columns("trades"))


def _accounts(trial: Trial) -> dict[str, Result]:
    return {"strategy": trial.result, **{name: trial.benchmarks[name] for name in COMPARED[1:]}}
