"""How values show themselves in a notebook cell: the answer first, then one table and one chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.report.columns import p_adjusted, p_shifted
from research.report.study_words import account_rows
from research.report.template import in_notebook
from research.report.words import interval, signed_percent

if TYPE_CHECKING:
    from research.datasets.data import Data
    from research.study import Study, TestedClaim, Trial
    from research.thesis import Strategy


def trial_html(trial: Trial) -> str:
    """Verdict and why, what each account did, and the equity chart with the position under it."""
    timing = trial.evidence.timing_return
    told = f"{trial.name} on {trial.metal}: timing return {signed_percent(timing.value)} a year"
    if trial.shows_p_values:
        told += f" ({interval(timing.interval())}), p adjusted {p_adjusted(trial)}, p shifted {p_shifted(trial)}"
    else:
        told += f", {trial.evidence.events} independent events"
    return in_notebook("trial", trial, told, [(name, *cells[:5]) for name, cells in account_rows(trial)])


def study_html(study: Study) -> str:
    """The verdict table, its picture, and the reason of each verdict."""
    return in_notebook("study", study)


def claim_html(claim: TestedClaim) -> str:
    """The sentence, its verdict and why, and the figures behind it."""
    return in_notebook("claim", claim)


def strategy_html(strategy: Strategy) -> str:
    """What is claimed, what would refute it, what it reads and what was tried."""
    grid = "; ".join(f"{name}: {', '.join(map(str, values))}" for name, values in strategy.grid.items())
    rows = [
        ("claim", strategy.claim),
        ("following it", "pays, it is said" if strategy.expected_sign > 0 else "costs, it is said"),
        ("refuted by", strategy.falsifier),
        ("metals", ", ".join(strategy.metals)),
        ("reads", ", ".join(f"{alias} = {identity}" for alias, identity in strategy.inputs.items())),
        ("grid", f"{grid or 'none'} ({len(strategy.variants())} a metal)"),
    ]
    return in_notebook("strategy", strategy, rows)


def data_html(data: Data) -> str:
    """Which price is traded and why, and every dataset with its span."""
    rows = []
    for identity in data:
        first, last, n_rows = data.coverage(identity)
        dataset, span = data[identity], f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
        rows.append((identity, dataset.title, dataset.unit, span, str(n_rows), dataset.release_words))
    return in_notebook("data", data, rows)
