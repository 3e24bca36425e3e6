"""The findings as a Markdown page: every verdict with its effect, its interval and what could have been found.

Nothing is computed here, and no sentence says more than a number beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from research.report.study_words import study_lines
from research.report.words import interval, p_value, percent, signed_percent

if TYPE_CHECKING:
    from research.claims import Entry
    from research.diagnostics.finding import Finding
    from research.study import Study, Trial
    from research.study.beta_break import BetaBreak

_SECTIONS = (
    ("supported", "What survived"),
    ("contradicted", "What the data contradict"),
    ("not supported", "What did not survive"),
    ("undecidable", "What nobody can know yet"),
)
_READING = (
    "Alpha is the return a year over a fixed mix of metal and bills with the strategy's own average share of metal; "
    "the interval is of 95 %. *p family* is adjusted over every declared trial, *p placebo* is the share of the "
    "strategy's own weights, moved in time, that do as well. *Findable* is the smallest alpha that the sample finds "
    "four times in five. *One bar later* is the alpha when every order is filled one bar later still. Beside "
    "the claim stands the sign that it expects of alpha. Under six "
    "independent events neither p-value nor interval is given."
)


def findings_page(
    thesis: Study,
    baselines: Study | None,
    entries: Iterable[Entry],
    both: Finding | None,
    breaks: Sequence[BetaBreak],
    limits: Sequence[str],
) -> str:
    """One Markdown document: terms, verdicts by metal, verdicts by word, claims without a test, and the limits."""
    words = [str(trial.verdict.word) for trial in thesis.trials]
    counts = ", ".join(f"{words.count(word)} {word}" for word, _ in _SECTIONS)
    parts = [
        "# Findings",
        "Printed by `assay claims --findings`. Derived statistics only: the prices behind them are their vendors'.",
        "\n".join(f"- {line}" for line in study_lines(thesis)),
        f"**{len(words)} tests of the thesis: {counts}.** {len(thesis.skipped)} could not be run.",
        "## Every verdict",
        _READING,
        _tables(thesis),
        *(part for word, title in _SECTIONS for part in _section(thesis, word, title)),
    ]
    if both is not None:
        parts += ["## Gold and silver as one portfolio (C20)", _both(both)]
    if breaks:
        parts += ["## Did the link to real yields break? (C17)", "\n".join(f"- {_break(item)}" for item in breaks)]
    if baselines is not None:
        parts += ["## The sceptic's baselines", "No part of the thesis, and a family of their own.", _tables(baselines)]
    parts += ["## Not run", "\n".join(f"- `{s.strategy}`, {s.metal}: {s.reason}" for s in thesis.skipped) or "Nothing."]
    untested = [entry.claim for entry in entries if not entry.claim.testable]
    parts += ["## Claims that cannot be tested", "\n".join(f"- {c.number}, {c.claim} {c.why_not}" for c in untested)]
    parts += ["## What the data cannot say", "\n".join(f"- {limit}" for limit in limits)]
    return "\n\n".join(parts) + "\n"


def _section(study: Study, word: str, title: str) -> list[str]:
    trials = [trial for trial in study.trials if trial.verdict.word == word]
    lines = [f"- `{t.name}`, {t.metal} ({', '.join(t.strategy.claims)}): {t.verdict.reason}" for t in trials]
    return [f"## {title}", "\n".join(lines) or "Nothing."]


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
    alpha, power = trial.findings["timing_alpha"], trial.findings["minimum_detectable_information_ratio"]
    judged = trial.events >= trial.verdict.rules.min_events
    cells = (
        f"`{trial.name}`",
        f"{', '.join(trial.strategy.claims) or trial.strategy.role} {'+' if trial.strategy.expected_sign > 0 else '−'}",
        f"{trial.result.first_fill:%Y-%m}",
        f"{trial.events:.0f}",
        signed_percent(alpha.estimate),
        interval(alpha.interval) if judged else "",
        p_value(trial.findings["step_down"].p_value) if judged else "",
        p_value(trial.findings["shift_placebo"].p_value) if judged else "",
        percent(power.details["minimum_detectable_alpha"]),
        signed_percent(trial.robustness.longer_delay),
        str(trial.verdict.word),
    )
    return f"| {' | '.join(cells)} |"


def _break(item: BetaBreak) -> str:
    test = item.finding
    return (
        f"{item.metal.capitalize()}, monthly changes from {item.first:%Y-%m} to {item.last:%Y-%m}: the likeliest break "
        f"of the real-yield beta lies after {item.last_before:%Y-%m}: {signed_percent(item.beta_before)} for a rise of "
        f"the 10-year real yield by one point before it, {signed_percent(item.beta_after)} after. For a break of "
        f"unknown date sup F is {test.statistic:.1f} (5 % critical value {test.details['critical_value']:.1f}), p "
        f"{p_value(test.p_value)}."
    )


def _both(finding: Finding) -> str:
    return (
        "Half of the money in `whole_thesis` on gold and half in it on silver, against half gold and half silver held: "
        f"timing alpha {signed_percent(finding.estimate, 2)} a year, 95 % interval {interval(finding.interval, 2)}, p "
        f"{p_value(finding.p_value)} (two-sided, not adjusted for the family)."
    )
