"""The verdict: one of four words, by rules written down before the evidence is seen.

The evidence is weighed in this order; the first rule that applies gives the word.

1. **Too few events.** Fewer independent events than ``Rules.min_events``: ``undecidable``. No p-value is
   given or looked at, because with so few none can be trusted; the findings that decide are stripped of
   theirs.
2. **No primary test.** The timing alpha or one of its two family-adjusted p-values could not be computed:
   ``undecidable``.
3. **Supported**, if all of these hold:

   - *primary*: the timing alpha has the claimed sign and its p-value in the claimed direction, adjusted
     over the family by step-down, is not above ``Rules.level``;
   - *placebo*: the share of the strategy's own moved histories that do as well gives a p-value not above
     ``Rules.level``;
   - *robust*: the alpha keeps the claimed sign with one more bar of delay, with doubled costs, and in each
     half of the sample. An alpha of exactly zero has no sign.

4. **Contradicted**, if primary, placebo and robust all hold with the opposite sign. The p-value of the primary is
   then two-sided, since nobody claimed that direction beforehand, and that of the accounts before costs; the
   moved histories pay the same costs. So costs alone cannot contradict a claim.
5. **A missing piece.** A word of rule 3 or 4 hangs on something unknown (NaN): everything else that it
   needs holds and this could not be computed: ``undecidable``.
6. **Power.** Neither word was earned. The smallest information ratio that this sample could have found is
   not above ``Rules.worthwhile_information_ratio``: ``not supported``. It is above it, or unknown:
   ``undecidable``.

When primary and placebo disagree, or the sign does not survive, no word is earned and rule 6 decides: the
verdict names the step that failed. Significant evidence that fails a step is never ``supported``, however
small its p.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from math import isfinite, nan
from typing import Any

from research.diagnostics.finding import Finding
from research.errors import ParameterError


class Word(StrEnum):
    """The four answers to a thesis."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_SUPPORTED = "not supported"
    UNDECIDABLE = "undecidable"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The thresholds of the verdict; a user may declare stricter ones, never looser.

    Attributes
    ----------
    level
        Largest p-value, family-adjusted and of the placebo, that counts as evidence; at most 0.05.
    min_events
        Fewest independent events for which a p-value may be given; at least 6. With five, even a two-sided
        sign-flip test that every event agrees with has p = 2/2^5 = 0.0625.
    worthwhile_information_ratio
        Smallest information ratio a year (timing alpha over its residual volatility) that an investor would
        care to know of; at most 0.5. The lower, the longer the sample that may say ``not supported``.
    power
        Probability with which the sample must find such an effect; at least 0.8.

    Raises
    ------
    ParameterError
        If a threshold is looser than its default, or no number.
    """

    level: float = 0.05
    min_events: int = 6
    worthwhile_information_ratio: float = 0.5
    power: float = 0.8

    def __post_init__(self) -> None:
        _at_most("level", self.level, 0.05)
        _at_most("worthwhile_information_ratio", self.worthwhile_information_ratio, 0.5)
        if not self.min_events >= 6:
            raise ParameterError(f"Rules: min_events {self.min_events!r} is looser than 6; declare 6 or more")
        if not 0.8 <= self.power < 1:
            raise ParameterError(f"Rules: power {self.power!r} is looser than 0.8 or not under 1; use 0.8 to 0.99")


@dataclass(frozen=True, kw_only=True)
class Robustness:
    """Timing alphas, fraction a year, of the same strategy under harder terms; NaN when one could not be had.

    Attributes
    ----------
    longer_delay
        One more bar between decision and fill.
    doubled_costs
        Fees and slippage twice as high.
    first_half, second_half
        Each half of the bars alone.
    """

    longer_delay: float
    doubled_costs: float
    first_half: float
    second_half: float


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the verdict is made from, and nothing else.

    Attributes
    ----------
    primary
        The timing alpha: ``estimate`` in fraction a year.
    family
        The same alpha adjusted over the declared family: ``p_value`` in the claimed direction, after costs;
        ``details["p_value_opposite"]`` in the other, before costs.
    placebo
        The moved histories: ``p_value`` and ``details["p_value_opposite"]`` likewise.
    robustness
        Alphas under harder terms.
    power
        ``estimate`` is the smallest information ratio a year that this sample could have found at the level
        and with the power in ``details["level"]`` and ``details["power"]``.
    independent_events
        Number of independent events behind the positions, after clustering.
    expected_sign
        +1 when the thesis claims a positive alpha, -1 when a negative one.
    """

    primary: Finding
    family: Finding
    placebo: Finding
    robustness: Robustness
    power: Finding
    independent_events: float
    expected_sign: int = 1

    def __post_init__(self) -> None:
        if self.expected_sign not in (1, -1):
            raise ParameterError(f"expected_sign: {self.expected_sign!r} is no direction; use 1 or -1")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One word, why, and what decided it.

    Attributes
    ----------
    word
        The answer.
    reason
        One sentence.
    deciding
        The findings that the word rests on.
    steps
        Whether each step held in the claimed direction: ``primary``, ``placebo``, ``robust`` and ``power``
        (the sample could have found a worthwhile effect). ``None`` is unknown, or not asked because events
        are too few.
    rules
        The thresholds in force.
    """

    word: Word
    reason: str
    deciding: tuple[Finding, ...]
    steps: tuple[tuple[str, bool | None], ...] = field(default=())
    rules: Rules = field(default_factory=Rules)

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        """Plain values only."""
        return {
            "word": str(self.word),
            "reason": self.reason,
            "steps": dict(self.steps),
            "deciding": [finding.to_json() for finding in self.deciding],
            "rules": asdict(self.rules),
        }


def decide(evidence: Evidence, rules: Rules | None = None) -> Verdict:
    """Weigh the evidence by the rules at the top of this module.

    Raises
    ------
    ParameterError
        If the power finding was computed for a looser level or a lower power than the rules demand.
    """
    rules = rules or Rules()
    _check_power(evidence.power, rules)
    if not evidence.independent_events >= rules.min_events:
        return _too_few(evidence, rules)

    claimed = _claimed_steps(evidence, rules)
    opposite = _opposite_steps(evidence, rules)
    could = _not_above(evidence.power.estimate, rules.worthwhile_information_ratio)
    steps = (*claimed.items(), ("power", could))

    def verdict(word: Word, reason: str, *deciding: Finding) -> Verdict:
        return Verdict(word=word, reason=reason, deciding=deciding, steps=steps, rules=rules)

    primary, family, placebo, power = evidence.primary, evidence.family, evidence.placebo, evidence.power
    tested = (primary.estimate, family.p_value, family.details.get("p_value_opposite"))
    if not all(value is not None and isfinite(value) for value in tested):
        return verdict(
            Word.UNDECIDABLE,
            "The sample cannot give the timing alpha and its p-value.",
            primary,
            family,
            power,
        )
    if _all(claimed) is True:
        return verdict(
            Word.SUPPORTED,
            f"{_numbers(evidence)}, and the sign survives every check.",
            primary,
            family,
            placebo,
        )
    if _all(opposite) is True:
        return verdict(
            Word.CONTRADICTED,
            f"{_numbers(evidence, against=True)}, against the claim.",
            primary,
            family,
            placebo,
        )
    if _all(claimed) is None or _all(opposite) is None:
        missing = _names({**opposite, **claimed} if _all(claimed) is None else opposite, None)
        return verdict(
            Word.UNDECIDABLE,
            f"The word hangs on what could not be computed: {missing}.",
            primary,
            family,
            placebo,
        )
    failed = f"{_failure(evidence, claimed)}; {_reach(power, rules)}."
    return verdict(Word.NOT_SUPPORTED if could else Word.UNDECIDABLE, failed, primary, family, placebo, power)


def _claimed_steps(evidence: Evidence, rules: Rules) -> dict[str, bool | None]:
    sign = evidence.expected_sign
    return {
        "primary": _both(_sign_is(evidence.primary.estimate, sign), _not_above(evidence.family.p_value, rules.level)),
        "placebo": _not_above(evidence.placebo.p_value, rules.level),
        "robust": _robust(evidence, sign),
    }


def _opposite_steps(evidence: Evidence, rules: Rules) -> dict[str, bool | None]:
    family, placebo = (f.details.get("p_value_opposite") for f in (evidence.family, evidence.placebo))
    return {
        "primary": _both(_sign_is(evidence.primary.estimate, -evidence.expected_sign), _not_above(family, rules.level)),
        "placebo": _not_above(placebo, rules.level),
        "robust": _robust(evidence, -evidence.expected_sign),
    }


def _robust(evidence: Evidence, sign: int) -> bool | None:
    return _all({f.name: _sign_is(getattr(evidence.robustness, f.name), sign) for f in fields(Robustness)})


def _too_few(evidence: Evidence, rules: Rules) -> Verdict:
    power = replace(evidence.power, p_value=None, statistic=None)
    n = evidence.independent_events
    counted = f"Only {n:g} independent event{'' if n == 1 else 's'}" if isfinite(n) else "Independent events unknown"
    reason = f"{counted}, {rules.min_events} are needed for a p-value; {_reach(power, rules)}."
    steps = tuple((name, None) for name in ("primary", "placebo", "robust", "power"))
    return Verdict(word=Word.UNDECIDABLE, reason=reason, deciding=(power,), steps=steps, rules=rules)


def _numbers(evidence: Evidence, *, against: bool = False) -> str:
    family = evidence.family.details["p_value_opposite"] if against else evidence.family.p_value
    placebo = evidence.placebo.details["p_value_opposite"] if against else evidence.placebo.p_value
    return (
        f"Alpha {evidence.primary.estimate:+.2%} a year: p {family:.3f} over the family, p {placebo:.3f} of the placebo"
    )


def _failure(evidence: Evidence, claimed: dict[str, bool | None]) -> str:
    says = {
        "primary": f"p {_p(evidence.family)} over the family",
        "placebo": f"p {_p(evidence.placebo)} of the placebo",
        "robust": f"sign lost: {_lost(evidence)}",
    }
    failed = ", ".join(says[name] for name, holds in claimed.items() if holds is False)
    wrong = _sign_is(evidence.primary.estimate, evidence.expected_sign) is False
    return f"Alpha {evidence.primary.estimate:+.2%} a year{', not of the claimed sign' if wrong else ''}: {failed}"


def _lost(evidence: Evidence) -> str:
    checks = {
        f.name: _sign_is(getattr(evidence.robustness, f.name), evidence.expected_sign) for f in fields(Robustness)
    }
    return "every check" if not any(holds is not False for holds in checks.values()) else _names(checks, False)


def _reach(power: Finding, rules: Rules) -> str:
    worth = f"{rules.worthwhile_information_ratio:g} is worth having"
    if not isfinite(power.estimate):
        return f"what the sample can find is unknown, {worth}"
    return f"the sample finds information ratios from {power.estimate:.2f} up, {worth}"


def _check_power(power: Finding, rules: Rules) -> None:
    level, reached = power.details.get("level", nan), power.details.get("power", nan)
    if not (level <= rules.level + 1e-12 and reached >= rules.power - 1e-12):
        raise ParameterError(
            f"power: computed at level {level:g} with power {reached:g}, "
            f"the rules demand {rules.level:g} and {rules.power:g}; compute it with the rules' thresholds"
        )


def _at_most(name: str, value: float, default: float) -> None:
    if not 0 < value <= default:
        raise ParameterError(f"Rules: {name} {value!r} is looser than {default:g} or not above 0; declare less")


def _not_above(value: float | None, threshold: float) -> bool | None:
    return None if value is None or not isfinite(value) else value <= threshold


def _sign_is(value: float, sign: int) -> bool | None:
    return None if not isfinite(value) else value * sign > 0


def _both(*parts: bool | None) -> bool | None:
    return _all(dict(enumerate(parts)))


def _all(parts: dict[Any, bool | None]) -> bool | None:
    """Three-valued and: one False settles it, else one unknown leaves it open."""
    if any(part is False for part in parts.values()):
        return False
    return None if any(part is None for part in parts.values()) else True


def _names(parts: dict[str, bool | None], state: bool | None) -> str:
    return ", ".join(name.replace("_", " ") for name, holds in parts.items() if holds is state)


def _p(finding: Finding) -> str:
    return "unknown" if finding.p_value is None else f"{finding.p_value:.3f}"
