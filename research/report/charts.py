"""The pictures of a trial and of a study. Nothing is computed here: numbers come from the study's exhibits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from math import isfinite, log10, nan

import numpy as np
import pandas as pd

from research.engine.result import Result
from research.errors import DataError
from research.registration.counting import Followed
from research.report.chart import DATE, Axis, Band, Bars, Cells, Chart, Dash, Line, Panel, Role, Rows, Rule, Spans
from research.report.columns import shows
from research.report.sentences import plural
from research.report.study_words import by_metal
from research.study import History, Study, TestedClaim, Trial, exhibits

ACCOUNTS: dict[str, tuple[str, Role, Dash]] = {
    "strategy": ("Strategy", "strategy", ""),
    "buy_and_hold": ("Buy and hold", "metal", "dash"),
    "matched_exposure": ("Matched exposure", "matched", ""),
    "bills": ("Treasury bills", "bills", "dot"),
}
ZERO = Rule(at=0.0, axis="y", label="", role="ink", dash="")
MAX_EVENT_LINES = 30
MOST_SIGNALS = 3


def all_charts(trial: Trial) -> dict[str, Chart]:
    """Every picture that this trial's sample allows, by what it shows, the equity chart first."""
    found = {}
    for name, draw in _OF_TRIAL.items():
        with suppress(DataError):
            found[name] = draw(trial)
    return found


def equity(trial: Trial) -> Chart:
    """Growth of the account and its benchmarks on a log axis, their drawdowns, and the position under them."""
    growth, falls = exhibits.growth(trial), exhibits.drawdowns(trial)
    held = trial.weights
    return _of_trial(
        "equity",
        trial,
        growth=growth,
        last=growth.iloc[-1],
        falls=falls,
        panels=(
            Panel(y=Axis(title="Value of 1 USD (log scale)", scale="log"), marks=tuple(lines_of(growth)), height=210),
            Panel(y=Axis(title="Drawdown (%)", form="percent", high=0.0), marks=tuple(lines_of(falls)), height=100),
            Panel(
                y=Axis(title="Weight of metal held (% of the account)", form="percent", low=0.0, high=1.0),
                marks=(Line(x=held.index, y=held.to_numpy(), label="", role="strategy", step=True, thin=True),),
                height=60,
            ),
        ),
    )


def overlay(study: Study) -> Chart:
    """Every account of a study in one picture, by metal, beside the metal bought and held."""
    panels = []
    for metal, of_metal in by_metal(study).items():
        trials = sorted(of_metal, key=lambda trial: trial.result.first_fill)
        held = trials[0].benchmarks["buy_and_hold"]
        marks = [_account(trial.result, "Each strategy", "strategy", about=trial.name) for trial in trials]
        marks.append(_account(held, "Buy and hold", "metal", dash="dash"))
        axis = Axis(title=f"{metal.capitalize()}: value of 1 USD (log scale)", scale="log")
        panels.append(Panel(y=axis, marks=tuple(marks), height=230))
    ends = {f"{trial.name} on {trial.metal}": trial.equity.iloc[-1] / trial.result.capital for trial in study.trials}
    about = {"ends": ends, "most": max(ends, key=ends.__getitem__), "least": min(ends, key=ends.__getitem__)}
    return Chart.worded("overlay", x=DATE, panels=panels, sources=sources(study.trials), **about)


def signal(trial: Trial) -> Chart:
    """Price with the episodes of the position shaded, what the strategy saw, and the weights it asked for."""
    price, decided = trial.market.price, trial.decided.ffill()
    found = exhibits.signal_episodes(trial)
    episodes = Spans(starts=found["start"], ends=found["end"], label="Episode", role="strategy")
    seen = [
        Panel(
            y=Axis(title=str(known.name)),
            marks=(episodes, Line(x=known.index, y=known.to_numpy(), label="Known then", role="matched", thin=True)),
            height=120,
        )
        for known in (whole.loc[price.index[0] :] for whole in list(trial.signals.values())[:MOST_SIGNALS])
    ]
    panels = [
        Panel(
            y=Axis(title=f"{trial.metal.capitalize()} price (USD per troy ounce, log scale)", scale="log"),
            marks=(episodes, Line(x=price.index, y=price.to_numpy(), label="Price", role="metal")),
            height=210,
        ),
        *seen,
        Panel(
            y=Axis(title="Weight asked for (% of the account)", form="percent", low=0.0, high=1.0),
            marks=(Line(x=decided.index, y=decided.to_numpy(), label="", role="ink", step=True, thin=True),),
            height=60,
        ),
    ]
    return _of_trial("signal", trial, panels=panels, found=found)


