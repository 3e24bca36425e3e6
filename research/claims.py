"""A thesis as data: its claims, the directional sentences that test them, and which strategies speak for which.

``thesis.toml`` is the text of a thesis::

    title = "…"
    published = 2025-12-12
    baselines = ["…"]

    [[claims]]
    number = "C1"
    claim = "…"                  # what is said, in one line
    evidence = "…"               # what the sources say of it
    testable = true
    form = "…"                   # how; or why_not = "…" where it cannot be tested
    sources = ["…"]
    shown = ["C3+"]              # sentences of other claims that speak to this one too; of an untestable one a proxy

    [[claims.sentences]]
    id = "C1+"                   # the claim's number, a letter where one direction has two readings, and the sign
    short = "…"                  # in six or seven words
    sentence = "…"
    strategies = ["…"]           # measures of this sentence, pooled into one verdict
    beside = ["…"]               # measures that are judged as rows and take no part in the verdict
    rests_on = "…"               # which of several measures the verdict rests on, and why
    falsifier = "…"
    worthwhile_return = 0.03     # a year, where the claim declares what would be worth having

    [portfolio]                  # the thesis as one account, a row of one sentence
    sentence = "C1+"
    title = "…"
    legs = { gold = "…" }

    [[breaks]]                   # whether the metal's link to a driver broke
    claim = "C1"
    title = "…"
    driver = "real_yield_10y"

The bundled thesis lies in the bundled data pack, its strategies in the package ``strategies``. Any other is a folder
with a ``thesis.toml`` and its strategies, one module each, beside it or in its folder ``strategies``.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from research.discovery import all_strategies, strategies_in
from research.errors import RegistryError, did_you_mean, reason
from research.home import bundled_folder

if TYPE_CHECKING:
    from research.thesis import Strategy

FILE = "thesis.toml"
Kind = Literal["thesis", "baseline", "own"]
Entry: TypeAlias = Mapping[str, Any]  # of TOML


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A claim in one direction: what is judged.

    Attributes
    ----------
    id
        ``"C1+"``: the claim's number, a letter where one direction has two readings, and the sign.
    claim
        Number of the claim.
    short, text
        The sentence in six or seven words, and in full.
    sign
        +1 if holding at these times is said to pay, -1 if it is said to cost.
    strategies
        Names of those that measure it, pooled into one verdict.
    beside
        Names of those that are judged as rows and take no part in the verdict.
    rests_on
        Which of several measures the verdict rests on, and why; empty where there is one.
    falsifier
        What would refute it.
    worthwhile_return
        Return a year that it declares to be worth having, a fraction; infinite where it declares none.
    """

    id: str
    claim: str
    short: str
    text: str
    sign: int
    strategies: tuple[str, ...]
    beside: tuple[str, ...] = ()
    rests_on: str = ""
    falsifier: str = ""
    worthwhile_return: float = inf


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of a thesis.

    Attributes
    ----------
    number, claim, evidence
        Its number, what is said in one line, and what the sources say of it.
    form, why_not
        How it is tested; or why it cannot be, and then there are no sentences.
    known
        When the data of the test can be known.
    sources
        Where the evidence comes from.
    sentences
        What is judged of it.
    shown
        Ids of other claims' sentences that speak to it too; of one that cannot be tested, its proxy.
    """

    number: str
    claim: str
    evidence: str
    form: str
    why_not: str
    known: str
    sources: tuple[str, ...]
    sentences: tuple[Sentence, ...]
    shown: tuple[str, ...] = ()

    @property
    def testable(self) -> bool:
        """Whether a strategy can test it."""
        return not self.why_not


@dataclass(frozen=True, kw_only=True)
class PortfolioPlan:
    """The thesis as one account: which strategy times which leg, and of which sentence it is a row.

    Attributes
    ----------
    sentence
        Id of the sentence that it is a row of.
    title
        Its name.
    legs
        Leg -> name of the strategy that times it.
    """

    sentence: str
    title: str
    legs: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class BreakPlan:
    """A question about the data: whether the metals' link to a driver broke.

    Attributes
    ----------
    claim
        Number of the claim that says so.
    title
        What is asked.
    driver
        Id of the dataset that the metal is said to follow no more.
    """

    claim: str
    title: str
    driver: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Thesis:
    """Claims, and the strategies that test them.

    Attributes
    ----------
    title
        Its name.
    published
        The day on which the thesis was published: what came after did not suggest it.
    limits
        What the data cannot say, whatever the verdicts.
    claims
        Every claim, those that cannot be tested among them.
    baselines
        Names of the sceptic's yardsticks, a family of their own.
    portfolio
        The thesis as one account, where it declares one.
    breaks
        Which links to a driver are said to have broken.
    strategies
        Every strategy that the thesis comes with, by name, in the order of the sentences.
    folder
        Where its ``thesis.toml`` lies.
    sha256
        Of the text.
    """

    title: str
    published: date
    limits: tuple[str, ...]
    claims: tuple[Claim, ...]
    baselines: tuple[str, ...]
    portfolio: PortfolioPlan | None
    breaks: tuple[BreakPlan, ...]
    strategies: Mapping[str, Strategy] = field(repr=False)
    folder: Path
    sha256: str

    @property
    def sentences(self) -> dict[str, Sentence]:
        """Every directional sentence by id, in the order of the claims."""
        return {sentence.id: sentence for claim in self.claims for sentence in claim.sentences}

    def sentence_of(self, strategy: Strategy) -> Sentence | None:
        """The sentence that a strategy of the thesis is counted under; ``None`` for any other.

        Parameters
        ----------
        strategy
            The strategy.
        """
        if self.strategies.get(strategy.name) is not strategy:
            return None
        found = (s for s in self.sentences.values() if strategy.name in (*s.strategies, *s.beside))
        return next(found, None)

    def claims_of(self, strategy: Strategy) -> tuple[str, ...]:
        """Numbers of the claims that a strategy speaks to: the one that it is counted under, then where it is shown.

        Parameters
        ----------
        strategy
            The strategy.
        """
        sentence = self.sentence_of(strategy)
        if sentence is None:
            return ()
        return (sentence.claim, *(claim.number for claim in self.claims if sentence.id in claim.shown))

    def kind_of(self, strategy: Strategy) -> Kind:
        """Which family a strategy belongs to: what the thesis does not name is one's own.

        Parameters
        ----------
        strategy
            The strategy.
        """
        if self.sentence_of(strategy) is not None:
            return "thesis"
        bundled = self.strategies.get(strategy.name) is strategy
        return "baseline" if bundled and strategy.name in self.baselines else "own"

    def of_kind(self, kind: Kind) -> list[Strategy]:
        """Strategies of one family.

        Parameters
        ----------
        kind
            ``"thesis"``, ``"baseline"`` or ``"own"``.
        """
        return [item for item in self.strategies.values() if self.kind_of(item) == kind]


def load_thesis(folder: str | Path | None = None) -> Thesis:
    """Read a thesis from its folder; by default the bundled one.

    Parameters
    ----------
    folder
        Its folder; by default the bundled thesis.

    Raises
    ------
    RegistryError
        If the text is missing, lacks what every claim must say, or names what there is not.
    StrategyError
        If a strategy of it does not import.
    """
    return _bundled() if folder is None else _read(Path(folder), strategies_in)


@cache
def _bundled() -> Thesis:
    return _read(bundled_folder(), lambda _: all_strategies())


def _read(folder: Path, find: Callable[[Path], Mapping[str, Strategy]]) -> Thesis:
    path = folder / FILE
    try:
        content = path.read_bytes()
        text = tomllib.loads(content.decode("utf-8"))
    except (OSError, ValueError) as error:
        raise RegistryError(f"{path}: {reason(error)}; a thesis is a folder with a {FILE}") from None
    _needs(text, ("title", "published", "claims"), str(path), "every thesis must say it")
    if not isinstance(text["published"], date):
        raise RegistryError(f"{path}: published is {text['published']!r}; write a date, 2025-12-12")
    claims = tuple(_claim(entry, str(path)) for entry in text["claims"])
    plan = text.get("portfolio")
    found = find(folder)
    baselines = tuple(text.get("baselines", ()))
    named = [name for claim in claims for s in claim.sentences for name in (*s.strategies, *s.beside)]
    order = [name for name in dict.fromkeys([*named, *baselines, *found]) if name in found]
    thesis = Thesis(
        title=str(text["title"]),
        published=text["published"],
        limits=tuple(map(str, text.get("limits", ()))),
        claims=claims,
        baselines=baselines,
        portfolio=PortfolioPlan(**plan) if plan else None,
        breaks=tuple(BreakPlan(**item) for item in text.get("breaks", ())),
        strategies={name: found[name] for name in order},
        folder=folder,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    _check(thesis, named, str(path))
    return thesis


def _claim(entry: Entry, where: str) -> Claim:
    name = f"{where}: claim {entry.get('number', '?')}"
    _needs(entry, ("number", "claim", "evidence", "sources"), name, "every claim must say it")
    testable = entry.get("testable")
    if not isinstance(testable, bool):
        raise RegistryError(f"{name}: testable must be true or false")
    if testable:
        _needs(entry, ("form", "sentences"), name, "say how it is tested")
    else:
        _needs(entry, ("why_not",), name, "say why it cannot be tested")
    return Claim(
        **{key: str(entry.get(key, "")) for key in ("number", "claim", "evidence", "form", "why_not", "known")},
        sources=tuple(map(str, entry["sources"])),
        sentences=tuple(_sentence(item, entry["number"], name) for item in entry.get("sentences", ())),
        shown=tuple(entry.get("shown", ())),
    )


def _sentence(entry: Entry, number: str, where: str) -> Sentence:
    _needs(entry, ("id", "short", "sentence", "strategies", "falsifier"), where, "every sentence must say it")
    identity = str(entry["id"])
    if not re.fullmatch(rf"{re.escape(number)}[a-z]?[+-]", identity):
        raise RegistryError(f"{where}: sentence {identity!r} must be {number}+ or {number}-, or {number}a+ of several")
    return Sentence(
        id=identity,
        claim=number,
        text=entry["sentence"],
        sign=1 if identity.endswith("+") else -1,
        strategies=tuple(entry["strategies"]),
        beside=tuple(entry.get("beside", ())),
        worthwhile_return=float(entry.get("worthwhile_return", inf)),
        **{key: entry.get(key, "") for key in ("short", "falsifier", "rests_on")},
    )


def _needs(entry: Entry, keys: Iterable[str], where: str, remedy: str) -> None:
    for key in keys:
        if not entry.get(key):
            raise RegistryError(f"{where}: {key!r} is missing; {remedy}")


def _check(thesis: Thesis, named: list[str], where: str) -> None:
    """Whether everything named is there, once, and says what its sentence says."""
    identities = [sentence.id for claim in thesis.claims for sentence in claim.sentences]
    _once((claim.number for claim in thesis.claims), f"{where}: claim")
    _once(identities, f"{where}: sentence")
    _once([*named, *thesis.baselines], f"{where}: strategy")
    legs = thesis.portfolio.legs.values() if thesis.portfolio else ()
    for name in (*named, *thesis.baselines, *legs):
        if name not in thesis.strategies:
            raise RegistryError(f"{where}: there is no strategy {name!r}{did_you_mean(name, thesis.strategies)}")
    shown = [identity for claim in thesis.claims for identity in claim.shown]
    for identity in (*shown, *([thesis.portfolio.sentence] if thesis.portfolio else [])):
        if identity not in identities:
            raise RegistryError(f"{where}: there is no sentence {identity!r}{did_you_mean(identity, identities)}")
    for sentence in thesis.sentences.values():
        for name in (*sentence.strategies, *sentence.beside):
            sign = thesis.strategies[name].expected_sign
            if sign != sentence.sign:
                raise RegistryError(
                    f"{where}: {sentence.id} has strategy {name!r} of sign {sign:+d}; signs are never pooled"
                )


def _once(names: Iterable[str], what: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise RegistryError(f"{what} {twice[0]!r} stands twice; keep one")
