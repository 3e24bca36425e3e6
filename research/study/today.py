"""What each strategy wants now, on which number, known when, and when that may change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.claims import Thesis, load_thesis
from research.datasets.data import Data, open_data
from research.datasets.panel import Panel
from research.datasets.release import next_release, overdue
from research.errors import NoData
from research.execution import Execution
from research.study.candidates import Terms, attempted, pairs_of, utc
from research.study.study import Skipped
from research.thesis import Strategy
from research.values import Displayed, plain
from research.weights import UNKNOWN, Rule, check_weights

HOLIDAYS = pd.Timedelta(days=4)
"""How late a release may be before what is here is called stale: a long weekend."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The newest value of one input.

    Attributes
    ----------
    dataset
        Its id.
    unit
        Of the value.
    value
        ``None`` of a table of columns.
    observed_for, known_at
        The period that it describes, and when it could be had (UTC).
    next_release
        When the period after it is released by its rule (UTC); ``None`` where no rule says so.
    overdue_days
        Days since then; 0 when it is still to come.
    """

    dataset: str
    unit: str
    value: float | None
    observed_for: pd.Timestamp
    known_at: pd.Timestamp
    next_release: pd.Timestamp | None
    overdue_days: int


@dataclass(frozen=True, kw_only=True)
class Want:
    """What one strategy wants of one metal.

    Attributes
    ----------
    strategy
        Its name.
    metal
        Which metal.
    sentence
        Id of the sentence of the thesis that it tests; empty for any other.
    stale
        Inputs of which a newer release is out: what it wants now is then not known.
    position
        Weight of metal wanted now; ``None`` where that is not known.
    number, threshold, sign
        The number that the position rests on, what it is compared with, and +1 for above or -1 for below; ``None`` of a
        strategy that does not say.
    since
        Bar since which the position is what it is.
    may_change
        First moment (UTC) at which a release, or the end of a holding period, can change it.
    inputs
        What it looks at.
    """

    strategy: str
    metal: str
    sentence: str
    stale: tuple[str, ...]
    position: float | None
    number: float | None
    threshold: float | None
    sign: int | None
    since: pd.Timestamp | None
    may_change: pd.Timestamp | None
    inputs: tuple[Reading, ...]


@dataclass(frozen=True, kw_only=True)
class Today(Displayed):
    """What strategies want at one moment, and which could not be asked.

    Attributes
    ----------
    now
        The moment (UTC).
    wants
        One a strategy and metal.
    skipped
        Each with its reason.
    """

    now: pd.Timestamp
    wants: tuple[Want, ...]
    skipped: tuple[Skipped, ...]

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        return {name: plain(getattr(self, name)) for name in ("now", "wants", "skipped")}


def today(
    strategies: Iterable[Strategy | str] | None = None,
    data: Data | None = None,
    *,
    metals: Iterable[str] | None = None,
    now: pd.Timestamp | str | None = None,
    execution: Execution | None = None,
    thesis: Thesis | None = None,
) -> Today:
    """What each strategy wants now of each of its metals, at its default parameters.

    Parameters
    ----------
    strategies
        Strategies, or names or files of them; by default all of the thesis.
    data
        What it is run on; by default ``open_data()``.
    metals
        Only of these; by default of each that a strategy claims.
    now
        The moment of asking; by default the clock's.
    execution
        Terms of trade; by default ``Execution()``.
    thesis
        Whose claims are the family, and whose strategies go by name; by default the bundled one.

    Raises
    ------
    AssayError
        If a name is unknown, or nothing could be asked: the reason of the first.
    """
    thesis, data = thesis or load_thesis(), data or open_data()
    moment = pd.Timestamp.now("UTC") if now is None else utc(now)
    chosen = thesis.of_kind("thesis") if strategies is None else strategies
    terms, known = Terms(execution or Execution()), data.known_by(moment)
    pairs = pairs_of(chosen, metals, data, terms, thesis)
    wants, failed = attempted(pairs, lambda pair: _want(*pair, known, moment, terms.execution, thesis))
    skipped = (Skipped(strategy=item.name, metal=metal, reason=reason) for (item, metal), reason in failed.items())
    return Today(now=moment, wants=tuple(wants.values()), skipped=tuple(skipped))


def _want(strategy: Strategy, metal: str, data: Data, now: pd.Timestamp, execution: Execution, thesis: Thesis) -> Want:
    inputs = strategy.inputs_for(metal, data)
    panel = _panel(metal, inputs, data, now)
    decided = strategy.decide(panel, strategy.parameters())
    weights = check_weights(decided, panel.index, execution.max_leverage, strategy.name).ffill()
    readings = tuple(_reading(identity, data, now) for identity in dict.fromkeys(inputs.values()))
    stale = tuple(item.dataset for item in readings if item.overdue_days > HOLIDAYS.days)
    newest = float(weights.iloc[-1])
    known = not stale and newest != UNKNOWN and np.isfinite(newest)
    rule: Rule | None = decided.attrs.get("rule")
    number = None if rule is None or not np.isfinite(rule.number.iloc[-1]) else float(rule.number.iloc[-1])
    sentence = thesis.sentence_of(strategy)
    return Want(
        strategy=strategy.name,
        metal=metal,
        sentence=sentence.id if sentence else "",
        stale=stale,
        position=newest if known else None,
        number=number,
        threshold=None if rule is None else float(rule.threshold),
        sign=None if rule is None else rule.sign,
        since=_since(weights) if known else None,
        may_change=_may_change(readings, rule, newest, now) if known else None,
        inputs=readings,
    )


def _panel(metal: str, inputs: dict[str, str], data: Data, now: pd.Timestamp) -> Panel:
    """The panel of a trader who decides at every bar up to now, and now."""
    times = data.panel(metal, inputs, data.market(metal)).decision_times
    times = times[times <= now]
    day = now.tz_localize(None).normalize()
    if times.empty or day > times.index[-1]:
        times = pd.concat([times, pd.Series([now], index=[day])]).astype("datetime64[us, UTC]")
    ids = set(inputs.values())
    return Panel(metal, times, inputs, {i: data[i] for i in ids}, {i: data.observations(i) for i in ids})


def _reading(identity: str, data: Data, now: pd.Timestamp) -> Reading:
    table, dataset = data.observations(identity), data[identity]
    if table.empty:
        raise NoData(f"{identity}: nothing was known of it by {now:%Y-%m-%d}")
    newest = table.sort_values(["observed_for", "known_at"], kind="stable").iloc[-1]
    timetable = dataset.release, dataset.frequency, newest["observed_for"]
    return Reading(
        dataset=identity,
        unit=dataset.unit,
        value=float(newest["value"]) if dataset.kind == "series" else None,
        observed_for=newest["observed_for"],
        known_at=newest["known_at"],
        next_release=next_release(*timetable),
        overdue_days=overdue(*timetable, now).days,
    )


def _since(weights: pd.Series) -> pd.Timestamp:
    """First bar of the stretch of one weight in which the last bar lies."""
    differs = np.flatnonzero((weights != weights.iloc[-1]).to_numpy())
    return pd.Timestamp(weights.index[differs[-1] + 1 if differs.size else 0])


def _may_change(
    readings: Iterable[Reading], rule: Rule | None, position: float, now: pd.Timestamp
) -> pd.Timestamp | None:
    moments = [item.next_release for item in readings if item.next_release is not None and item.next_release > now]
    if rule is not None and rule.hold_days and position:
        happened = rule.number[rule.sign * rule.number > rule.sign * rule.threshold]
        end = happened.index[-1] + pd.Timedelta(days=rule.hold_days)
        moments.append(end.tz_localize("UTC"))
    return min(moments, default=None)
