"""Study: strategies x metals on one set of data with one Execution, judged as one family."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from research.datasets.data import Data, open_data
from research.datasets.dataset import Dataset
from research.discovery import find_strategy
from research.errors import AssayError, NoData, NoDecision, StrategyError, UnknownDataset
from research.execution import Execution
from research.ledger import Ledger
from research.study.appendix import further_findings
from research.study.counting import Count, Recorder, count_trials, record, widened
from research.study.evidence import SEED, adjusted_alphas, silenced, weigh
from research.study.family import Candidate, candidate, family_returns, grid_points
from research.study.portfolio_trial import PortfolioTrial
from research.study.threads import one_thread
from research.study.trial import Trial
from research.study.versions import versions
from research.thesis import Strategy
from research.verdict import Rules, decide

Progress = Callable[[int, int, str], None]

LEDGER = Ledger()


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A strategy that could not be tried on a metal, and why."""

    strategy: str
    metal: str
    reason: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Study:
    """What was asked, what came out, and everything needed to ask it again.

    Attributes
    ----------
    trials
        One per strategy and metal that could be run.
    skipped
        The others, each with its reason.
    family_size
        Number of declared trials: every strategy, on every metal, at every point of its grid.
    family_tested
        Those with enough independent events to be tested; the family-wise p-values account for all of them.
    datasets
        The datasets that were used, by id.
    manifest
        Versions, seeds, data hashes and coverage, strategy hashes and terms.
    portfolio
        The thesis as one account (C20), where it was asked for: :func:`~research.study.portfolio.portfolio`.
    """

    trials: tuple[Trial, ...]
    skipped: tuple[Skipped, ...]
    execution: Execution
    rules: Rules
    family_size: int
    family_tested: int
    datasets: Mapping[str, Dataset]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    portfolio: PortfolioTrial | None = None

    def __repr__(self) -> str:
        return f"<Study of {len(self.trials)} trials, {self.family_size} in the family>"

    def _repr_html_(self) -> str:
        from research.report.notebook import study_html

        return study_html(self)

    def __getitem__(self, key: tuple[str, str]) -> Trial:
        """The trial of ``(strategy, metal)``."""
        for trial in self.trials:
            if (trial.name, trial.metal) == key:
                return trial
        raise KeyError(key)

    def to_json(self) -> dict[str, Any]:
        """Plain values only."""
        return {
            "manifest": dict(self.manifest),
            "execution": asdict(self.execution),
            "rules": asdict(self.rules),
            "family_size": self.family_size,
            "family_tested": self.family_tested,
            "trials": [trial.to_json() for trial in self.trials],
            "skipped": [asdict(item) for item in self.skipped],
            **({"portfolio": self.portfolio.to_json()} if self.portfolio is not None else {}),
        }

    def report(self, path: str | Path) -> Path:
        """Write the self-contained HTML report; the old file stays until the new one is whole."""
        from research.report.html import write_report

        return write_report(self, Path(path))


