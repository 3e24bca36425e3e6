"""The verdict: one of four words, by rules written down before the evidence is seen.

The evidence is weighed in this order; the first rule that applies gives the word.

1. **Too few events.** Fewer independent events than ``Rules.min_events``: ``undecidable``. No p-value is given or
   looked at, because with so few none can be trusted.
2. **No test.** The timing return or one of its p-values could not be computed: ``undecidable``.
3. **Supported**, if all of these hold:

   - *primary*: the deciding p-value in the claimed direction, after costs, is at most ``Rules.level``;
   - *shifted*: so is the share of circular shifts of its own weights that do as well;
   - *robust*: the timing return keeps the claimed sign with one more bar of delay, with doubled costs, and in each
     half of the record. A return of exactly zero has no sign.

4. **Contradicted**, if all of these hold with the opposite sign at half the level, since nobody claimed that
   direction beforehand, and before costs, so that costs alone cannot contradict a claim.
5. **A missing piece.** A word of rule 3 or 4 hangs on something unknown (NaN), all else that it needs being there:
   ``undecidable``.
6. **Ruled out**, if an effect worth having is excluded: the one-sided 95 % upper limit of the timing return before
   costs, the reading kindest to the claim, is under the *smaller* of an information ratio of
   ``Rules.worthwhile_information_ratio`` and the return a year that the claim declares. An equivalence test
   (Schuirmann 1987), for each claim by itself: fourteen claims ruled out are fourteen risks of 5 %.
7. **Undecidable**: neither nothing nor something worth having is excluded.

**Which p decides.** ``p_adjusted`` is adjusted over the declared family: all testable claims of the thesis on these
prices, dates and terms, whatever was asked for. It decides for a claim of the thesis. ``p_with_record`` takes in
whatever else this machine has tried on the same prices. It decides for a strategy of one's own. Either is printed with
the word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import partial
from math import isfinite, isnan, nan
from typing import Literal

from research.diagnostics.long_run import NOTHING, Estimate
from research.diagnostics.outlook import Decidable, Delayed, odds_words
from research.errors import ParameterError


class Word(StrEnum):
    """The four answers to a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    RULED_OUT = "ruled out"
    UNDECIDABLE = "undecidable"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The thresholds of the verdict; a user may declare stricter ones, never looser.

    Attributes
    ----------
    level
        Largest p-value, adjusted and shifted, that counts as evidence for a claim; half of it against one; and the
        error of an upper limit. At most 0.05.
    min_events
        Fewest independent events for which a p-value may be given; at least 6. With five, even a two-sided
        sign-flip test that every event agrees with has p = 2/2^5 = 0.0625.
    worthwhile_information_ratio
        Smallest information ratio a year (timing return over its own volatility) that an investor would care to know
        of; at most 0.5. The lower, the longer the record that may say ``ruled out``.
    power
        Probability with which an effect of the size called detectable is found; at least 0.8.

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
    """The timing return of the same decisions under harder terms, in the claimed direction; NaN where there is none.

    Information ratios a year of a claim at equal risk over its rows; of a row as well.

    Attributes
    ----------
    longer_delay
        One more bar between decision and fill.
    doubled_costs
        Fees and slippage twice as high.
    first_half, second_half
        Each half of the periods alone.
    """

    longer_delay: float = nan
    doubled_costs: float = nan
    first_half: float = nan
    second_half: float = nan