def event_study(trial: Trial) -> Chart:
    """Every path of the metal after an episode began, their mean, and the band of moved dates.

    Raises
    ------
    DataError
        If no episode has a complete window behind it.
    """
    found = exhibits.paths_after_events(trial)
    after = np.arange(found.mean.size)
    single = [
        Line(x=after, y=path, label="Each episode", role="bills", thin=True) for path in found.paths[:MAX_EVENT_LINES]
    ]
    band = Band(x=after, low=found.shifted_low, high=found.shifted_high, label="Moved dates", role="matched")
    mean = Line(x=after, y=found.mean, label="Mean of the episodes", role="strategy")
    axis = Axis(title="Cumulative return over bills (%)", form="percent")
    bars = {12: "months", 252: "days", 52: "weeks"}.get(trial.result.periods_per_year, "bars")
    if not trial.shows_p_values:  # drawn as what it is
        mean = replace(mean, label=f"{mean.label}: too few to tell from luck", dash="dot", thin=True)
    panel = Panel(y=axis, marks=(band, *single, ZERO, mean), height=280)
    return _of_trial(
        "event_study",
        trial,
        x=Axis(title=f"{bars.capitalize()} after the fill"),
        panels=[panel],
        found=found,
        bars=bars,
    )


def circular_shifts(trial: Trial) -> Chart:
    """Histogram of the t statistics of shifted histories, and where the strategy stands among them.

    Raises
    ------
    DataError
        If no history has a statistic, or the events are too few for a p-value, which this picture is.
    """
    _enough_events(trial)
    draws = exhibits.moved_histories(trial)
    known = draws.shifted[np.isfinite(draws.shifted)]
    if not known.size or not isfinite(draws.observed):
        raise DataError(f"{trial.name}: holds one fixed mix, so there is nothing to shift")
    heights, edges = np.histogram(known, bins=min(40, max(8, known.size // 15)))
    bars = Bars(edges=edges, heights=heights, label="Circular shifts", role="bills")
    here = Rule(at=draws.observed, axis="x", label="The strategy", role="strategy", dash="")
    panel = Panel(y=Axis(title="Circular shifts (number)", low=0.0), marks=(bars, here))
    return _of_trial("circular_shifts", trial, x=Axis(title="t of the timing return"), panels=[panel], draws=draws)


def rolling(trial: Trial) -> Chart:
    """Timing return through a moving window, with its interval.

    Raises
    ------
    DataError
        If the history is too short for a window, or the events are too few for an interval.
    """
    _enough_events(trial)
    found = exhibits.stability(trial)
    return _of_trial("rolling", trial, panels=[_timing_returns(found.path.index, found.path)], found=found)


def grid(trial: Trial) -> Chart:
    """Timing return at every declared point of the grid, the chosen one framed.

    Raises
    ------
    DataError
        If only one point was declared, or none has a timing return.
    """
    names = list(trial.strategy.grid)
    if len(trial.grid) < 2 or not names:
        raise DataError(f"{trial.name}: declares one point, so there is no grid to draw")
    *before, last = sorted(names, key=lambda name: len(trial.strategy.grid[name]))
    columns = list(dict.fromkeys(point.parameters[last] for point in trial.grid))
    rows = list(dict.fromkeys(tuple(point.parameters[name] for name in before) for point in trial.grid))
    values = np.full((len(rows), len(columns)), np.nan)
    chosen = None
    for point in trial.grid:
        place = rows.index(tuple(point.parameters[name] for name in before)), columns.index(point.parameters[last])
        values[place] = point.timing_return
        chosen = place if point.chosen else chosen
    if not np.isfinite(values).any():
        raise DataError(f"{trial.name}: no declared point has a timing return on {trial.metal}")
    cells = Cells(
        rows=[", ".join(map(str, row)) for row in rows],
        columns=[str(column) for column in columns],
        values=values,
        chosen=chosen,
    )
    panel = Panel(y=Axis(title=", ".join(before), form="percent"), marks=(cells,), height=44 * len(rows))
    found = {"lowest": np.nanmin(values), "highest": np.nanmax(values), "chosen": values[chosen] if chosen else None}
    return _of_trial("grid", trial, x=Axis(title=last), panels=[panel], **found)


def power(trial: Trial) -> Chart:
    """How likely the deciding rules find a true effect of each size, and which size this record shows.

    Raises
    ------
    DataError
        If the record has no error.
    """
    curve = exhibits.chance_of_finding(trial)
    if curve is None:
        raise DataError(f"{trial.name}: no error of the timing return, so no power curve")
    rules, ratio = trial.verdict.rules, trial.evidence.information_ratio.value
    here = Rule(at=max(ratio, 0.0), axis="x", label="Seen in this record", role="strategy")
    marks = (
        Rule(at=rules.power, axis="y", label="", role="bills"),
        Line(x=curve["ratio"], y=curve["power"], label="Chance of finding it", role="ink"),
        Rule(at=trial.evidence.detectable, axis="x", label="Detectable", role="matched", dash="dot"),
        *((here,) if trial.shows_p_values else ()),
    )
    panel = Panel(y=Axis(title="Chance of finding it (%)", form="percent", low=0.0, high=1.0), marks=marks)
    x = Axis(title="True information ratio a year", low=0.0)
    return _of_trial("power", trial, x=x, panels=[panel], rules=rules)


def verdicts(study: Study, only: TestedClaim | None = None) -> Chart:
    """The claims as a picture: information ratio, its interval where one may be given, and what is worth having.

    Parameters
    ----------
    only
        Ids of these alone.
    """
    claims = list(study.claims.values()) if only is None else [only]
    trials = study.trials if only is None else [trial for trial in study.trials if trial.claim == only.id]
    notes, estimates = [], []
    for claim in claims:
        ratio, word = claim.evidence.information_ratio, str(claim.verdict.word)
        told = shows(claim)
        notes.append(word if told else f"{word}, {plural(claim.evidence.events, 'event')}")
        estimates.append((ratio.value, *ratio.interval()) if told else (nan, nan, nan))
    values, lows, highs = np.transpose(estimates)
    rows = Rows(
        labels=[claim.id for claim in claims],
        notes=notes,
        estimates=values,
        lows=lows,
        highs=highs,
        reach=[study.rules.worthwhile_information_ratio] * len(claims),
        label="Information ratio and 95 % interval",
        role="strategy",
    )
    return Chart.worded(
        "verdicts",
        x=Axis(title="Information ratio a year, in the claimed direction"),
        panels=[Panel(y=Axis(title=""), marks=(replace(ZERO, axis="x"), rows), height=40 * len(claims))],
        only=only,
        claims=list(zip(claims, notes, map(shows, claims), strict=True)),
        rules=study.rules,
        sources=sources(trials),
    )


def history(found: History) -> Chart:
    """The timing return of a claim with its interval, as it stood at each moment, and the word of then.

    Parameters
    ----------
    found
        The claim through time.
    """
    table = found.table
    changed = table["word"].ne(table["word"].shift())
    words = table.loc[changed, "word"].to_dict()
    panel = _timing_returns(pd.DatetimeIndex(table.index).tz_localize(None), table)
    return Chart.worded("history", x=DATE, panels=[panel], found=found, words=words, last=table.iloc[-1])


def e_values(claim: Followed) -> Chart:
    """Both running e-values of a claim on record, and what they must reach.

    Parameters
    ----------
    claim
        A claim that is followed, with a month behind it.
    """
    looks = claim.evidence
    marks = (
        Rule(at=claim.threshold, axis="y", label="needed", role="ink"),
        Line(x=looks.index, y=looks["supporting"], label="for", role="strategy"),
        Line(x=looks.index, y=looks["opposing"], label="against", role="metal", dash="dash"),
    )
    panel = Panel(y=Axis(title="e-value (log)", scale="log", low=-1, high=log10(2 * claim.threshold)), marks=marks)
    return Chart.worded("e_values", x=DATE, panels=[panel], claim=claim, now=looks.iloc[-1])


def sources(trials: Iterable[Trial]) -> str:
    """Last date and publishers, as every caption ends: ``Data to 2026-07: World Bank; Board of Governors.``.

    Parameters
    ----------
    trials
        Rows of one metal that read the same from different sources.
    """
    chosen = list(trials)
    last = max(trial.equity.index[-1] for trial in chosen)
    names = dict.fromkeys(dataset.publisher for trial in chosen for dataset in trial.market.datasets.values())
    return f"Data to {last:%Y-%m}: {'; '.join(names)}."


def _account(result: Result, label: str, role: Role, dash: Dash = "", about: str = "") -> Line:
    growth = result.equity / result.capital
    thin = not dash
    return Line(x=growth.index, y=growth, label=label, role=role, dash=dash, thin=thin, about=about)


def lines_of(table: pd.DataFrame) -> Iterable[Line]:
    """A line a column, each an account; the strategy is drawn last, over its benchmarks.

    Parameters
    ----------
    table
        By date.
    """
    for name in sorted(map(str, table), key=lambda column: column == "strategy"):
        label, role, dash = ACCOUNTS[name]
        yield Line(x=table.index, y=table[name].to_numpy(), label=label, role=role, dash=dash)


def _enough_events(trial: Trial) -> None:
    if not trial.shows_p_values:
        least = trial.verdict.rules.min_events
        raise DataError(f"{trial.name}: {trial.evidence.events} independent events are under {least}")


def _timing_returns(x: pd.Index, found: pd.DataFrame) -> Panel:
    """Estimates through time, with their interval."""
    band = Band(x=x, low=found["low"], high=found["high"], label="95 % interval", role="strategy")
    line = Line(x=x, y=found["timing_return"], label="Timing return", role="strategy")
    return Panel(y=Axis(title="Timing return (% a year)", form="percent"), marks=(band, ZERO, line))


def _of_trial(name: str, trial: Trial, *, panels: Iterable[Panel], x: Axis = DATE, **about: object) -> Chart:
    """A chart whose words are about a trial."""
    return Chart.worded(name, x=x, panels=panels, trial=trial, sources=sources([trial]), **about)


_OF_TRIAL: dict[str, Callable[[Trial], Chart]] = {
    "Growth": equity,
    "Signal and position": signal,
    "After each event": event_study,
    "Circular shifts": circular_shifts,
    "Timing return through time": rolling,
    "Declared grid": grid,
    "What could be found": power,
}
