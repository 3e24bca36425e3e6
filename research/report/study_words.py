"""What every display says about a study, in the same words: its terms, its notes and its counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from research.report.words import interval, number, p_value, percent, signed_percent

if TYPE_CHECKING:
    from research.diagnostics.finding import Finding
    from research.diagnostics.metrics import Performance
    from research.report.columns import Column
    from research.study import PortfolioTrial, Study, TestedClaim, Trial
    from research.study.claims import Part
    from research.study.study import Skipped

WORDS = ("supported", "contradicted", "ruled out", "undecidable")
ACCOUNTS = {
    "strategy": "strategy",
    "buy_and_hold": "buy and hold",
    "metals_held": "metals held in equal parts",
    "matched_exposure": "matched exposure",
    "equal_risk": "equal risk, no signal",
    "bills": "bills",
}
ACCOUNT_HEADINGS = ("CAGR", "Volatility", "Sharpe", "Drawdown", "Exposure", "Turnover", "Costs")
PERFORMANCE_NOTE = (
    "Sharpe over bills; drawdown: the deepest; turnover and costs a year, as a multiple and a share of the account."
)
ACCOUNTS_NOTE = (
    "Weight: the average share of metal. Matched exposure: that average share of metal, and bills, held all the time."
)


def note(columns: Iterable[Column]) -> str:
    """What the columns of a table are."""
    told = dict.fromkeys((column.heading, column.meaning) for column in columns if column.heading != "Verdict")
    return " ".join(f"{heading}: {meaning}." for heading, meaning in told)


def account_cells(row: Performance) -> tuple[str, ...]:
    """What one account did, in the columns of `ACCOUNT_HEADINGS`."""
    return (
        percent(row.cagr),
        percent(row.volatility),
        number(row.sharpe),
        percent(row.max_drawdown),
        percent(row.exposure, 0),
        f"{row.turnover:.2f}",
        percent(row.costs, 2),
    )


def account_rows(trial: Trial | PortfolioTrial, own: str = "strategy") -> list[tuple[str, tuple[str, ...]]]:
    """What the account and its benchmarks did, each under its name, the account itself under its ``own``."""
    names = {**ACCOUNTS, "strategy": own}
    return [(names[name], account_cells(row)) for name, row in trial.performance.items()]


def every_finding(trial: Trial) -> dict[str, Finding]:
    """Those that decide, then the others, by name."""
    return {**trial.findings, **trial.appendix}


def parameter_words(parameters: Mapping[str, object]) -> str:
    """``threshold = 2.0, hold_days = 90``."""
    return ", ".join(f"{name} = {value}" for name, value in parameters.items())


def head_lines(study: Study) -> list[str]:
    """What stands over every table: which price is traded, and which config file was used, if one was."""
    return [line for key in ("config", "price_line") if (line := study.manifest.get(key))]


def study_lines(study: Study) -> list[str]:
    """Period, data, prices, costs and conventions, one line each."""
    lines = [*head_lines(study), *(f"look at {line}" for line in study.manifest["quality"])]
    for metal, trials in by_metal(study).items():
        result = trials[0].result
        first = min(trial.result.first_fill for trial in trials)
        price = study.datasets[f"{metal}_price"]
        kind = "period averages: volatility is understated (variance x 2/3)" if result.averaged else "closes"
        lines.append(
            f"{metal}: {first:%Y-%m} to {result.equity.index[-1]:%Y-%m} ({price.publisher}; {kind}; "
            f"{result.periods_per_year} periods a year)"
        )
    lines += [f"{trial.name} on {trial.metal} {trial.result.ruin}" for trial in study.trials if trial.result.ruin]
    if study.portfolio is not None and study.portfolio.result.ruin:
        lines.append(f"the portfolio {study.portfolio.result.ruin}")
    lines.append(_signals(study))
    lines.append(f"terms: {study.execution.describe()}; cash earns the 3-month bill")
    lines.append(family_line(study))
    lines += [f"dates: {name}: {told}" for name, told in study.manifest.get("dated", {}).items()]
    counted = study.manifest["trials"]
    lines.append(
        f"trials: {counted['counted']} counted ({counted['declared']} declared here, {counted['recorded_before']} more "
        f"in the ledger for the same prices); this run: {counted['status']}"
    )
    return lines


def family_line(study: Study) -> str:
    """Over how many claims p is adjusted, and which p decides."""
    evidence = [claim.evidence for claim in study.claims.values()]
    size = max(item.family_size for item in evidence)
    line = (
        f"family: {plural(size, 'claim')} with {study.rules.min_events} events or more, whatever was asked for; "
        f"p adjusted over those; level {100 * study.rules.level:.3g} %"
    )
    if any(item.decided_by == "p_with_record" for item in evidence):
        recorded = max(item.n_recorded for item in evidence)
        line += f"; for a strategy of one's own over {recorded} recorded trials on these prices too"
    return line


def _signals(study: Study) -> str:
    """Up to when each signal is known; of many, which end first."""
    coverage = study.manifest["coverage"]
    ends = {identity: coverage[identity][1][:7] for trial in study.trials for identity in trial.inputs.values()}
    told = [f"{identity} to {end}" for identity, end in sorted(ends.items(), key=lambda item: (item[1], item[0]))]
    if len(told) <= 4:
        return f"signals: {', '.join(told)}"
    return f"signals: {len(told)} datasets, the first to end {', '.join(told[:3])}; assay data lists them"


def by_metal(study: Study) -> dict[str, list[Trial]]:
    """Trials of each metal, in the study's order."""
    metals = dict.fromkeys(trial.metal for trial in study.trials)
    return {metal: [trial for trial in study.trials if trial.metal == metal] for metal in metals}


