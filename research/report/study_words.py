"""What every display says about a study, its claims and its rows, in the same words. Nothing is computed here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from research.report.columns import Column, p_adjusted, shows
from research.report.sentences import plural, sentence, sentences

if TYPE_CHECKING:
    from research.diagnostics.finding import Finding
    from research.diagnostics.metrics import Performance
    from research.registration.counting import Following
    from research.study import PortfolioTrial, Study, TestedClaim, Trial
    from research.study.study import Skipped
    from research.study.today import Today

WORDS = ("supported", "contradicted", "ruled out", "undecidable")
ACCOUNTS = {
    "strategy": "strategy",
    "buy_and_hold": "buy and hold",
    "metals_held": "metals held in equal parts",
    "matched_exposure": "matched exposure",
    "equal_risk": "equal risk, no signal",
    "bills": "bills",
}


def note(columns: Iterable[Column]) -> str:
    """What the columns of a table are."""
    told = dict.fromkeys((column.heading, column.meaning) for column in columns if column.heading != "Verdict")
    return " ".join(f"{heading}: {meaning}." for heading, meaning in told)


def accounts(trial: Trial | PortfolioTrial, own: str = "strategy") -> list[tuple[str, Performance]]:
    """What the account and its benchmarks did, each under its name, the account itself under its ``own``."""
    names = {**ACCOUNTS, "strategy": own}
    return [(names[name], row) for name, row in trial.performance.items()]


def findings_of(trial: Trial, *, appendix: bool) -> dict[str, Finding]:
    """Those that decide, by name, and with ``appendix`` the others after them."""
    return {**trial.findings, **(trial.appendix if appendix else {})}


def parameter_words(parameters: Mapping[str, object]) -> str:
    """``threshold = 2.0, hold_days = 90``."""
    return ", ".join(f"{name} = {value}" for name, value in parameters.items())


def head_lines(study: Study) -> list[str]:
    """What stands over every table: which price is traded, and which config file was used, if one was."""
    return [line for key in ("config", "price_line") if (line := study.manifest.get(key))]


def study_lines(study: Study) -> list[str]:
    """Period, data, prices, costs and conventions, one line each."""
    coverage = study.manifest["coverage"]
    ends = {identity: coverage[identity][1][:7] for trial in study.trials for identity in trial.inputs.values()}
    signals = [f"{identity} to {end}" for identity, end in sorted(ends.items(), key=lambda item: (item[1], item[0]))]
    evidence = [claim.evidence for claim in study.claims.values()]
    about = {"by_metal": by_metal(study), "signals": signals, "evidence": evidence}
    return head_lines(study) + sentences("study.lines", study=study, **about)


def portfolio_lines(trial: PortfolioTrial) -> list[str]:
    """What is held by which signals, the test of its timing, and what is missing, one line each."""
    return sentences("portfolio.lines", trial=trial, evidence=trial.evidence, judged=shows(trial))


def by_metal(study: Study) -> dict[str, list[Trial]]:
    """Trials of each metal, in the study's order."""
    metals = dict.fromkeys(trial.metal for trial in study.trials)
    return {metal: [trial for trial in study.trials if trial.metal == metal] for metal in metals}


def counted_words(study: Study) -> str:
    """``11 claims: 0 supported, 0 contradicted, 5 ruled out, 6 undecidable``."""
    counted = Counter(str(claim.verdict.word) for claim in study.claims.values())
    return f"{plural(len(study.claims), 'claim')}: {', '.join(f'{counted[word]} {word}' for word in WORDS)}"


def nearest(study: Study) -> Trial:
    """The row with most events, of the claim with the smallest deciding p; where there is none, of all rows."""
    told = _by_p(study)
    rows = [trial for trial in study.trials if not told or trial.claim == told[0].id]
    return max(rows, key=lambda trial: trial.evidence.events)


def study_short(study: Study) -> str:
    """The one claim and its word; of many, how many have which."""
    claims = list(study.claims.values())
    return (
        f"{counted_words(study)}." if len(claims) > 1 else f"{claims[0].short.rstrip('.')}: {claims[0].verdict.word}."
    )


