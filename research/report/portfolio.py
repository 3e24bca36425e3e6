"""The thesis as one portfolio, in words and rows for every display. Nothing is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.report.markup import join, tag
from research.report.page import Section
from research.report.study_words import ACCOUNT_HEADINGS, ACCOUNTS, account_cells
from research.report.tables import performance_table
from research.report.words import interval, number, p_value, percent, signed_percent

if TYPE_CHECKING:
    from research.study import PortfolioTrial

HEADINGS = ("Account", *ACCOUNT_HEADINGS)


def account_rows(trial: PortfolioTrial) -> list[tuple[str, ...]]:
    """What the account and its benchmarks did, in the columns of `HEADINGS`."""
    return [
        ("thesis" if name == "strategy" else ACCOUNTS[name], *account_cells(row))
        for name, row in trial.performance.items()
    ]


def portfolio_lines(trial: PortfolioTrial) -> list[str]:
    """What is held by which signals, the test of its timing, and what is missing, one line each."""
    evidence, sharpe = trial.evidence, trial.over_the_metals
    judged = evidence.shows_p_values(trial.verdict.rules)
    lines = [
        f"{_words(leg)}, timed by {trial.strategies[str(leg)]}: {percent(row['weight'])} of the account on average; "
        f"{signed_percent(row['earned'], 2)} a year over bills"
        for leg, row in trial.legs.iterrows()
    ]
    span = f", 95 % interval {interval(evidence.timing_return.interval(), 2)}" if judged else ""
    lines.append(
        f"timing return over all legs: {signed_percent(evidence.timing_return.value, 2)} a year{span}; "
        f"detectable: an information ratio of {number(evidence.detectable)}"
    )
    if judged:
        lines.append(
            f"Sharpe ratio less that of the metals held: {number(sharpe.estimate)}, p {p_value(sharpe.p_value)} "
            "(two-sided, for this comparison alone)"
        )
    lines += [f"{_words(leg)} is not held: {reason}" for leg, reason in trial.missing.items()]
    return lines


def portfolio_section(trial: PortfolioTrial) -> Section:
    """The section of the HTML report."""
    return Section(
        title="The thesis as one portfolio",
        short="One portfolio",
        id="portfolio",
        body=join(
            tag("p", str(trial.verdict), class_="verdict"),
            performance_table(trial, "the portfolio"),
            tag("ul", *(tag("li", line) for line in portfolio_lines(trial))),
        ),
    )


def _words(leg: object) -> str:
    return str(leg).replace("_", " ")
