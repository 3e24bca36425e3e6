"""The thesis as one portfolio, in words for every display. Nothing is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.report.words import interval, number, p_value, percent, signed_percent

if TYPE_CHECKING:
    from research.study import PortfolioTrial


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


def _words(leg: object) -> str:
    return str(leg).replace("_", " ")
