"""Study: strategies x metals on one set of data with one Execution, judged as one family."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd

from research.claims import Thesis, load_thesis
from research.datasets.data import Data, open_data
from research.datasets.registry import Dataset
from research.datasets.store import write_atomically
from research.diagnostics.rotation import SEED
from research.diagnostics.timing import Numbers
from research.discovery import find_strategy
from research.engine.exposure import start_compiler
from research.engine.portfolio import run
from research.execution import Execution
from research.ledger import LEDGER, Ledger, Series
from research.provenance import one_thread, versions
from research.study import exports
from research.study.candidates import (
    NOT_RECORDED,
    Candidate,
    Terms,
    attempted,
    candidate,
    entry_of,
    pairs_of,
    prices_of,
    recorded_on,
    series_of,
)
from research.study.claims import Families, Member, TestedClaim, tested_claim
from research.study.judge import UNTIMED, Judged, judge
from research.study.portfolio import ROW, PortfolioTrial
from research.study.trial import Constant, GridPoint, Trial
from research.thesis import Strategy
from research.values import Displayed, frozen, plain, plain_dict
from research.verdict import Rules
from research.weights import UNKNOWN, in_bills

Progress = Callable[[int, int, str], None]

FEW = 6  # rows; with more the compiler pays for its start


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A strategy that could not be tried on a metal, and why.

    Attributes
    ----------
    strategy
        Its name.
    metal
        Which metal.
    reason
        In one line.
    """

    strategy: str
    metal: str
    reason: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Study(Displayed):
    """What was asked, what came out, and everything needed to ask it again.

    Attributes
    ----------
    claims
        By id, the directional sentences that the strategies test, each with its verdict: what people quote.
    trials
        One per strategy and metal that could be run: the rows.
    skipped
        The others, each with its reason.
    execution
        Terms of trade.
    rules
        Thresholds of the verdict.
    datasets
        The datasets that were used, by id.
    thesis
        The thesis whose families they were judged in.
    manifest
        Versions, seeds, data hashes and coverage, strategy hashes and terms.
    portfolio
        The thesis as one account, where its claim was asked for.
    record
        What else the ledger held on the same prices, for each family that was judged: a replay needs it.
    """

    claims: Mapping[str, TestedClaim]
    trials: tuple[Trial, ...]
    skipped: tuple[Skipped, ...]
    execution: Execution
    rules: Rules
    datasets: Mapping[str, Dataset]
    thesis: Thesis = field(repr=False)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    portfolio: PortfolioTrial | None = None
    record: tuple[tuple[Numbers, ...], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for name in ("claims", "datasets", "manifest"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def __repr__(self) -> str:
        return f"<Study of {len(self.claims)} claims, {len(self.trials)} trials>"

    def __getitem__(self, key: tuple[str, str]) -> Trial:
        """The trial of ``(strategy, metal)``."""
        for trial in self.trials:
            if (trial.name, trial.metal) == key:
                return trial
        raise KeyError(key)

    def to_json(self, *, appendix: bool = True) -> dict[str, Any]:
        """Plain values only; without ``appendix`` no finding but those that decide, which takes no time."""
        names = ("manifest", "execution", "rules", "claims", "skipped", *(["portfolio"] if self.portfolio else []))
        trials = [trial.to_json(appendix=appendix) for trial in self.trials]
        return {**{name: plain(getattr(self, name)) for name in names}, "trials": trials}

    def to_frame(self) -> pd.DataFrame:
        """One row a strategy and metal: its claim, verdict, evidence and what its account did.

        Annual figures are fractions a year. p-values and interval are NaN where events are too few for them.
        """
        return pd.DataFrame(map(exports.row, self.trials)).set_index(["strategy", "metal"])

    def report(self, path: str | Path, *, appendix: bool = True) -> Path:
        """Write the self-contained HTML report; the old file stays until the new one is whole.

        Parameters
        ----------
        path
            File to write.
        appendix
            With the findings that decide nothing too, which take longer than all the rest.
        """
        from research.report.html import report

        file = Path(path)
        write_atomically(file, report(self, appendix=appendix).encode("utf-8"))
        return file


@one_thread()
def compare(
    strategies: Iterable[Strategy | str],
    data: Data | None = None,
    *,
    metals: Iterable[str] | None = None,
    parameters: Mapping[str, Mapping[str, object]] | None = None,
    start: str | None = None,
    end: str | None = None,
    price: str | None = None,
    execution: Execution | None = None,
    rules: Rules | None = None,
    progress: Progress | None = None,
    ledger: Ledger | None = LEDGER,
    thesis: Thesis | None = None,
) -> Study:
    """Judge strategies as one family.

    Parameters
    ----------
    strategies
        Strategies, or names or files of them.
    data
        What it is run on; by default ``open_data()``.
    metals
        Metals to trade; by default each strategy's own.
    parameters
        Strategy name -> parameters other than the defaults.
    start, end
        First and last bar, ``YYYY`` or ``YYYY-MM-DD``.
    price
        Which price to trade, by name; by default the data's own choice (``open_data``).
    execution
        Terms of trade; by default ``Execution()``.
    rules
        Thresholds of the verdict; by default ``Rules()``.
    progress
        Called with ``(done, total, what)``.
    ledger
        Where the trials are counted and written down: by default the user's own. ``None`` does neither, and the
        result says so.
    thesis
        Whose claims are the family, and whose strategies go by name; by default the bundled one.

    Raises
    ------
    AssayError
        If no strategy could be run: the reason of the first. Otherwise a strategy without data for a
        metal is listed in ``Study.skipped``.

    Examples
    --------
    >>> from research import compare, open_data
    >>> study = compare(["lease_rate_spike"], open_data(user=False), metals=["silver"], ledger=None)
    >>> study.claims["C1+"]  # the sentence that it measures, on all metals, which is what people quote
    <Claim C1+, Price rises after a lease-rate spike: ruled out>
    >>> trial = study["lease_rate_spike", "silver"]  # one row of it
    >>> trial.evidence.events  # independent entries; under six nothing is tested
    7
    >>> low, high = trial.evidence.timing_return.interval()  # 95 %, a fraction a year
    >>> low < 0 < high
    True
    >>> study.skipped
    ()
    """
    data = (data or open_data()).priced(price)
    execution, rules = (execution or Execution()).without(data.price.in_price), rules or Rules()
    thesis = thesis or load_thesis()
    terms = Terms(execution, start, end)
    pairs = pairs_of(strategies, metals, data, terms, thesis)
    said = _counted(progress, 2 * len(pairs))
    if len(pairs) > FEW:
        start_compiler()

    def decided(pair: tuple[Strategy, str]) -> Candidate:
        item, metal = pair
        said(f"decide {item.name} on {metal}", 1)
        return candidate(item, data, metal, (parameters or {}).get(item.name), terms)

    made, failed = attempted(pairs, decided)
    candidates = list(made.values())
    families = Families(data, terms, thesis, said)
    of_claims = {thesis.said(item.strategy).id: item.strategy for item in candidates}
    members = {name: families.member(item, candidates) for name, item in of_claims.items()}
    found = [item for member in members.values() for item in member.candidates]
    declared = sum(len(item.points) for item in found)
    used = {identity: data[identity] for item in candidates for identity in item.inputs.values()}
    used |= {identity: dataset for item in candidates for identity, dataset in item.market.datasets.items()}
    judged, record, status = _judged(members, families, rules, ledger)
    before = max(map(len, record))
    trials: list[Trial] = []
    constant: Constant = {}
    for item in candidates:
        said(f"account of {item.strategy.name} on {item.metal}", 1)
        identity = thesis.said(item.strategy).id
        trials.append(_trial(item, identity, judged[identity], declared + before, constant, execution))
    manifest = _manifest(pairs, data, used, trials, terms, thesis)
    if ledger is not None:
        claims = [(member, judged[name]) for name, member in members.items()]
        status = _write(ledger, terms, zip(candidates, trials, strict=True), claims) or status
    counted = {"declared": declared, "recorded_before": before, "counted": declared + before}
    manifest["trials"] = {**counted, "status": status}
    whole = {name: member.portfolio for name, member in members.items() if member.portfolio is not None}
    return Study(
        claims={name: tested_claim(member, judged[name], thesis.published) for name, member in members.items()},
        thesis=thesis,
        trials=tuple(trials),
        skipped=tuple(
            Skipped(strategy=item.name, metal=metal, reason=reason) for (item, metal), reason in failed.items()
        ),
        execution=execution,
        rules=rules,
        datasets=dict(sorted(used.items())),
        manifest=manifest,
        record=record,
        portfolio=next((item.trial(judged[name].rows[ROW]) for name, item in whole.items()), None),
    )


def backtest(
    strategy: Strategy | str,
    data: Data | None = None,
    *,
    metal: str | None = None,
    start: str | None = None,
    end: str | None = None,
    price: str | None = None,
    execution: Execution | None = None,
    rules: Rules | None = None,
    ledger: Ledger | None = LEDGER,
    thesis: Thesis | None = None,
    **parameters: object,
) -> Trial:
    """Judge one strategy on one metal: by default the first that it claims.

    Parameters
    ----------
    strategy
        A strategy, or the name or file of one.
    data
        What it is run on; by default ``open_data()``.
    metal
        Which metal; by default the first that it claims.
    start
        First bar, ``YYYY`` or ``YYYY-MM-DD``; signals see all history before it.
    end
        Last bar.
    price
        Which price to trade, by name; by default the data's own choice.
    execution
        Terms of trade; by default ``Execution()``.
    rules
        Thresholds of the verdict; by default ``Rules()``.
    ledger
        Where the trial is counted and written down: by default the user's own. ``None`` does neither, and says so.
    thesis
        Whose claims are the family, and whose strategies go by name; by default the bundled one.
    parameters
        Of the strategy, where they are not the defaults: ``threshold=2.0``.

    Raises
    ------
    AssayError
        As ``compare``; also for an unknown parameter.

    Examples
    --------
    >>> from research import backtest, open_data
    >>> data = open_data(user=False)  # the bundled months alone
    >>> trial = backtest("lease_rate_spike", data, metal="silver", threshold=3.0, ledger=None)
    >>> trial
    <Trial lease_rate_spike on silver: undecidable>
    >>> trial.verdict.reason  # doctest: +ELLIPSIS
    'Only ... independent events, 6 are needed.'
    >>> trial.returns.index[-1] == trial.equity.index[-1]  # Series by bar, as are trial.weights
    True
    >>> trial.performance["strategy"].exposure < trial.performance["buy_and_hold"].exposure
    True

    Other terms are ``execution=Execution(delay=3, fees=0.002)``, another period ``start="2000"``.
    """
    thesis = thesis or load_thesis()
    chosen = find_strategy(strategy, thesis.strategies)
    study = compare(
        [chosen],
        data,
        metals=[metal or chosen.metals[0]],
        parameters={chosen.name: parameters},
        start=start,
        end=end,
        price=price,
        execution=execution,
        rules=rules,
        ledger=ledger,
        thesis=thesis,
    )
    return study.trials[0]


def _counted(tell: Progress | None, total: int) -> Callable[..., None]:
    """Says what is done; what counts as no step is said beside the steps that were asked for."""
    done = 0

    def said(what: str, steps: int = 0) -> None:
        nonlocal done
        if tell is not None:
            tell(min(done, total), total, what)
        done += steps

    return said


def _judged(
    members: Mapping[str, Member], families: Families, rules: Rules, ledger: Ledger | None
) -> tuple[dict[str, Judged], tuple[tuple[Numbers, ...], ...], str]:
    """Every claim in its family; what else was recorded, family by family, and the ledger's status."""
    candidates = [item for member in members.values() for item in member.candidates]
    own = [point.key for item in candidates for point in item.points.values()]
    judged: dict[str, Judged] = {}
    record: list[tuple[Numbers, ...]] = []
    status = NOT_RECORDED
    for kind in ("thesis", "baseline", "own"):
        mine = {n: m for n, m in members.items() if families.thesis.kind_of(m.candidates[0].strategy) == kind}
        if not mine:
            continue
        markets = [item.market for member in mine.values() for item in member.candidates]
        prices = {prices_of(market) for market in markets}
        others, status = recorded_on(ledger, prices, markets[0].periods_per_year, own)
        record.append(tuple(others))
        families.tell("the family of all claims")
        family = families.others(kind, mine)
        judged |= judge(
            [member.rows for member in mine.values()],
            rules,
            others=family,
            record=others,
            decided_by="p_with_record" if kind == "own" else "p_adjusted",
        )
        families.keep(kind, {name: judged[name].numbers or UNTIMED for name in mine})
    return judged, tuple(record), status


def _trial(
    item: Candidate, identity: str, judged: Judged, n_trials: int, constant: Constant, execution: Execution
) -> Trial:
    """The row of the chosen parameters, with its account from the first decision on."""
    name, decided, timing = item.strategy.name, item.chosen.decided, item.chosen.timing
    assert timing is not None  # or it were no candidate
    first = pd.Timestamp(decided.index[decided.notna() & (decided != UNKNOWN)][0])
    held, market, row = in_bills(decided.loc[first:]), item.market.since(first), judged.rows[item.label]
    return Trial(
        strategy=item.strategy,
        metal=item.metal,
        parameters=item.grid[item.label],
        claim=identity,
        decided=held,
        market=market,
        result=run(held, market, execution, name=name, provenance=item.provenance),
        evidence=row.evidence,
        verdict=row.verdict,
        timing=timing,
        inputs=item.inputs,
        grid=tuple(
            GridPoint(
                parameters=values,
                timing_return=judged.rows[point].evidence.timing_return.value if point in judged.rows else nan,
                chosen=point == item.label,
            )
            for point, values in item.grid.items()
        ),
        signals={alias: series.loc[first:] for alias, series in item.signals.items()},
        prices=item.prices,
        n_trials=n_trials,
        constant=constant,
    )


def _write(
    ledger: Ledger, terms: Terms, tried: Iterable[tuple[Candidate, Trial]], claims: Iterable[tuple[Member, Judged]]
) -> str:
    """Write down what was tried; return a problem in words."""
    entries = [entry_of(item, plain_dict(exports.row(trial)), terms) for item, trial in tried]
    series: list[Series] = []
    for member, judged in claims:
        known = {row: found.numbers for row, found in judged.rows.items()}
        for item in member.candidates:
            keys = {name: point.key for name, point in item.points.items()}
            timings = {name: point.timing for name, point in item.points.items() if point.timing is not None}
            series += series_of(timings.items(), keys.__getitem__, prices_of(item.market), member.sentence.sign, known)
    return ledger.record(entries) or ledger.keep(series)


def _manifest(
    pairs: list[tuple[Strategy, str]],
    data: Data,
    used: Mapping[str, Dataset],
    trials: list[Trial],
    terms: Terms,
    thesis: Thesis,
) -> dict[str, object]:
    coverage = {identity: data.coverage(identity) for identity in sorted(used)}
    opened = {trial.metal: trial.result.first_fill for trial in sorted(trials, key=lambda t: t.result.first_fill)[::-1]}
    return {
        "versions": versions(),
        "seed": SEED,
        "price": data.price.name,
        "price_line": data.price_line,
        "start": terms.start,
        "end": terms.end,
        "strategies": {item.name: item.source_hash for item in dict.fromkeys(item for item, _ in pairs)},
        "data": {identity: dataset.sha256 for identity, dataset in sorted(used.items())},
        "coverage": {
            identity: [f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"] for identity, (first, last, _) in coverage.items()
        },
        "thesis": thesis.sha256,
        "quality": [line for metal in opened if (line := data.quality(metal, opened[metal]).line)],
    }