@one_thread()
def compare(
    strategies: Iterable[Strategy | str],
    data: Data | None = None,
    *,
    metals: Iterable[str] | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    start: str | None = None,
    end: str | None = None,
    price: str | None = None,
    execution: Execution | None = None,
    rules: Rules | None = None,
    progress: Progress | None = None,
    ledger: Recorder | None = LEDGER,
) -> Study:
    """Judge strategies as one family.

    Parameters
    ----------
    strategies
        Strategies, or names or files of them.
    metals
        Metals to trade; by default each strategy's own.
    parameters
        Strategy name -> parameters other than the defaults.
    start, end
        First and last bar, ``YYYY`` or ``YYYY-MM-DD``.
    price
        Which price to trade, by name; by default the data's own choice (:func:`~research.datasets.data.open_data`).
    progress
        Called with ``(done, total, what)``.
    ledger
        Where the trials are counted and written down: by default the user's own. ``None`` does neither, and the
        result says so.

    Raises
    ------
    AssayError
        If no strategy could be run: the reason of the first. Otherwise a strategy without data for a
        metal is listed in ``Study.skipped``.
    """
    data = (data or open_data()).priced(price)
    execution, rules = (execution or Execution()).without(data.price.in_price), rules or Rules()
    chosen = [find_strategy(item) if isinstance(item, str) else item for item in strategies]
    wanted = None if metals is None else list(dict.fromkeys(metals))
    for metal in wanted or []:
        data.market(metal, start, end)
    pairs = [(item, metal) for item in chosen for metal in item.metals if wanted is None or metal in wanted]
    if not pairs:
        names = ", ".join(item.name for item in chosen)
        raise StrategyError(f"{names}: claims nothing about {', '.join(wanted or [])}; see assay strategies")
    tell = progress or (lambda done, total, what: None)
    steps = 2 * len(pairs) + 1
    candidates: list[Candidate] = []
    skipped: list[Skipped] = []
    first_error: AssayError | None = None
    for step, (item, metal) in enumerate(pairs):
        tell(step, steps, f"backtest {item.name} on {metal}")
        try:
            given = (parameters or {}).get(item.name)
            candidates.append(candidate(item, data, metal, given, execution, start=start, end=end))
        except (NoData, UnknownDataset, NoDecision) as error:
            first_error = first_error or error
            skipped.append(Skipped(strategy=item.name, metal=metal, reason=str(error)))
    if not candidates:
        assert first_error is not None
        raise first_error
    count = count_trials(candidates, ledger, start, end)
    trials, size, tested = _judge(candidates, execution, rules, count, tell, steps)
    used = {identity: data[identity] for item in candidates for identity in item.inputs.values()}
    used |= {identity: dataset for item in candidates for identity, dataset in item.market.datasets.items()}
    manifest = _manifest(chosen, data, used, start, end)
    problem = record(candidates, trials, ledger, execution, manifest)
    manifest["trials"] = replace(count, status=problem or count.status).to_json()
    return Study(
        trials=tuple(trials),
        skipped=tuple(skipped),
        execution=execution,
        rules=rules,
        family_size=size,
        family_tested=tested,
        datasets=dict(sorted(used.items())),
        manifest=manifest,
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
    ledger: Recorder | None = LEDGER,
    **parameters: Any,
) -> Trial:
    """Judge one strategy on one metal: by default the first that it claims.

    Raises
    ------
    AssayError
        As :func:`compare`; also for an unknown parameter.
    """
    chosen = find_strategy(strategy) if isinstance(strategy, str) else strategy
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
    )
    return study.trials[0]


def _judge(
    candidates: list[Candidate], execution: Execution, rules: Rules, count: Count, tell: Progress, steps: int
) -> tuple[list[Trial], int, int]:
    tell(len(candidates), steps, "the family of all declared trials")
    family = family_returns(candidates, execution)
    findings = adjusted_alphas(candidates, family, rules)
    tested = sum(finding.p_value is not None for finding in findings.values())
    sharpes = family.net.mean() / family.net.std()
    trials = []
    for step, item in enumerate(candidates):
        tell(len(candidates) + 1 + step, steps, f"judge {item.strategy.name} on {item.metal}")
        evidence, found = weigh(item, widened(findings[item.label], count, tested), execution, rules)
        events = evidence.independent_events
        variance = float(sharpes.var(ddof=1)) if len(sharpes) > 1 else 0.0
        trials.append(
            Trial(
                strategy=item.strategy,
                metal=item.metal,
                parameters=item.parameters,
                accounts=item.accounts,
                findings={name: silenced(finding, events, rules) for name, finding in found.items()},
                verdict=decide(evidence, rules),
                events=events,
                robustness=evidence.robustness,
                inputs=item.inputs,
                grid=grid_points(item, family),
                signals=item.signals,
                ask_further=partial(further_findings, item, execution, rules, count.total, variance),
            )
        )
    return trials, family.net.shape[1], tested


def _manifest(
    strategies: list[Strategy], data: Data, used: Mapping[str, Dataset], start: str | None, end: str | None
) -> dict[str, Any]:
    coverage = {identity: data.coverage(identity) for identity in sorted(used)}
    return {
        **versions(),
        "seed": SEED,
        "price": data.price.name,
        "price_line": data.price_line,
        "start": start,
        "end": end,
        "strategies": {item.name: item.source_hash for item in strategies},
        "data": {identity: dataset.sha256 for identity, dataset in sorted(used.items())},
        "coverage": {
            identity: [f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"] for identity, (first, last, _) in coverage.items()
        },
    }
