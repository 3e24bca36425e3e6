"""Put a claim on record: the sentence, its grid, its code, its data rules and its terms, dated now.

Its code is the text of its files, and strategies are made of that text again.
"""

from __future__ import annotations

import ast
import atexit
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from math import isfinite
from pathlib import Path

import pandas as pd

from research.claims import Sentence, Thesis, load_thesis
from research.datasets.data import Data, open_data
from research.diagnostics import anytime
from research.diagnostics.timing import Timing
from research.discovery import strategies_in
from research.errors import NoData, NoDecision, RegistrationError, UnknownDataset
from research.execution import Execution
from research.provenance import hash_code, versions
from research.registration.document import Registration
from research.study.candidates import Terms, candidate, label
from research.study.portfolio import ROW, Portfolio
from research.study.threads import one_thread
from research.thesis import Strategy
from research.verdict import Rules

HOUSE = ("signals", "thesis.py")
"""What every signal calls, by path in this package."""

Row = tuple[str, Timing, pd.Series]


@one_thread()
def register(
    what: str | Strategy,
    data: Data | None = None,
    *,
    price: str | None = None,
    execution: Execution | None = None,
    level: float = 0.05,
    registered_with: int = 1,
    thesis: Thesis | None = None,
) -> Registration:
    """Freeze a claim as of now.

    Parameters
    ----------
    what
        Id of a sentence of the thesis (``"C1+"``), or a strategy, its name or its file.
    data, price, execution
        What is traded, at which price, and on which terms; by default what the command line takes.
    level
        Chance that a false word is ever said, over all looks.
    registered_with
        Number of claims that are registered together and share the level.
    thesis
        Whose sentences go by id; by default the bundled one.

    Raises
    ------
    AssayError
        If there is no such claim, or no price for it.
    """
    data, thesis = (data or open_data()).priced(price), thesis or load_thesis()
    execution = (execution or Execution()).without(data.price.in_price)
    item, plan = thesis.find(what), thesis.portfolio
    said = thesis.sentences.get(str(what)) or Sentence.own(item)  # a strategy by its name is a claim of its own
    legs = dict(plan.legs) if plan and plan.sentence == said.id else {}
    found = {**thesis.strategies, item.name: item}
    measures = {name: found[name] for name in dict.fromkeys([*said.strategies, *legs.values()])}
    declared = {"worthwhile_return": said.worthwhile_return} if isfinite(said.worthwhile_return) else {}
    sources, code = sources_of(measures.values()), {one: item.source_hash for one, item in measures.items()}
    strategies_of(sources, code, said.id)  # the files at hand must be enough
    inputs = {i for item in measures.values() for metal in item.metals for i in item.inputs_for(metal).values()}
    return Registration(
        name=said.id,
        registered=f"{_now():%Y-%m-%dT%H:%M:%SZ}",
        assay=versions()["assay"],
        house=hash_code(*HOUSE),
        claim=said.short,
        sentence=said.sentence,
        sign=said.sign,
        falsifier=said.falsifier,
        level=Rules(level=level).level,
        registered_with=registered_with,
        price=data.price.name,
        strategies=list(said.strategies),
        legs=legs,
        terms=asdict(execution),
        grid={name: {key: [*map(repr, one)] for key, one in item.grid.items()} for name, item in measures.items()},
        effect={"information_ratio": anytime.PRIOR_RATIO, **declared},
        scales=_scales(said, measures, legs, data, execution),
        data={identity: data_rule(data, identity) for identity in sorted({*inputs, *data.price.bills})},
        code=code,
        sources=sources,
    )