def study_why(study: Study) -> str:
    """The reason of the one claim; of many, how many lack events, and how near the nearest came."""
    return sentence("study.why", claims=list(study.claims.values()), told=_by_p(study), rules=study.rules)


def _by_p(study: Study) -> list[TestedClaim]:
    """The claims that have a p-value, the smallest first."""
    told = [claim for claim in study.claims.values() if shows(claim)]
    return sorted(told, key=lambda claim: claim.evidence.deciding.supporting)


def not_run(skipped: Iterable[Skipped]) -> dict[str, list[str]]:
    """Reason -> what it kept from running, ``name (metal, metal)``."""
    kept: dict[str, dict[str, list[str]]] = {}
    for item in skipped:
        kept.setdefault(item.reason, {}).setdefault(item.strategy, []).append(item.metal)
    return {
        reason: [f"{name} ({', '.join(metals)})" for name, metals in names.items()] for reason, names in kept.items()
    }


def stale_lines(found: Today) -> list[str]:
    """One line a dataset of which newer releases are out, and what hangs on it."""
    late = {item.dataset: item for want in found.wants for item in want.inputs if item.dataset in want.stale}
    lines = [
        f"stale: {name} ends {item.observed_for:%Y-%m-%d}; newer data have been out for {item.overdue_days} days"
        for name, item in sorted(late.items())
    ]
    if lines:
        lines.append("What rests on these is not known now. assay data fetch")
    return lines


def following_notes(found: Following) -> list[str]:
    """What the numbers since a registration mean, how they are corrected, and what is not as it was."""
    names: dict[str, list[str]] = {}
    for claim in found.claims:
        for noted in claim.notes:
            names.setdefault(noted, []).append(claim.registration.name)
    shared = [len(found.claims), *(claim.registration.registered_with for claim in found.claims)]
    correction = sentence("notes.correction", n=max(shared), level=found.claims[0].registration.level)
    return [sentence("notes.following"), correction, *(f"{', '.join(who)}: {noted}" for noted, who in names.items())]


def since_words(claim: TestedClaim) -> str:
    """What came before the thesis was published and what after; nothing of a claim of no thesis."""
    if claim.published is None:
        return ""
    before, after = (
        sentence("claim.part", part=part, earned=part.timing_return.value, rules=claim.verdict.rules)
        for part in claim.since(claim.published)
    )
    return sentence("claim.since", day=day_words(claim.published), before=before, after=after)


def day_words(day: date) -> str:
    """``12 December 2025``."""
    return f"{day.day} {day:%B %Y}"


def a_few(names: Sequence[str], most: int = 4) -> str:
    """All names, or the first of many and how many more."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"


def quotation(claim: TestedClaim, study: Study) -> str:
    """One sentence to quote, with its date and data; it says no more than the numbers beside it."""
    used = [item for trial in study.trials if trial.claim == claim.id for item in trial.market.datasets.values()]
    publishers = " and ".join(dict.fromkeys(item.publisher for item in used if item.price))
    first = min(timing.dates[0] for timing in claim.timings.values())
    last = max(timing.dates[-1] for timing in claim.timings.values())
    about = {"evidence": claim.evidence, "shown": shows(claim), "p_adjusted": p_adjusted(claim)}
    return sentence("claim.quotation", claim=claim, first=first, last=last, publishers=publishers, **about)


def what_would_change_it(claim: TestedClaim) -> str:
    """What the record would have to bring for another word; of a decided one, its refutation."""
    evidence, rules = claim.evidence, claim.verdict.rules
    about = {"shown": shows(claim), "p_adjusted": p_adjusted(claim), "ratio": evidence.upper_limits(rules)[0]}
    return sentence("claim.change", claim=claim, evidence=evidence, rules=rules, **about)


def claim_anchor(identity: str) -> str:
    """Where a sentence stands in the page: ``C1+`` is ``claim-C1-for``."""
    sign = {"+": "-for", "-": "-against"}.get(identity[-1:], "")
    return f"claim-{_safe(identity.rstrip('+-'))}{sign}"


def anchor(trial: Trial) -> str:
    """Where a trial stands in the page."""
    return f"trial-{_safe(f'{trial.name}-{trial.metal}')}"


def _safe(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text)