@dataclass(frozen=True, kw_only=True)
class PValues:
    """One-sided p-values, in the claimed direction after costs and against it before them; NaN where there is none.

    Attributes
    ----------
    supporting
        In the claimed direction, after costs.
    opposing
        Against it, before them.
    """

    supporting: float = nan
    opposing: float = nan


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a verdict is made from, of a claim or of one of its rows, and nothing else.

    Estimates are in the claimed direction, so that a positive one speaks for the claim; only ``price_gap`` is in the
    metal's own direction.

    Attributes
    ----------
    sign
        +1 when the claim says that holding at these times pays, -1 when it says that it costs.
    events, periods, unknown_periods, years
        Independent events; periods of the longest row, those of them left out because the claim's number was not
        known, and the length in years.
    timing_return
        Fraction a year, after costs; of a claim the mean of its rows', by how exactly each tells it.
    information_ratio
        Timing return over its yearly standard deviation, after costs, of the rows held together at equal risk: what
        is tested.
    ratio_before_costs, return_before_costs
        The same before costs: what ``ruled out`` and ``contradicted`` look at.
    price_gap
        The metal's return a year in position less that out of it, as a fraction, before costs.
    p_value
        Of this one alone, unadjusted.
    p_adjusted
        Over the declared family of a claim; over the claim's rows, and never under the claim's own, of a row.
    p_with_record
        Over the family and all else that this machine has tried on the same prices.
    p_shifted
        Share of the circular shifts that do as well.
    robustness, robustness_before_costs
        Under harder terms; before costs is what ``contradicted`` looks at.
    delayed
        What one more bar of delay leaves of an effect.
    detectable
        Information ratio that the deciding rules find with the probability ``Rules.power``.
    worthwhile_return
        Return a year that the claim declares to be worth having; infinite where it declares none.
    bayes_factor
        Odds of an effect of the size worth having against none.
    decidable
        When the claim can be decided at the present rate of events.
    family_size
        Claims that the family tests, or rows of the claim.
    n_recorded
        Further trials that ``p_with_record`` takes in.
    n_tried
        How many variants were tried elsewhere to arrive at it, itself among them; ``p_with_record`` pays for them.
    decided_by
        Which p decides.
    """

    sign: int
    events: int
    periods: int
    years: float
    unknown_periods: int = 0
    timing_return: Estimate = NOTHING
    information_ratio: Estimate = NOTHING
    ratio_before_costs: Estimate = NOTHING
    return_before_costs: Estimate = NOTHING
    price_gap: Estimate = NOTHING
    p_value: PValues = field(default_factory=PValues)
    p_adjusted: PValues = field(default_factory=PValues)
    p_with_record: PValues = field(default_factory=PValues)
    p_shifted: PValues = field(default_factory=PValues)
    robustness: Robustness = field(default_factory=Robustness)
    robustness_before_costs: Robustness = field(default_factory=Robustness)
    delayed: Delayed = field(default_factory=Delayed)
    detectable: float = nan
    worthwhile_return: float = float("inf")
    bayes_factor: float = nan
    decidable: Decidable = field(default_factory=lambda: Decidable(nan, nan, nan))
    family_size: int = 1
    n_recorded: int = 0
    n_tried: int = 1
    decided_by: Literal["p_adjusted", "p_with_record"] = "p_adjusted"

    def __post_init__(self) -> None:
        if self.sign not in (1, -1):
            raise ParameterError(f"sign: {self.sign!r} is no direction; use 1 or -1")

    @property
    def deciding(self) -> PValues:
        """The p-values that decide."""
        return self.p_with_record if self.decided_by == "p_with_record" else self.p_adjusted

    @property
    def odds(self) -> str:
        """The weight of the evidence in words: what even odds become."""
        return odds_words(self.bayes_factor)

    def shows_p_values(self, rules: Rules) -> bool:
        """Whether events are enough for any p-value to be given.

        Parameters
        ----------
        rules
            Thresholds in force.
        """
        return self.events >= rules.min_events

    def upper_limits(self, rules: Rules) -> tuple[float, float]:
        """One-sided limits, before costs: of the information ratio, and of the return a year.

        Parameters
        ----------
        rules
            Thresholds in force.
        """
        level = 1 - rules.level
        return self.ratio_before_costs.upper_limit(level), self.return_before_costs.upper_limit(level)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One word, and why.

    Attributes
    ----------
    word
        The answer.
    reason
        One sentence.
    steps
        Whether each step held in the claimed direction: ``primary``, ``shifted``, ``robust``; and ``excluded``, whether
        an effect worth having is. ``None`` is unknown, or not asked because events are too few.
    rules
        The thresholds in force.
    """

    word: Word
    reason: str
    steps: Mapping[str, bool | None] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}"


def decide(evidence: Evidence, rules: Rules | None = None) -> Verdict:
    """Weigh the evidence by the rules at the top of this module.

    Parameters
    ----------
    evidence
        What is weighed.
    rules
        Thresholds in force.
    """
    rules = rules or Rules()
    if not evidence.shows_p_values(rules):
        n = evidence.events
        reason = f"Only {n:g} independent event{'' if n == 1 else 's'}, {rules.min_events} are needed."
        return Verdict(word=Word.UNDECIDABLE, reason=reason, steps=dict.fromkeys(_STEPS), rules=rules)
    for_it = {
        "primary": _at_most_level(evidence.deciding.supporting, rules.level),
        "shifted": _at_most_level(evidence.p_shifted.supporting, rules.level),
        "robust": _robust(evidence.robustness, 1),
    }
    against = {
        "primary": _at_most_level(evidence.deciding.opposing, rules.level / 2),
        "shifted": _at_most_level(evidence.p_shifted.opposing, rules.level / 2),
        "robust": _robust(evidence.robustness_before_costs, -1),
    }
    excluded = _excluded(evidence, rules)
    verdict = partial(Verdict, steps={**for_it, "excluded": excluded}, rules=rules)
    supports, opposes = _all(for_it.values()), _all(against.values())
    if isnan(evidence.deciding.supporting) or isnan(evidence.deciding.opposing):
        return verdict(word=Word.UNDECIDABLE, reason="The record cannot give the timing return and its p-value.")
    if supports:
        return verdict(word=Word.SUPPORTED, reason=f"{_numbers(evidence)}, and the sign survives every check.")
    if opposes:
        return verdict(word=Word.CONTRADICTED, reason=f"{_numbers(evidence, against=True)}, against the claim.")
    if supports is None or opposes is None:
        missing = ", ".join(name for name, holds in (for_it if supports is None else against).items() if holds is None)
        return verdict(word=Word.UNDECIDABLE, reason=f"The word hangs on what could not be computed: {missing}.")
    if excluded:
        return verdict(word=Word.RULED_OUT, reason=f"{_failure(evidence, for_it)}; {_limit(evidence, rules)}.")
    return verdict(word=Word.UNDECIDABLE, reason=f"{_failure(evidence, for_it)}; {_open(evidence, rules)}.")