def counted_words(study: Study) -> str:
    """``11 claims: 0 supported, 0 contradicted, 5 ruled out, 6 undecidable``."""
    counted = Counter(str(claim.verdict.word) for claim in study.claims.values())
    claims = "1 claim" if len(study.claims) == 1 else f"{len(study.claims)} claims"
    return f"{claims}: {', '.join(f'{counted[word]} {word}' for word in WORDS)}"


def nearest(study: Study) -> Trial:
    """The row with most events, of the claim with the smallest deciding p; where there is none, of all rows."""
    told = [claim for claim in study.claims.values() if claim.evidence.shows_p_values(study.rules)]
    best = min(told, key=lambda claim: claim.evidence.deciding.supporting, default=None)
    rows = [trial for trial in study.trials if best is None or trial.claim == best.id]
    return max(rows, key=lambda trial: trial.evidence.events)


def study_short(study: Study) -> str:
    """The one claim and its word; of many, how many have which."""
    claims = list(study.claims.values())
    return (
        f"{counted_words(study)}." if len(claims) > 1 else f"{claims[0].short.rstrip('.')}: {claims[0].verdict.word}."
    )


def study_why(study: Study) -> str:
    """The reason of the one claim; of many, how many lack events, and how near the nearest came."""
    claims = list(study.claims.values())
    if len(claims) == 1:
        return claims[0].verdict.reason
    told = [claim for claim in claims if claim.evidence.shows_p_values(study.rules)]
    line = f"{len(claims) - len(told)} of {len(claims)} have fewer than {study.rules.min_events} independent events"
    if told:
        best = min(told, key=lambda claim: claim.evidence.deciding.supporting)
        p = p_value(best.evidence.deciding.supporting)
        line += f"; of the others the smallest p adjusted is {p} ({best.id}), and {study.rules.level:g} is needed"
    return f"{line}."


def not_run(skipped: Iterable[Skipped]) -> dict[str, list[str]]:
    """Reason -> what it kept from running, ``name (metal, metal)``."""
    kept: dict[str, dict[str, list[str]]] = {}
    for item in skipped:
        kept.setdefault(item.reason, {}).setdefault(item.strategy, []).append(item.metal)
    return {
        reason: [f"{name} ({', '.join(metals)})" for name, metals in names.items()] for reason, names in kept.items()
    }


def since_words(claim: TestedClaim) -> str:
    """What came before the thesis was published and what after; nothing of a claim of no thesis."""
    if claim.published is None:
        return ""
    before, after = claim.since(claim.published)
    return (
        f"Before the publication of {day_words(claim.published)}: {_part_words(claim, before)}; "
        f"after it, which alone did not suggest the claim: {_part_words(claim, after)}."
    )


def plural(number: int, noun: str) -> str:
    """``1 event``, ``2 events``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def day_words(day: date) -> str:
    """``12 December 2025``."""
    return f"{day.day} {day:%B %Y}"


def _part_words(claim: TestedClaim, part: Part) -> str:
    if not part.periods:
        return "no period in which the number was known"
    events, periods = plural(part.events, "event"), plural(part.periods, "period")
    told = f"{events} in {periods} to {part.last:%Y-%m}"
    value = part.timing_return.value
    if value == value and part.years < 1:
        told += f", timing return {signed_percent(value * part.years)} in all"
    elif value == value:
        told += f", timing return {signed_percent(value)} a year"
    if not part.shows_interval(claim.verdict.rules):
        return f"{told}, too little for an interval"
    return f"{told}, 95 % interval {interval(part.timing_return.interval())}"


def a_few(names: Sequence[str], most: int = 4) -> str:
    """All names, or the first of many and how many more."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
