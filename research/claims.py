"""The ledger of the thesis: each claim, what its sources say, and which strategies test it.

The text is data, ``claims.toml`` of the bundled pack; the strategies name the claims that they test.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from research.datasets.data import bundled_folder
from research.errors import RegistryError

if TYPE_CHECKING:
    from research.datasets.data import Data
    from research.study import Study
    from research.thesis import Strategy

_TEXTS = ("number", "claim", "evidence")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of the thesis.

    Attributes
    ----------
    number
        ``"C1"`` to ``"C20"``; strategies name it.
    claim
        What is said, in one line.
    evidence
        What the sources say about it.
    testable
        Whether a strategy can test it.
    form
        The testable form; empty when there is none.
    why_not
        Why it cannot be tested; empty when it can.
    known
        When the data of the test can be known.
    sources
        Where the evidence comes from.
    """

    number: str
    claim: str
    evidence: str
    testable: bool
    form: str
    why_not: str
    known: str
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ClaimTest:
    """One strategy on one metal that tests a claim.

    Attributes
    ----------
    missing
        Datasets that no pack at hand holds; with any, the strategy cannot be run.
    verdict, reason
        The word and the reason of the study, or why it was not run there; empty when no study was made.
    """

    strategy: str
    metal: str
    missing: tuple[str, ...]
    verdict: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A claim and its tests."""

    claim: Claim
    tests: tuple[ClaimTest, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values only."""
        return {**asdict(self.claim), "tests": [asdict(test) for test in self.tests]}


def load_claims(path: Path | None = None) -> tuple[Claim, ...]:
    """Read the claims, in their order.

    Raises
    ------
    RegistryError
        If the file is missing or an entry lacks what every claim must say.
    """
    path = path or bundled_folder() / "claims.toml"
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("claims", [])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise RegistryError(f"{path}: {error}; restore the ledger of claims") from None
    claims = tuple(_claim(entry, str(path)) for entry in entries)
    numbers = [claim.number for claim in claims]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise RegistryError(f"{path}: claim {twice[0]} stands twice; keep one")
    return claims


def ledger(
    claims: Iterable[Claim], strategies: Iterable[Strategy], data: Data, study: Study | None = None
) -> tuple[Entry, ...]:
    """Set beside each claim the strategies that test it and, after a study, their verdicts."""
    found = list(strategies)
    return tuple(
        Entry(
            claim=claim,
            tests=tuple(
                _test(strategy, metal, data, study)
                for strategy in found
                if claim.number in strategy.claims
                for metal in strategy.metals
            )
            + (_portfolio(study) if claim.number == "C20" else ()),
        )
        for claim in claims
    )


def load_limits(path: Path | None = None) -> tuple[str, ...]:
    """What the data cannot say, whatever the verdicts: one sentence or two each."""
    path = path or bundled_folder() / "claims.toml"
    return tuple(map(str, tomllib.loads(path.read_text(encoding="utf-8")).get("limits", {}).get("data", [])))


def _test(strategy: Strategy, metal: str, data: Data, study: Study | None) -> ClaimTest:
    missing = tuple(sorted({i for i in strategy.inputs_for(metal, data).values() if i not in data}))
    verdict, reason = "", ""
    if study is not None:
        for trial in study.trials:
            if (trial.name, trial.metal) == (strategy.name, metal):
                verdict, reason = str(trial.verdict.word), trial.verdict.reason
        for skipped in study.skipped:
            if (skipped.strategy, skipped.metal) == (strategy.name, metal):
                verdict, reason = "not run", skipped.reason
    return ClaimTest(strategy=strategy.name, metal=metal, missing=missing, verdict=verdict, reason=reason)


def _portfolio(study: Study | None) -> tuple[ClaimTest, ...]:
    """The thesis as one account, where a study has it."""
    found = None if study is None else study.portfolio
    if found is None:
        return ()
    verdict = found.verdict
    return (
        ClaimTest(
            strategy="portfolio",
            metal=", ".join(found.strategies),
            missing=(),
            verdict=str(verdict.word),
            reason=verdict.reason,
        ),
    )


def _claim(entry: Mapping[str, Any], where: str) -> Claim:
    name = f"{where}: claim {entry.get('number', '?')}"
    for key in _TEXTS:
        if not str(entry.get(key, "")).strip():
            raise RegistryError(f"{name}: {key!r} is missing; every claim must say it")
    testable = entry.get("testable")
    if not isinstance(testable, bool):
        raise RegistryError(f"{name}: testable must be true or false")
    needed = "form" if testable else "why_not"
    if not entry.get(needed):
        raise RegistryError(
            f"{name}: {needed!r} is missing; say {'how it is' if testable else 'why it cannot be'} tested"
        )
    if not entry.get("sources"):
        raise RegistryError(f"{name}: no sources; name where the evidence comes from")
    return Claim(
        **{key: str(entry[key]) for key in _TEXTS},
        testable=testable,
        form=str(entry.get("form", "")),
        why_not=str(entry.get("why_not", "")),
        known=str(entry.get("known", "")),
        sources=tuple(map(str, entry["sources"])),
    )
