"""What pages say of a judged claim and of its rows. Nothing is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.report.columns import p_adjusted, shows
from research.report.sentences import sentence

if TYPE_CHECKING:
    from research.study import Study, TestedClaim, Trial


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
