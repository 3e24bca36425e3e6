"""How values show themselves in a notebook cell: the answer first, then one table and one chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.report import charts
from research.report.columns import p_adjusted, p_shifted
from research.report.markup import Markup, join, tag
from research.report.study_words import ACCOUNTS, since_words, study_lines
from research.report.style import in_notebook
from research.report.svg import figure
from research.report.tables import claim_table, table, verdict_table, word
from research.report.words import interval, number, percent, signed_percent

if TYPE_CHECKING:
    from research.datasets.data import Data
    from research.study import Study, TestedClaim, Trial
    from research.thesis import Strategy


def trial_html(trial: Trial) -> str:
    """Verdict and why, what each account did, and the equity chart with the position under it."""
    parameters = ", ".join(f"{name} = {value}" for name, value in trial.parameters.items())
    return in_notebook(
        join(
            tag("p", word(trial), ". ", trial.verdict.reason, class_="verdict"),
            _account_table(trial),
            figure(charts.equity(trial)),
            tag(
                "p",
                f"{parameters or 'No parameters'}; {trial.result.execution.describe()}. {trial.result.ruin}",
                class_="caption",
            ),
        )
    )


def study_html(study: Study) -> str:
    """The verdict table, its picture, and the reason of each verdict."""
    reasons = (
        tag("li", tag("strong", f"{claim.id}: "), word(claim), f". {claim.verdict.reason}")
        for claim in study.claims.values()
    )
    skipped = (tag("li", f"{item.strategy}, {item.metal}: not run: {item.reason}") for item in study.skipped)
    return in_notebook(
        join(
            claim_table(study.claims.values()),
            verdict_table(study.trials),
            figure(charts.verdicts(study)),
            tag("ul", *reasons, *skipped),
            tag("p", ". ".join(study_lines(study)) + ".", class_="caption"),
        )
    )


def claim_html(claim: TestedClaim) -> str:
    """The sentence, its verdict and why, and the figures behind it."""
    return in_notebook(
        join(
            tag("p", f"{claim.id}: {claim.sentence}"),
            tag("p", word(claim), ". ", claim.verdict.reason, class_="verdict"),
            claim_table([claim]),
            tag("p", f"Refuted by: {claim.falsifier} {claim.rests_on} {since_words(claim)}", class_="caption"),
        )
    )


def strategy_html(strategy: Strategy) -> str:
    """What is claimed, what would refute it, what it reads and what was tried."""
    grid = "; ".join(f"{name}: {', '.join(map(str, values))}" for name, values in strategy.grid.items())
    points = len(strategy.variants())
    rows = [
        ("claim", strategy.claim),
        ("following it", "pays, it is said" if strategy.expected_sign > 0 else "costs, it is said"),
        ("refuted by", strategy.falsifier),
        ("metals", ", ".join(strategy.metals)),
        ("reads", ", ".join(f"{alias} = {identity}" for alias, identity in strategy.inputs.items())),
        ("grid", f"{grid or 'none'} ({points} a metal)"),
    ]
    return in_notebook(table(strategy.name, ("", "What is declared"), rows, "ht"))


def data_html(data: Data) -> str:
    """Which price is traded and why, and every dataset with its span."""
    rows = []
    for identity in data:
        first, last, n_rows = data.coverage(identity)
        span = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
        dataset = data[identity]
        rows.append((identity, dataset.title, dataset.unit, span, str(n_rows), dataset.release_words))
    headings = ("Dataset", "What it is", "Unit", "Span", "Rows", "Known")
    return in_notebook(join(tag("p", data.price_line), table("Datasets", headings, rows, "httlrt")))


def _account_table(trial: Trial) -> Markup:
    rows = [
        (
            ACCOUNTS[name],
            percent(row.cagr),
            percent(row.volatility),
            number(row.sharpe),
            percent(row.max_drawdown),
            percent(row.exposure, 0),
        )
        for name, row in trial.performance.items()
    ]
    evidence = trial.evidence
    told = f"{trial.name} on {trial.metal}: timing return {signed_percent(evidence.timing_return.value)} a year"
    if trial.shows_p_values:
        span = interval(evidence.timing_return.interval())
        told += f" ({span}), p adjusted {p_adjusted(trial)}, p shifted {p_shifted(trial)}"
    else:
        told += f", {evidence.events} independent events"
    headings = ("Account", "CAGR", "Volatility", "Sharpe", "Drawdown", "Exposure")
    return table(told, headings, rows, "hrrrrr")
