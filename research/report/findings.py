"""The findings as a Markdown page: every verdict with its effect, its interval and what could have been found.

Nothing is computed here, and no sentence says more than a number beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from research.report.columns import CLAIM_COLUMNS, ROW_COLUMNS, Column
from research.report.portfolio import HEADINGS, account_rows, portfolio_lines
from research.report.study_words import by_metal, counted_words, study_lines
from research.report.words import p_value, signed_percent

if TYPE_CHECKING:
    from research.claims import Entry
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
    thesis: Study,
    baselines: Study | None,
    entries: Iterable[Entry],
    breaks: Sequence[BetaBreak],
    limits: Sequence[str],
) -> str:
    """One Markdown document: verdicts first, then the portfolio, what cannot be tested, the limits, and the terms."""
    parts = [
        "# Findings",
        f"**{counted_words(thesis)}.** {len(thesis.skipped)} rows could not be run.",
        "Printed by `assay claims --findings`. Derived statistics only: the prices behind them are their vendors'.",
        "## Every claim",
        _table("Claim", [(claim.id, claim) for claim in thesis.claims.values()], CLAIM_COLUMNS),
        "\n".join(f"- **{claim.id}** {claim.sentence}" for claim in thesis.claims.values()),
        _reading(CLAIM_COLUMNS),
        "## Every row",
        _tables(thesis),
        _reading(ROW_COLUMNS),
        *(part for word, title in _SECTIONS for part in _section(thesis, word, title)),
    ]
    if thesis.portfolio is not None:
        parts += ["## Gold, silver and foreign money as one portfolio (C20)", *_portfolio(thesis.portfolio)]
    if breaks:
        parts += ["## Did the link to real yields break? (C17)", _breaks(breaks)]
    if baselines is not None:
        parts += ["## The sceptic's baselines", "No part of the thesis, and a family of their own.", _tables(baselines)]
    parts += ["## Not run", "\n".join(f"- `{s.strategy}`, {s.metal}: {s.reason}" for s in thesis.skipped) or "Nothing."]
    untested = [entry.claim for entry in entries if not entry.claim.testable]
    parts += ["## Claims that cannot be tested", "\n".join(f"- {c.number}, {c.claim} {c.why_not}" for c in untested)]
    parts += ["## What the data cannot say", "\n".join(f"- {limit}" for limit in limits)]
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
    """Log return for a rise of the real yield by one point, before and after the likeliest break."""
    head = "| Metal | Months | Break after | Beta before | Beta after | sup F | 5 % critical | p |"
    rows = [
        f"| {b.metal.capitalize()} | {b.first:%Y-%m} to {b.last:%Y-%m} | {b.last_before:%Y-%m} "
        f"| {signed_percent(b.beta_before)} | {signed_percent(b.beta_after)} | {b.finding.statistic:.1f} "
        f"| {b.finding.details['critical_value']:.1f} | {p_value(b.finding.p_value)} |"
        for b in breaks
    ]
    told = "Beta: the metal's change in a month in which the 10-year real yield rises by one point."
    return "\n".join([told, "", head, "|---|---|---|--:|--:|--:|--:|--:|", *rows])