_STEPS = ("primary", "shifted", "robust", "excluded")


def _excluded(evidence: Evidence, rules: Rules) -> bool | None:
    ratio, gain = evidence.upper_limits(rules)
    if isnan(ratio) or isnan(gain):
        return None
    return ratio < rules.worthwhile_information_ratio and gain < evidence.worthwhile_return


def _robust(robustness: Robustness, sign: int) -> bool | None:
    return _all(_sign_is(getattr(robustness, item.name), sign) for item in fields(Robustness))


def _numbers(evidence: Evidence, *, against: bool = False) -> str:
    ratio = evidence.ratio_before_costs if against else evidence.information_ratio
    p, shifted = (
        (values.opposing if against else values.supporting) for values in (evidence.deciding, evidence.p_shifted)
    )
    return f"Information ratio {ratio.value:+.2f} a year: p {_p(p)} {_over(evidence)}, p {_p(shifted)} shifted"


def _over(evidence: Evidence) -> str:
    return "with all that was tried" if evidence.decided_by == "p_with_record" else "adjusted"


def _failure(evidence: Evidence, steps: Mapping[str, bool | None]) -> str:
    says = {
        "primary": f"p {_p(evidence.deciding.supporting)} {_over(evidence)}",
        "shifted": f"p {_p(evidence.p_shifted.supporting)} shifted",
        "robust": f"sign lost: {_lost(evidence)}",
    }
    failed = ", ".join(says[name] for name, holds in steps.items() if holds is False)
    wrong = _sign_is(evidence.information_ratio.value, 1) is False
    sense = ", not of the claimed sign" if wrong else ""
    return f"Information ratio {evidence.information_ratio.value:+.2f} a year{sense}: {failed}"


def _lost(evidence: Evidence) -> str:
    signs = {item.name: _sign_is(getattr(evidence.robustness, item.name), 1) for item in fields(Robustness)}
    lost = [name.replace("_", " ") for name, holds in signs.items() if holds is False]
    return "every check" if len(lost) == len(signs) else ", ".join(lost)


def _limit(evidence: Evidence, rules: Rules) -> str:
    ratio, gain = evidence.upper_limits(rules)
    worth = f"information ratios above {ratio:.2f} are excluded, {rules.worthwhile_information_ratio:g} is worth having"
    if isfinite(evidence.worthwhile_return):
        worth += f"; so is a return above {gain:.1%} a year, {evidence.worthwhile_return:.1%} is worth having"
    return worth


def _open(evidence: Evidence, rules: Rules) -> str:
    ratio, gain = evidence.upper_limits(rules)
    if ratio < rules.worthwhile_information_ratio:
        return f"returns up to {gain:.1%} a year are not excluded, {evidence.worthwhile_return:.1%} is worth having"
    return (
        f"information ratios up to {ratio:.2f} are not excluded, {rules.worthwhile_information_ratio:g} is worth having"
    )


def _at_most(name: str, value: float, default: float) -> None:
    if not 0 < value <= default:
        raise ParameterError(f"Rules: {name} {value!r} is looser than {default:g} or not above 0; declare less")


def _at_most_level(value: float, threshold: float) -> bool | None:
    return None if isnan(value) else value <= threshold


def _sign_is(value: float, sign: int) -> bool | None:
    return None if not isfinite(value) else value * sign > 0


def _all(parts: Iterable[bool | None]) -> bool | None:
    """Three-valued and: one False settles it, else one unknown leaves it open."""
    found = list(parts)
    if any(part is False for part in found):
        return False
    return None if any(part is None for part in found) else True


def _p(value: float) -> str:
    return "unknown" if isnan(value) else "<0.001" if value < 0.001 else f"{value:.3f}"