def sources_of(strategies: Iterable[Strategy]) -> dict[str, str]:
    """Text by file name: each strategy's own file, and the neighbours that these import.

    Raises
    ------
    RegistrationError
        If a strategy stands in no file.
    """
    found: dict[str, str] = {}
    todo = []
    for item in strategies:
        todo.append(Path(item.signal.__code__.co_filename))
        if not todo[-1].is_file():
            raise RegistrationError(f"{item.name}: stands in no file; save it as a .py file and register that")
    while todo:
        path = todo.pop()
        if path.name not in found:
            found[path.name] = path.read_text(encoding="utf-8")
            nearby = (path.parent / f"{name}.py" for name in sorted(_imported(found[path.name])))
            todo += [file for file in nearby if file.is_file()]
    return dict(sorted(found.items()))


def strategies_of(sources: Mapping[str, str], sha256: Mapping[str, str], where: str) -> dict[str, Strategy]:
    """The strategies of these files that are named, each once its code is known to be the registered one.

    Raises
    ------
    RegistrationError
        If one is not there, or computes something else.
    """
    found = _loaded(tuple(sources.items()))
    for name, digest in sha256.items():
        if name not in found or found[name].source_hash != digest:
            files = ", ".join(sources)
            raise RegistrationError(f"{where}: code: {name} computes something else by {files} alone; register it anew")
    return {name: found[name] for name in sha256}


@cache
def _loaded(sources: tuple[tuple[str, str], ...]) -> dict[str, Strategy]:
    folder = tempfile.TemporaryDirectory(prefix="assay_registered_")
    atexit.register(folder.cleanup)
    for name, text in sources:
        (Path(folder.name) / Path(name).name).write_text(text, encoding="utf-8")
    return strategies_in(Path(folder.name))


def _imported(text: str) -> set[str]:
    """First names of everything that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} if node.module else {alias.name for alias in node.names}
    return {name.partition(".")[0] for name in names}


def rows_of(
    strategies: Iterable[Strategy], legs: Mapping[str, Strategy], data: Data, execution: Execution
) -> list[Row]:
    """Every row that the data allow: its label, its timing series, and when each bar's decision is taken (UTC)."""
    rows: list[Row] = []
    for item, metal in [(one, metal) for one in strategies for metal in one.metals]:
        with suppress(NoData, UnknownDataset, NoDecision):
            made = candidate(item, data, metal, None, Terms(execution))
            decided = data.panel(metal, {}, made.market).decision_times
            points = made.points.items()
            rows += [(name, one.timing, decided) for name, one in points if one.declared and one.timing is not None]
    with suppress(NoData, UnknownDataset, NoDecision):
        held = Portfolio.assembled(legs, data, Terms(execution)) if legs else None
        if held is not None:
            metal = data.metals()[0]
            decided = data.panel(metal, {}, data.market(metal)).decision_times
            rows.append((ROW, held.timing(), decided.reindex(held.book.price.index)))
    return rows


def data_rule(data: Data, identity: str) -> str:
    """Unit, when it is known and how long it is used."""
    if identity not in data:
        return "in none of the packs"
    dataset = data[identity]
    return f"{dataset.unit}; known {dataset.release_words}; used for {dataset.longest_useful_age.days} days"


def _scales(
    said: Sentence, measures: Mapping[str, Strategy], legs: Mapping[str, str], data: Data, execution: Execution
) -> dict[str, float]:
    """Of each declared row, by what lies before today; without a history, that of a position held half of the time."""
    strategies = [measures[name] for name in said.strategies]
    scales: dict[str, float] = {}
    for item, metal in [(one, metal) for one in strategies for metal in one.metals if metal in data.metals()]:
        market = data.market(metal)
        half = float((market.price.pct_change() - market.bill_accrual).std()) / 2
        scales |= {label(item.name, metal, values): half for values in item.variants()}
    for name, timing, _ in rows_of(strategies, {leg: measures[one] for leg, one in legs.items()}, data, execution):
        if timing.is_timed:
            scales[name] = float(timing.gross.std())
    if not scales:
        raise NoData(f"{said.id}: no price of {', '.join(strategies[0].metals)} is here; assay data fetch")
    return scales


def _now() -> pd.Timestamp:
    return pd.Timestamp.now("UTC")
