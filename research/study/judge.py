"""The one judge: accounts and a claim in, typed evidence and a word out.

A signal of the thesis, a portfolio, a strategy of one's own, a file that somebody brings and the worlds of the
calibration are all judged here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import partial
from math import inf, sqrt
from typing import Literal

import numpy as np
import numpy.typing as npt

from research.diagnostics.long_run import Estimate
from research.diagnostics.outlook import Delayed, bayes_factor, decidable, detectable
from research.diagnostics.rotation import N_ROTATIONS, SEED, Family, rotate
from research.diagnostics.timing import (
    Effects,
    Numbers,
    Timing,
    circular_shifts,
    comparable,
    independent_events,
    n_cosines,
    pooled,
    share_as_good,
    shifted_statistics,
    unit_of_mean,
    unit_of_ratio,
)
from research.verdict import Evidence, PValues, Robustness, Rules, Verdict, decide

Floats = npt.NDArray[np.float64]

N_SHIFTS = 999
UNTIMED = Numbers(np.zeros(9), np.zeros(9), 0)
DecidedBy = Literal["p_adjusted", "p_with_record"]


@dataclass(frozen=True, eq=False)
class ClaimRows:
    """A directional sentence and the accounts that test it.

    Attributes
    ----------
    id
        ``"C1+"``, or the name of a strategy of one's own.
    sign
        +1 if holding at these times is said to pay, -1 if it is said to cost.
    rows
        Label of a metal at a declared grid point -> the timing series of its account.
    undeclared
        Further accounts that are judged as rows but are no part of the claim: a point outside the declared grid.
    worthwhile_return
        Return a year that the claim declares to be worth having, a fraction.
    tried
        How many variants were tried elsewhere to arrive at it. ``p_with_record`` pays for the ``tried - 1`` that are
        not here as if they were unlike it and each other (Bonferroni): ``p_with_record + (tried - 1) * p_value``, at
        most 1. That holds however alike they were. The p against the claim is not helped by a choice in its favour.
    """

    id: str
    sign: int
    rows: Mapping[str, Timing]
    undeclared: Mapping[str, Timing] = field(default_factory=dict)
    worthwhile_return: float = inf
    tried: int = 1


@dataclass(frozen=True, eq=False)
class Judged:
    """What the judge says of a claim, or of one of its rows."""

    evidence: Evidence
    verdict: Verdict
    numbers: Numbers | None
    rows: Mapping[str, Judged] = field(default_factory=dict)


def judge(
    claims: Sequence[ClaimRows],
    rules: Rules,
    *,
    others: Mapping[str, Numbers] | None = None,
    record: Sequence[Numbers] = (),
    decided_by: DecidedBy = "p_adjusted",
    shift_all: bool = True,
    n_rotations: int = N_ROTATIONS,
    seed: int = SEED,
) -> dict[str, Judged]:
    """Judge claims as members of one family.

    Parameters
    ----------
    claims
        Those asked for.
    others
        Numbers of the family's other claims, by id.
    record
        Numbers of what else was tried on the same prices.
    shift_all
        Whether every claim is moved in time, or only those whose word hangs on it.
    n_rotations, seed
        Of the draws; circular shifts are drawn with the same seed.

    Returns
    -------
    dict
        By id, in the order of ``claims``.
    """
    family_of = partial(_family, rules=rules, n_rotations=n_rotations, seed=seed)
    measured = {claim.id: _measure(list(claim.rows.values()), claim) for claim in claims}
    family = {**(others or {}), **{name: numbers for name, (_, numbers) in measured.items() if numbers is not None}}
    adjusted = family_of(family)
    wider = family_of({**family, **{f"recorded {i}": item for i, item in enumerate(record)}}) if record else adjusted
    deciding = wider if decided_by == "p_with_record" else adjusted
    judged = {}
    for claim in claims:
        alone, numbers = measured[claim.id]
        evidence = replace(
            alone,
            p_adjusted=adjusted.p_values(claim.id),
            p_with_record=_paid(wider.p_values(claim.id), alone.p_value, claim.tried),
            family_size=len(adjusted.tested),
            n_recorded=len(record),
            n_tried=claim.tried,
            decided_by=decided_by,
        )
        timings = {**claim.rows, **claim.undeclared}
        evidence = _with_outlook(evidence, deciding, numbers, rules, list(timings.values()))
        single = {
            name: measured[claim.id] if len(timings) == 1 else _measure([timing], claim)
            for name, timing in timings.items()
        }
        within = family_of({name: found for name, (_, found) in single.items() if found is not None})
        rows = {
            name: _with_outlook(_row(found, evidence, within, name), within, n, rules, [timings[name]])
            for name, (found, n) in single.items()
        }
        if shift_all or _hangs_on_shifts(evidence, rules):
            evidence, rows = _shifted(claim, evidence, rows, seed)
        judged[claim.id] = Judged(
            evidence,
            decide(evidence, rules),
            numbers,
            {name: Judged(row, decide(row, rules), single[name][1]) for name, row in rows.items()},
        )
    return judged


def measure(claim: ClaimRows) -> Numbers:
    """What a family reads of a claim; all 0 and without events where nothing is timed."""
    numbers = _measure(list(claim.rows.values()), claim)[1] if claim.rows else None
    return numbers or UNTIMED


@dataclass(frozen=True, eq=False)
class _Family:
    """Adjusted p-values of those that have events enough, and the family in the claimed direction."""

    tested: Mapping[str, PValues]
    supporting: Family | None

    def p_values(self, name: str) -> PValues:
        """Of one member; NaN of one that takes no part."""
        return self.tested.get(name, PValues())


def _family(numbers: Mapping[str, Numbers], rules: Rules, n_rotations: int, seed: int) -> _Family:
    """Whether a member is tested is known from its decisions, before any return is looked at."""
    tested = {name: item for name, item in numbers.items() if item.events >= rules.min_events}
    if not tested:
        return _Family({}, None)
    nu = min(item.nu for item in tested.values())
    columns = [(item.supporting[: nu + 1], item.opposing[: nu + 1]) for item in tested.values()]
    supporting, opposing = (
        rotate(np.column_stack(side), n_rotations=n_rotations, seed=seed) for side in zip(*columns, strict=True)
    )
    found = zip(tested, supporting.p_values, opposing.p_values, strict=True)
    return _Family({name: PValues(supporting=float(p), opposing=float(q)) for name, p, q in found}, supporting)


def _shifted(
    claim: ClaimRows, evidence: Evidence, rows: dict[str, Evidence], seed: int
) -> tuple[Evidence, dict[str, Evidence]]:
    """With the share of circular shifts that do as well: one shift common to all rows."""
    timed = {name: timing for name, timing in {**claim.rows, **claim.undeclared}.items() if timing.is_timed}
    if not timed:
        return evidence, rows
    shifts = circular_shifts(list(timed.values()), N_SHIFTS, seed)
    found = shifted_statistics(list(timed.values()), shifts, claim.sign)
    statistics = dict(zip(timed, found, strict=True))
    moved = {name: replace(rows[name], p_shifted=_shares(found)) for name, found in statistics.items()}
    declared = [found for name, found in statistics.items() if name in claim.rows]
    if declared:
        evidence = replace(evidence, p_shifted=_shares(np.asarray(np.mean(declared, axis=0))))
    return evidence, {**rows, **moved}


def _measure(timings: Sequence[Timing], claim: ClaimRows) -> tuple[Evidence, Numbers | None]:
    """Estimates, errors and events of some rows taken together."""
    longest = max(timings, key=lambda timing: timing.n_periods)
    dates = np.unique(np.concatenate([timing.dates.values for timing in timings]))
    events = len(independent_events(timings))
    bare = Evidence(
        sign=claim.sign,
        events=events,
        periods=longest.n_periods,
        unknown_periods=longest.exposure.n_unknown,
        years=len(dates) / longest.year,
        worthwhile_return=claim.worthwhile_return,
    )
    timed = [timing for timing in timings if timing.is_timed]
    if not timed:
        return bare, None
    year, when = longest.year, [item.dates for item in timed]
    nu = n_cosines(min(item.n_periods for item in timed), year)
    net, gross = [item.series(claim.sign) for item in timed], [claim.sign * item.gross for item in timed]
    effects = Effects.of(timed, nu)
    degrees, annual = effects.degrees_of_freedom, [year] * len(timed)
    after, before = pooled(net, nu, effects), pooled(gross, nu, effects)
    numbers = Numbers(comparable(after, degrees), comparable(-before, degrees), events)
    ratio = Estimate.of_numbers(after, unit_of_ratio(net, when, year), degrees)
    gap = unit_of_mean(gross, [year / item.weight_covariance for item in timed])
    return (
        replace(
            bare,
            timing_return=Estimate.of_numbers(after, unit_of_mean(net, annual), degrees),
            information_ratio=ratio,
            ratio_before_costs=Estimate.of_numbers(before, unit_of_ratio(gross, when, year), degrees),
            return_before_costs=Estimate.of_numbers(before, unit_of_mean(gross, annual), degrees),
            price_gap=Estimate.of_numbers(claim.sign * before, gap, degrees),
            p_value=PValues(
                supporting=Estimate.of_numbers(numbers.supporting).p_value,
                opposing=Estimate.of_numbers(numbers.opposing).p_value,
            ),
            bayes_factor=bayes_factor(ratio),
            robustness=_robustness(timed, claim.sign, 1.0),
            robustness_before_costs=_robustness(timed, claim.sign, 0.0),
            delayed=_delayed(timed),
        ),
        numbers,
    )


def _delayed(timings: Sequence[Timing]) -> Delayed:
    """What one more bar of delay leaves of an effect that pays while the weight is held, over the rows."""
    shares, correlations = [], []
    for item in timings:
        late = item.later
        held = item.held[-late.n_periods :]
        kept = float(late.active @ (held - held.mean())) / late.n_periods
        shares.append(kept / item.weight_covariance)
        same = item.gross[-late.n_periods :]
        correlations.append(float(np.corrcoef(same, late.gross)[0, 1]) if late.gross.std() > 0 else 0.0)
    weights = [sqrt(item.n_periods) for item in timings]
    return Delayed(float(np.average(shares, weights=weights)), float(np.average(correlations, weights=weights)))


def _robustness(timings: Sequence[Timing], sign: int, costs: float) -> Robustness:
    """Information ratios under harder terms, of the rows at equal risk; ``costs`` is 1 after costs and 0 before."""
    series = [sign * item.gross - costs * item.cost for item in timings]
    risks = [float(psi.std()) for psi in series]
    weights = [sqrt(item.n_periods) for item in timings]

    def ratio(changed: Sequence[Floats]) -> float:
        each = [float(psi.mean()) / risk for psi, risk in zip(changed, risks, strict=True)]
        return float(np.average(each, weights=weights)) * sqrt(timings[0].year)

    return Robustness(
        longer_delay=ratio([sign * item.later.gross - costs * item.later.cost for item in timings]),
        doubled_costs=ratio([psi - costs * item.cost for psi, item in zip(series, timings, strict=True)]),
        first_half=ratio([psi[: psi.size // 2] for psi in series]),
        second_half=ratio([psi[psi.size // 2 :] for psi in series]),
    )


def _with_outlook(
    evidence: Evidence, family: _Family, numbers: Numbers | None, rules: Rules, timings: Sequence[Timing]
) -> Evidence:
    """With what the deciding rules would find, and when they can."""
    if numbers is None:
        return evidence
    found = family.supporting or rotate(numbers.supporting[:, None])  # untested: as if it were alone
    least = detectable(
        evidence.information_ratio,
        found.critical_value(rules.level / evidence.n_tried),
        found.degrees_of_freedom,
        rules.power,
        evidence.delayed,
    )
    last = max(timing.dates[-1] for timing in timings)
    return replace(
        evidence,
        detectable=least,
        decidable=decidable(
            detectable_ratio=least,
            worthwhile_ratio=rules.worthwhile_information_ratio,
            events=evidence.events,
            minimum_events=rules.min_events,
            years=evidence.years,
            now=last.year + (last.day_of_year - 1) / 365.25,
            nu=evidence.information_ratio.degrees_of_freedom,
        ),
    )


def _row(evidence: Evidence, claim: Evidence, rows: _Family, name: str) -> Evidence:
    """A row answers for itself within its claim, and never better than its claim does."""
    within = rows.p_values(name)

    def gated(by: PValues) -> PValues:
        larger = np.maximum(astuple(within), astuple(by))  # NaN if either is
        return PValues(supporting=float(larger[0]), opposing=float(larger[1]))

    return replace(
        evidence,
        p_adjusted=gated(claim.p_adjusted),
        p_with_record=gated(claim.p_with_record),
        family_size=len(rows.tested),
        n_recorded=claim.n_recorded,
        n_tried=claim.n_tried,
        decided_by=claim.decided_by,
    )


def _paid(by_record: PValues, alone: PValues, tried: int) -> PValues:
    """The p with all that was tried, with the tries that are not here."""
    further = (tried - 1) * alone.supporting if tried > 1 else 0.0
    return replace(by_record, supporting=float(np.minimum(1.0, by_record.supporting + further)))


def _hangs_on_shifts(evidence: Evidence, rules: Rules) -> bool:
    return evidence.deciding.supporting <= rules.level or evidence.deciding.opposing <= rules.level / 2


def _shares(statistics: Floats) -> PValues:
    return PValues(supporting=share_as_good(statistics[:, 1]), opposing=share_as_good(statistics[:, 0]))
