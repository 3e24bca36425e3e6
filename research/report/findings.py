"""The findings as a Markdown page: every verdict with its effect, its interval and what could have been found.

Nothing is computed here, and no sentence says more than a number beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from research.report.columns import CLAIM_COLUMNS, ROW_COLUMNS, Column
from research.report.portfolio import HEADINGS, account_rows, portfolio_lines
from research.report.study_words import by_metal, counted_words, day_words, not_run, since_words, study_lines
from research.report.words import p_value, signed_percent

if TYPE_CHECKING:
    from research.claims import BreakPlan
    from research.report.columns import Answered
    from research.study import PortfolioTrial, Study
    from research.study.beta_break import BetaBreak

_SECTIONS = (
    ("supported", "What survived"),
    ("contradicted", "What the data contradict"),
    ("ruled out", "What is ruled out"),
    ("undecidable", "What nobody can know yet"),
)


def findings_page(
    thesis: Study, baselines: Study | None, breaks: Sequence[tuple[BreakPlan, Sequence[BetaBreak]]]
) -> str:
    """One Markdown document: the claims first, then rows, portfolio, what cannot be tested, limits, and terms."""
    said = thesis.thesis
    parts = [
        "# Findings",
        f"**{counted_words(thesis)}.** {len(thesis.skipped)} rows could not be run.",
        "Printed by `assay claims --findings`. Derived statistics only: the prices behind them are their vendors'.",
        "## Every claim",
        _table("Claim", [(f"{claim.id} {claim.short}", claim) for claim in thesis.claims.values()], CLAIM_COLUMNS),
        _reading(CLAIM_COLUMNS),
        *(part for word, title in _SECTIONS for part in _section(thesis, word, title)),
        f"## Before and after {day_words(said.published)}",
        "What came after the publication is the only part of the record that did not suggest the claims; it is a "
        "description, on which no word rests.",
        "\n".join(f"- {claim.id}: {since_words(claim)}" for claim in thesis.claims.values() if claim.published),
        "## Every row",
        _tables(thesis),
        _reading(ROW_COLUMNS),
    ]
    rests = [f"- {claim.id}: {claim.rests_on}" for claim in thesis.claims.values() if claim.rests_on]
    if rests:
        parts += ["## Which measure a verdict rests on", "\n".join(rests)]
    if thesis.portfolio is not None and said.portfolio is not None:
        parts += [f"## {said.portfolio.title} ({said.portfolio.sentence})", *_portfolio(thesis.portfolio)]
    for plan, found in breaks:
        if found:
            parts += [f"## {plan.title} ({plan.claim})", _breaks(found)]
    if baselines is not None:
        parts += ["## The sceptic's baselines", "No part of the thesis, and a family of their own.", _tables(baselines)]
    gaps = [f"- {', '.join(f'`{name}`' for name in names)}: {why}" for why, names in not_run(thesis.skipped).items()]
    parts += ["## Not run", "\n".join(gaps) or "Nothing."]
    untested = [claim for claim in said.claims if not claim.testable]
    parts += ["## Claims that cannot be tested", "\n".join(f"- {c.number}, {c.claim} {c.why_not}" for c in untested)]
    parts += ["## What the data cannot say", "\n".join(f"- {limit}" for limit in said.limits)]
    parts += ["## Terms and data", "\n".join(f"- {line}" for line in study_lines(thesis))]
    return "\n\n".join(parts) + "\n"


def _section(study: Study, word: str, title: str) -> list[str]:
    found = [claim for claim in study.claims.values() if claim.verdict.word == word]
    return [f"## {title}", "\n".join(f"- {claim.id}: {claim.verdict.reason}" for claim in found) or "Nothing."]


def _portfolio(trial: PortfolioTrial) -> list[str]:
    """Verdict, accounts, legs."""
    head = f"| {' | '.join(HEADINGS)} |"
    rule = "|---|" + "--:|" * (len(HEADINGS) - 1)
    rows = [f"| {' | '.join(row)} |" for row in account_rows(trial)]
    span = f"{trial.result.first_fill:%Y-%m} to {trial.result.equity.index[-1]:%Y-%m}"
    return [
        f"**{str(trial.verdict.word).capitalize()}.** {trial.verdict.reason}",
        f"One account, {span}, {trial.evidence.events} events. Each leg has the size that gives it the same "
        "risk as the others by the three years before, times the share that its signals want; the rest is in bills.",
        "\n".join([head, rule, *rows]),
        "\n".join(f"- {line[0].upper()}{line[1:]}." for line in portfolio_lines(trial)),
    ]


def _tables(study: Study) -> str:
    return "\n\n".join(
        _table(metal.capitalize(), [(f"`{trial.name}`", trial) for trial in trials], ROW_COLUMNS)
        for metal, trials in by_metal(study).items()
    )


def _table(title: str, rows: Sequence[tuple[str, Answered]], columns: Sequence[Column]) -> str:
    head = f"| {' | '.join([title, *(column.heading for column in columns)])} |"
    rule = "|---|" + "".join("--:|" if column.align == "r" else "---|" for column in columns)
    body = [f"| {' | '.join([name, *(column.cell(judged) for column in columns)])} |" for name, judged in rows]
    return "\n".join([head, rule, *body])


def _reading(columns: Sequence[Column]) -> str:
    return "\n".join(f"- *{column.heading}*: {column.meaning}." for column in columns)


def _breaks(breaks: Sequence[BetaBreak]) -> str:
    """Log return for a rise of the driver by one of its units, before and after the likeliest break."""
    head = "| Metal | Months | Break after | Beta before | Beta after | sup F | 5 % critical | p |"
    rows = [
        f"| {b.metal.capitalize()} | {b.first:%Y-%m} to {b.last:%Y-%m} | {b.last_before:%Y-%m} "
        f"| {signed_percent(b.beta_before)} | {signed_percent(b.beta_after)} | {b.finding.statistic:.1f} "
        f"| {b.finding.details['critical_value']:.1f} | {p_value(b.finding.p_value)} |"
        for b in breaks
    ]
    told = "Beta: the metal's change in a month in which the driver rises by one of its units."
    return "\n".join([told, "", head, "|---|---|---|--:|--:|--:|--:|--:|", *rows])
