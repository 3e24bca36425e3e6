"""The tearsheet of a trial, beside buy and hold and matched exposure: figures and tables of frames made elsewhere.

Each is there for whoever wants it alone: ``months(trial)`` and ``rolling(trial)`` are charts that show themselves in a
notebook, the frames are those of ``research.diagnostics.tearsheet`` and ``trial.trades``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from research.diagnostics import tearsheet as frames
from research.engine.result import Result
from research.report.chart import Axis, Cells, Chart, Line, Panel
from research.report.charts import ACCOUNTS, DATE, ZERO, sources
from research.report.markup import Markup, join, tag
from research.report.sentences import sentence
from research.report.study_words import ACCOUNTS as WORDS
from research.report.svg import figure
from research.report.template import part
from research.report.words import number, percent, signed_percent
from research.study import Trial

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
COMPARED = ("strategy", "buy_and_hold", "matched_exposure")


def tearsheet(trial: Trial) -> Markup:
    """All of it, for one section of a page."""
    return join(
        risk_table(trial),
        tag("p", sentence("notes.ratios"), class_="soft"),
        figure(months(trial), "h3"),
        figure(rolling(trial), "h3") if len(trial.returns) > 3 * trial.result.periods_per_year else None,
        drawdown_table(trial),
        trade_table(trial),
    )


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
    panels = [
        Panel(y=axis, marks=(ZERO, *(_line(name, found[name][column]) for name in reversed(COMPARED))), height=150)
        for column, axis in axes.items()
    ]
    about = {"own": own, "held": held, "sources": sources([trial])}
    return Chart.worded("windows", x=DATE, panels=panels, trial=trial, years=years, **about)


def risk_table(trial: Trial) -> Markup:
    """What the account and its benchmarks risked."""
    found = frames.risk(_accounts(trial))
    return _table("Risk, after costs", found.assign(account=[WORDS[str(name)] for name in found.index]), _RISK)


def drawdown_table(trial: Trial, most: int = 5) -> Markup:
    """The deepest falls of the account and of buy and hold.

    Parameters
    ----------
    most
        Rows, at most.
    """
    start = trial.result.first_fill
    found = {WORDS[name]: _accounts(trial)[name].returns for name in COMPARED[:2]}
    falls = [frames.worst_drawdowns(item, most, start=start).assign(account=name) for name, item in found.items()]
    return _table("Worst drawdowns", pd.concat(falls), _DRAWDOWN)


def trade_table(trial: Trial) -> Markup:
    """Every round trip."""
    trades = trial.trades
    won, days = (trades["profit"] > 0).sum(), trades["days"].median()
    told = f"{len(trades)} round trips, {won} with a profit, {days:.0f} days in the median" if len(trades) else ""
    return _table(told or "No round trip", trades, _TRADE)


def _years(days: float) -> str:
    return f"{days / 365.25:.1f} years"


def _month(day: pd.Timestamp) -> str:
    return "not yet" if pd.isna(day) else f"{day:%Y-%m}"


def _day(day: pd.Timestamp) -> str:
    return f"{day:%Y-%m-%d}"


Columns = Mapping[str, tuple[str, Callable[..., str]]]
"""Heading -> column of a frame, and how its values are written; the first heads its row."""

_RISK: Columns = {
    "Account": ("account", str),
    "Sharpe": ("sharpe", number),
    "Sortino": ("sortino", number),
    "Calmar": ("calmar", number),
    "Best month": ("best_month", signed_percent),
    "Worst month": ("worst_month", signed_percent),
    "Months up": ("months_up", percent),
    "Value at risk": ("value_at_risk", signed_percent),
    "Expected shortfall": ("expected_shortfall", signed_percent),
    "Longest drawdown": ("longest_drawdown", _years),
}
_DRAWDOWN: Columns = {
    "Account": ("account", str),
    "Depth": ("depth", signed_percent),
    "Peak": ("peak", _month),
    "Trough": ("trough", _month),
    "Recovery": ("recovery", _month),
    "Length": ("days", _years),
}
_TRADE: Columns = {
    "Entry": ("entry", _day),
    "Exit": ("exit", _day),
    "Side": ("side", str),
    "Days": ("days", str),
    "Price in": ("entry_price", "{:,.2f}".format),
    "Price out": ("exit_price", "{:,.2f}".format),
    "Profit of 100": ("profit", "{:+.2f}".format),
    "Return": ("return", signed_percent),
    "Still open": ("open", lambda still: "open" if still else ""),
}


def _table(caption: str, frame: pd.DataFrame, columns: Columns) -> Markup:
    rows = zip(*(map(put, frame[name]) for name, put in columns.values()), strict=True)
    return part("table", caption, list(columns), list(rows), "h" + "r" * (len(columns) - 1))


def _accounts(trial: Trial) -> dict[str, Result]:
    return {"strategy": trial.result, **{name: trial.benchmarks[name] for name in COMPARED[1:]}}


def _line(name: str, values: pd.Series) -> Line:
    label, role, dash = ACCOUNTS[name]
    return Line(x=values.index, y=values.to_numpy(), label=label, role=role, dash=dash)
