"""How many trials there were: the declared family, and whatever else was tried on the same prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from research.datasets.data import Data
from research.diagnostics.finding import Finding
from research.execution import Execution
from research.ledger import Entry
from research.study.family import Candidate, label
from research.study.trial import Trial
from research.study.versions import versions
from research.thesis import Strategy

NOT_RECORDED = "not recorded (--no-ledger)"


class Recorder(Protocol):
    """What a study needs of a ledger."""

    def tried(self, prices: Sequence[str]) -> tuple[frozenset[str], str]:
        """Labels tried on these prices, and a problem in words."""

    def record(self, entries: Iterable[Entry]) -> str:
        """Write trials down; return a problem in words."""


@dataclass(frozen=True, kw_only=True)
class Count:
    """Number of trials that the statistics account for.

    Attributes
    ----------
    declared
        Strategies x metals x declared grid, in this study.
    before
        Further ones that the ledger holds for the same prices.
    status
        ``"recorded"``, ``"not recorded (--no-ledger)"``, or why the ledger failed.
    """

    declared: int
    before: int
    status: str

    @property
    def total(self) -> int:
        """All distinct trials: declared here or recorded earlier."""
        return self.declared + self.before

    def to_json(self) -> dict[str, Any]:
        """Plain values only."""
        return {"declared": self.declared, "recorded_before": self.before, "counted": self.total, "status": self.status}


def count_trials(candidates: Sequence[Candidate], ledger: Recorder | None, start: str | None, end: str | None) -> Count:
    """Union of the declared grids and of what the ledger holds for the same prices."""
    here = {_dated(name, start, end) for item in candidates for name in (item.label, *item.variants)}
    if ledger is None:
        return Count(declared=len(here), before=0, status=NOT_RECORDED)
    tried, problem = ledger.tried(sorted({_prices(item) for item in candidates}))
    return Count(declared=len(here), before=len(tried - here), status=problem or "recorded")


def widened(finding: Finding, count: Count, n_tested: int) -> Finding:
    """A family-wise p-value that also pays for the trials recorded before.

    ``1 - (1 - p)^((n + m) / n)`` for ``n`` trials tested here and ``m`` recorded before (Sidak 1967): every further
    ``n`` trials are taken as one more family like this one.
    """
    if count.before == 0 or finding.p_value is None:
        return finding
    p = 1 - (1 - finding.p_value) ** ((n_tested + count.before) / n_tested)
    return replace(
        finding,
        p_value=min(1.0, p),
        method=f"{finding.method}; widened for {count.before} trials recorded before on the same prices (Sidak 1967)",
        sentence=f"{finding.sentence} With the {count.before} other trials recorded on the same prices, p = {p:.3f}.",
        details={**finding.details, "declared_trials": count.declared, "counted_trials": count.total},
    )


def record(
    candidates: Sequence[Candidate],
    trials: Sequence[Trial],
    ledger: Recorder | None,
    execution: Execution,
    manifest: Mapping[str, Any],
) -> str:
    """Write a study's trials down, the chosen with their main numbers; return a problem in words."""
    if ledger is None:
        return ""
    start, end = manifest["start"], manifest["end"]
    entries = []
    for item, trial in zip(candidates, trials, strict=True):
        used = {**dict.fromkeys(item.inputs.values()), **dict.fromkeys(item.market.datasets)}
        common: dict[str, Any] = {
            "strategy": item.strategy.name,
            "source": item.strategy.source_hash,
            "metal": item.metal,
            "prices": _prices(item),
            "data": {identity: manifest["data"][identity] for identity in sorted(used)},
            "execution": {**asdict(execution), "start": start, "end": end},
            "versions": {"assay": manifest["assay"], "python": manifest["python"], **manifest["versions"]},
        }
        entries.append(
            Entry(
                kind="chosen",
                parameters=item.parameters,
                label=_dated(item.label, start, end),
                numbers=_numbers(trial),
                **common,
            )
        )
        for values in item.strategy.variants():
            name = label(item.strategy.name, item.metal, values)
            if name in item.variants:
                entries.append(Entry(kind="grid", parameters=values, label=_dated(name, start, end), **common))
    return ledger.record(entries)


def record_grid(
    strategy: Strategy,
    metal: str,
    variants: Iterable[Mapping[str, Any]],
    ledger: Recorder | None,
    data: Data,
    *,
    execution: Execution,
    start: str | None = None,
    end: str | None = None,
) -> str:
    """Write down every variant that a sweep tried; return a problem in words."""
    if ledger is None:
        return ""
    inputs, known = strategy.inputs_for(metal, data).values(), versions()
    common: dict[str, Any] = {
        "kind": "grid",
        "strategy": strategy.name,
        "source": strategy.source_hash,
        "metal": metal,
        "prices": data[f"{metal}_price"].sha256,
        "data": {identity: data[identity].sha256 for identity in sorted({*inputs, f"{metal}_price", "bill_rate"})},
        "execution": {**asdict(execution), "start": start, "end": end},
        "versions": {"assay": known["assay"], "python": known["python"], **known["versions"]},
    }
    entries = (
        Entry(parameters=values, label=_dated(label(strategy.name, metal, values), start, end), **common)
        for values in map(strategy.parameters, variants)
    )
    return ledger.record(entries)


def _numbers(trial: Trial) -> dict[str, Any]:
    row = trial.performance["strategy"]
    alpha, family = trial.findings["timing_alpha"], trial.findings["step_down"]
    return {
        "verdict": str(trial.verdict.word),
        "alpha": alpha.estimate,
        "p_family": family.p_value,
        "cagr": row.cagr,
        "sharpe": row.sharpe,
        "first_fill": f"{trial.result.first_fill:%Y-%m-%d}",
        "last_bar": f"{trial.equity.index[-1]:%Y-%m-%d}",
    }


def _prices(item: Candidate) -> str:
    return next(dataset.sha256 for dataset in item.market.datasets.values() if dataset.price)


def _dated(name: str, start: str | None, end: str | None) -> str:
    """The same rule over another period is another trial."""
    return name if start is None and end is None else f"{name}@{start or ''}:{end or ''}"
