"""The verdict through time: what the judge would have said of a claim at each year's end, from what was known then."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

import pandas as pd

from research.claims import Thesis, load_thesis
from research.datasets.data import Data, open_data
from research.errors import NoData
from research.execution import Execution
from research.provenance import one_thread
from research.study.candidates import Terms, decides, timing_of, utc
from research.study.claims import Families, Member
from research.study.exports import figures
from research.study.judge import judge, measure
from research.thesis import Strategy
from research.values import Displayed
from research.verdict import Rules


@dataclass(frozen=True, kw_only=True, eq=False)
class History(Displayed):
    """A claim as it stood at several moments.

    Attributes
    ----------
    id, short
        The claim.
    table
        One row a moment (UTC): ``last_bar``, ``events``, ``timing_return``, ``low``, ``high`` (95 %), ``p_adjusted``
        and ``word``; NaN where the record of then gives no number.
    """

    id: str
    short: str
    table: pd.DataFrame


@one_thread()
def history(
    claim: str | Strategy,
    data: Data | None = None,
    *,
    moments: Iterable[pd.Timestamp | str] | None = None,
    execution: Execution | None = None,
    rules: Rules | None = None,
    thesis: Thesis | None = None,
) -> History:
    """Judge a claim at several moments, each time in its family as it stood then.

    The same as a study of ``data.known_by(moment)``: decisions are those that were taken, prices those that had been
    published. Decisions are computed once, because none depends on what came later; ``assay check`` tests that.

    Parameters
    ----------
    claim
        Id of a sentence of the thesis, or a strategy, its name or file.
    data
        What it is run on; by default ``open_data()``.
    moments
        By default the end of each year (UTC) from the third of the record on, and the last moment known.
    execution
        Terms of trade; by default ``Execution()``.
    rules
        Thresholds of the verdict; by default ``Rules()``.
    thesis
        Whose claims are the family, and whose strategies go by name; by default the bundled one.

    Raises
    ------
    AssayError
        If there is no such claim, or it can be tested on nothing here.
    """
    thesis, data, rules = thesis or load_thesis(), data or open_data(), rules or Rules()
    terms = Terms(execution or Execution())
    families = Families(data, terms, thesis)
    strategy = thesis.find(claim)
    kind = thesis.kind_of(strategy)
    members = families.whole(kind) if kind != "own" else {strategy.name: families.member(strategy)}
    asked = members[thesis.said(strategy).id]
    if not asked.candidates:
        raise NoData(f"{asked.sentence.id}: no data here to test it on; `assay strategies` says what it needs")
    rows = []
    chosen = [utc(moment) for moment in moments] if moments is not None else _year_ends(asked, data)
    for moment in chosen:
        then = {name: _as_of(member, data.known_by(moment), terms) for name, member in members.items()}
        here = then.pop(asked.sentence.id).rows
        if not here.rows:
            continue
        others = {name: measure(member.rows) for name, member in then.items()}
        judged = judge([here], rules, others=others, shift_all=False)[asked.sentence.id]
        last_bar = max(timing.dates[-1] for timing in here.rows.values())
        told = {"moment": moment, "last_bar": last_bar, **figures(judged.evidence, rules)}
        rows.append({**told, "word": str(judged.verdict.word)})
    if not rows:
        raise NoData(f"{asked.sentence.id}: nothing was earned by any of these moments; give later ones")
    return History(id=asked.sentence.id, short=asked.sentence.short, table=pd.DataFrame(rows).set_index("moment"))


def _year_ends(member: Member, data: Data) -> list[pd.Timestamp]:
    first = min(pd.Timestamp(item.chosen.decided.dropna().index[0]) for item in member.candidates)
    prices = {identity for item in member.candidates for identity, found in item.market.datasets.items() if found.price}
    last = max(data.observations(identity)["known_at"].max() for identity in prices)
    years = [utc(f"{year}-12-31 23:59:59") for year in range(first.year + 3, last.year)]
    return [*years, last]


def _as_of(member: Member, data: Data, terms: Terms) -> Member:
    """The same claim on prices that had been published, with the decisions up to the last of them."""
    candidates = []
    for item in member.candidates:
        with suppress(NoData):
            market, points = data.market(item.metal), {}
            for name, point in item.points.items():
                cut = point.decided.loc[: market.price.index[-1]]
                if decides(cut):
                    points[name] = replace(point, decided=cut, timing=timing_of(cut, market, terms.execution))
            if item.label in points:
                candidates.append(replace(item, market=market, points=points))
    portfolio = None if member.portfolio is None else member.portfolio.known_by(data)
    return replace(member, candidates=tuple(candidates), portfolio=portfolio)
