"""The findings as a Markdown page: every verdict with its effect, its interval and what could have been found.

Nothing is computed here, and no sentence says more than a number beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from research.report.portfolio import HEADINGS, account_rows, portfolio_lines
from research.report.study_words import study_lines
from research.report.words import DASH, interval, p_value, percent, signed_percent

if TYPE_CHECKING:
    from research.claims import Entry
    from research.study import PortfolioTrial, Study, Trial
    from research.study.beta_break import BetaBreak

_SECTIONS = (
    ("supported", "What survived"),
    ("contradicted", "What the data contradict"),
    ("not supported", "What did not survive"),
    ("undecidable", "What nobody can know yet"),
)
_READING = (
    ("Claims", "what is tested, and the sign that it expects of alpha"),
    ("Events", "independent episodes of the position; under six there is neither p-value nor interval"),
    ("Alpha", "a year, over a fixed mix of metal and bills with the same average share of metal; none under one year"),
    ("p family", "adjusted over every declared trial"),
    ("p placebo", "share of the strategy's own weights, moved in time, that do as well"),
    ("Findable", "smallest alpha that the sample finds four times in five"),
    ("One bar later", "alpha when every order is filled one bar later still"),
)


def findings_page(
    thesis: Study,
    baselines: Study | None,
    entries: Iterable[Entry],
    breaks: Sequence[BetaBreak],
    limits: Sequence[str],
) -> str:
    """One Markdown document: verdicts first, then the portfolio, what cannot be tested, the limits, and the terms."""
    words = [str(trial.verdict.word) for trial in thesis.trials]
    counts = ", ".join(f"{words.count(word)} {word}" for word, _ in _SECTIONS)
    parts = [
        "# Findings",
        f"**{len(words)} tests of the thesis: {counts}.** {len(thesis.skipped)} could not be run.",
        "Printed by `assay claims --findings`. Derived statistics only: the prices behind them are their vendors'.",
        "## Every verdict",
        _tables(thesis),
        "How to read it:",
        "\n".join(f"- *{name}*: {meaning}." for name, meaning in _READING),
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
    trials = [trial for trial in study.trials if trial.verdict.word == word]
    if word != "undecidable":
        lines = [f"- `{t.name}`, {t.metal} ({', '.join(t.strategy.claims)}): {t.verdict.reason}" for t in trials]
        return [f"## {title}", "\n".join(lines) or "Nothing."]
    few = [trial for trial in trials if not _is_judged(trial)]
    short = [trial for trial in trials if _is_judged(trial)]
    worth = f"{study.rules.worthwhile_information_ratio:g}"
    parts = [f"## {title}"]
    if few:
        counted = ", ".join(f"`{t.name}` {t.metal} {t.events:.0f}" for t in few)
        parts.append(f"**Too few events.** {len(few)} tests have under {study.rules.min_events}: {counted}.")
    if short:
        counted = ", ".join(f"`{t.name}` {t.metal} {t.findings[_POWER].estimate:.2f}" for t in short)
        parts.append(
            f"**Too short a record.** {len(short)} tests found nothing, and would have missed an information ratio of "
            f"{worth} (alpha over its own volatility). The smallest that each finds: {counted}."
        )
    return parts if trials else [*parts, "Nothing."]


_POWER = "minimum_detectable_information_ratio"


def _is_judged(trial: Trial) -> bool:
    return trial.events >= trial.verdict.rules.min_events


def _portfolio(trial: PortfolioTrial) -> list[str]:
    """Verdict, accounts, legs."""
    head = f"| {' | '.join(HEADINGS)} |"
    rule = "|---|" + "--:|" * (len(HEADINGS) - 1)
    rows = [f"| {' | '.join(row)} |" for row in account_rows(trial)]
    span = f"{trial.result.first_fill:%Y-%m} to {trial.result.equity.index[-1]:%Y-%m}"
    return [
        f"**{str(trial.verdict.word).capitalize()}.** {trial.verdict.reason}",
        f"One account, {span}, {trial.events:.0f} independent events. Each leg has the size that gives it the same "
        "risk as the others by the three years before, times the share that its signals want; the rest is in bills.",
        "\n".join([head, rule, *rows]),
        "\n".join(f"- {line[0].upper()}{line[1:]}." for line in portfolio_lines(trial)),
    ]


def _tables(study: Study) -> str:
    metals = dict.fromkeys(trial.metal for trial in study.trials)
    return "\n\n".join(_table(metal, [trial for trial in study.trials if trial.metal == metal]) for metal in metals)


def _table(metal: str, trials: Sequence[Trial]) -> str:
    head = (
        f"| {metal.capitalize()} | Claims | From | Events | Alpha | 95 % interval | p family | p placebo | Findable "
        "| One bar later | Verdict |"
    )
    rule = "|---|---|---|--:|--:|--:|--:|--:|--:|--:|---|"
    return "\n".join([head, rule, *(_row(trial) for trial in trials)])


def _row(trial: Trial) -> str:
    alpha, power = trial.findings["timing_alpha"], trial.findings[_POWER]
    judged = _is_judged(trial)
    whole_year = len(trial.result.returns) >= trial.result.periods_per_year
    cells = (
        f"`{trial.name}`",
        f"{', '.join(trial.strategy.claims) or trial.strategy.role} {'+' if trial.strategy.expected_sign > 0 else '−'}",
        f"{trial.result.first_fill:%Y-%m}",
        f"{trial.events:.0f}",
        signed_percent(alpha.estimate) if whole_year else DASH,
        interval(alpha.interval) if judged else "",
        p_value(trial.findings["step_down"].p_value) if judged else "",
        p_value(trial.findings["shift_placebo"].p_value) if judged else "",
        percent(power.details["minimum_detectable_alpha"]) if whole_year else DASH,
        signed_percent(trial.robustness.longer_delay) if whole_year else DASH,
        str(trial.verdict.word),
    )
    return f"| {' | '.join(cells)} |"


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
