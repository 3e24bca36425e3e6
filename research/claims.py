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

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from math import inf
from pathlib import Path
from typing import Literal

from research.datasets.fields import from_table
from research.discovery import all_strategies, find_strategy, strategies_in
from research.errors import RegistryError, did_you_mean, located, reason
from research.home import bundled_folder
from research.provenance import hash_bytes
from research.thesis import Strategy

FILE = "thesis.toml"
Kind = Literal["thesis", "baseline", "own"]


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A claim in one direction: what is judged.

    Attributes
    ----------
    id
        ``"C1+"``: the claim's number, a letter where one direction has two readings, and the sign.
    claim
        Number of the claim.
    short, sentence
        It in six or seven words, and in full.
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
    sentence: str
    sign: int
    strategies: tuple[str, ...]
    falsifier: str
    beside: tuple[str, ...] = ()
    rests_on: str = ""
    worthwhile_return: float = inf

    @classmethod
    def own(cls, strategy: Strategy) -> Sentence:
        """What a strategy claims that no thesis has.

        Parameters
        ----------
        strategy
            The strategy.
        """
        return cls(
            id=strategy.name,
            claim="",
            short=strategy.claim,
            sentence=strategy.claim,
            sign=strategy.expected_sign,
            strategies=(strategy.name,),
            falsifier=strategy.falsifier,
        )


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of a thesis.

    Attributes
    ----------
    number, claim, evidence
        Its number, what is said in one line, and what the sources say of it.
    testable
        Whether a strategy can test it.
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
    sources: tuple[str, ...]
    sentences: tuple[Sentence, ...]
    testable: bool
    form: str = ""
    why_not: str = ""
    known: str = ""
    shown: tuple[str, ...] = ()


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
    claims: tuple[Claim, ...]
    strategies: Mapping[str, Strategy] = field(repr=False)
    folder: Path
    sha256: str
    limits: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()
    portfolio: PortfolioPlan | None = None
    breaks: tuple[BreakPlan, ...] = ()

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

    def said(self, strategy: Strategy) -> Sentence:
        """The sentence that a strategy is counted under, or what it claims itself.

        Parameters
        ----------
        strategy
            The strategy.
        """
        return self.sentence_of(strategy) or Sentence.own(strategy)

    def find(self, what: str | Strategy) -> Strategy:
        """A strategy by its name or file, or as the first that measures a sentence.

        Parameters
        ----------
        what
            Id of a sentence (``"C1+"``), or a strategy, its name or its file.

        Raises
        ------
        UnknownStrategy
            If there is none of that name, with the nearest one named.
        """
        measures = {name: self.strategies[sentence.strategies[0]] for name, sentence in self.sentences.items()}
        return find_strategy(what, {**measures, **self.strategies})

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
    found = find(folder)
    with located(str(path)):
        claims = tuple(map(_claim, text.pop("claims", ())))
        breaks = tuple(from_table(BreakPlan, item) for item in text.pop("breaks", ()))
        named = [name for claim in claims for s in claim.sentences for name in (*s.strategies, *s.beside)]
        order = dict.fromkeys([*named, *text.get("baselines", ()), *found])
        thesis = from_table(
            Thesis,
            text,
            claims=claims,
            breaks=breaks,
            strategies={name: found[name] for name in order if name in found},
            folder=folder,
            sha256=hash_bytes(content),
        )
        _check(thesis, named)
    return thesis


def _claim(entry: Mapping[str, object]) -> Claim:
    number = str(entry.get("number", "?"))
    with located(f"claim {number}"):
        own = {key: value for key, value in entry.items() if key != "sentences"}
        sentences = entry.get("sentences", ())
        if not isinstance(sentences, list | tuple):
            raise RegistryError(f"sentences is {sentences!r}; write tables, [[claims.sentences]]")
        claim = from_table(Claim, own, sentences=tuple(_sentence(item, number) for item in sentences))
        for key in ("form", "sentences") if claim.testable else ("why_not",):
            if not getattr(claim, key):
                raise RegistryError(f"field {key!r} is missing; say {'how' if claim.testable else 'why not'}")
        return claim


def _sentence(entry: Mapping[str, object], number: str) -> Sentence:
    identity = str(entry.get("id"))
    if not re.fullmatch(rf"{re.escape(number)}[a-z]?[+-]", identity):
        raise RegistryError(f"sentence {identity!r} must be {number}+ or {number}-, or {number}a+ of several")
    return from_table(Sentence, entry, claim=number, sign=1 if identity.endswith("+") else -1)


def _check(thesis: Thesis, named: list[str]) -> None:
    """Whether anything is claimed, and everything named is there, once, and says what its sentence says."""
    if not thesis.claims:
        raise RegistryError("field 'claims' is missing; every thesis makes one")
    identities = [sentence.id for claim in thesis.claims for sentence in claim.sentences]
    numbers, strategies = [claim.number for claim in thesis.claims], [*named, *thesis.baselines]
    for what, names in {"claim": numbers, "sentence": identities, "strategy": strategies}.items():
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise RegistryError(f"{what} {twice[0]!r} stands twice; keep one")
    plan = thesis.portfolio
    shown = [identity for claim in thesis.claims for identity in claim.shown]
    asked = {
        "strategy": ([*strategies, *(plan.legs.values() if plan else ())], thesis.strategies),
        "sentence": ([*shown, *([plan.sentence] if plan else ())], identities),
    }
    for what, (names, known) in asked.items():
        for name in names:
            if name not in known:
                raise RegistryError(f"there is no {what} {name!r}{did_you_mean(name, known)}")
    for sentence in thesis.sentences.values():
        for name in (*sentence.strategies, *sentence.beside):
            sign = thesis.strategies[name].expected_sign
            if sign != sentence.sign:
                raise RegistryError(f"{sentence.id} has strategy {name!r} of sign {sign:+d}; signs are never pooled")
