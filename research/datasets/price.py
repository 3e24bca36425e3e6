"""Price: which price an account trades is a choice with a name, and what each name needs is data.

A registry says it, the best first::

    [prices.future]
    title = "the future held by contract, rolled before first notice, Treasury bills as collateral"
    dataset = "{metal}_futures"                 # or { gold = "gld_price", silver = "slv_price" }
    metals = ["gold", "silver"]
    bills = ["bill_rate_daily", "bill_rate"]    # the first that knows a rate on the day
    decision = { time = "18:00", timezone = "America/New_York" }
    roll_business_days = 5                      # for a table by contract
    in_price = ["storage", "borrow"]            # costs that the price holds already
    level = ["{metal}_spot", "{metal}_price"]   # what signals read as {metal}_price, where it is not what is traded
    history_years = 10                          # fewest years with which it is the default
    behind_days = 45                            # days by which it may end before the freshest price and be the default
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pandas as pd

from research.errors import NoData, RegistryError, did_you_mean

COSTS = ("storage", "borrow")

_KEYS = (
    "title", "dataset", "metals", "bills", "decision", "roll_business_days", "in_price", "level", "history_years",
    "behind_days",
)  # fmt: skip
_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, kw_only=True)
class Price:
    """One way to hold a metal: the dataset that is traded, and the terms that come with it.

    Attributes
    ----------
    datasets
        Metal -> id of the dataset that is traded, for the metals that must be here for it to be the default.
    template
        The same with ``{metal}``, for any other metal; empty where there is no pattern.
    bills
        Ids of bill rates, in order: on each bar the first that knows one counts.
    decision
        Time of day and timezone at which a decision is taken; empty: the dataset's own.
    roll_business_days
        For a table by contract: business days before first notice on which the held contract is left; 0 otherwise.
    in_price
        Terms of an Execution that the price holds already, so that they are not charged twice.
    levels
        Ids, ``{metal}`` for the metal, of the price an ounce that signals read, the first that is here; empty: what is
        traded.
    history_years, behind_days
        Fewest years of history, and most days behind the freshest price, with which it may be the default.
    """

    name: str
    title: str
    datasets: Mapping[str, str] = field(default_factory=dict)
    template: str = "{metal}_price"
    bills: tuple[str, ...] = ("bill_rate",)
    decision: tuple[str, str] = ("", "")
    roll_business_days: int = 0
    in_price: frozenset[str] = frozenset()
    levels: tuple[str, ...] = ()
    history_years: float = 0.0
    behind_days: int = 45

    def dataset(self, metal: str) -> str:
        """Id of what is traded, by name or by the pattern; empty where it is neither."""
        return self.datasets.get(metal) or self.template.format(metal=metal)


PLAIN = Price(name="plain", title="the pack's own price")
"""The price of packs that name none: ``{metal}_price`` with ``bill_rate``."""


def parse_prices(spec: Mapping[str, Any], where: str) -> Mapping[str, Price]:
    """Read ``[prices]`` of a registry.

    Raises
    ------
    RegistryError
        Naming the price and the field.
    """
    return MappingProxyType({name: _parse(name, entry, f"{where}: [prices.{name}]") for name, entry in spec.items()})


def _parse(name: str, entry: Mapping[str, Any], where: str) -> Price:
    for key in entry:
        if key not in _KEYS:
            raise RegistryError(f"{where}: unknown field {key!r}{did_you_mean(key, _KEYS)}")
    for key in ("title", "dataset", "bills"):
        if not entry.get(key):
            raise RegistryError(f"{where}: field {key!r} is missing; every price must say it")
    traded = entry["dataset"]
    template = traded if isinstance(traded, str) else ""
    if template:
        traded = {metal: traded.format(metal=metal) for metal in entry.get("metals", ())}
    if not traded:
        raise RegistryError(f"{where}: field 'metals' is missing; say of which metals, e.g. metals = [\"gold\"]")
    unknown = [cost for cost in entry.get("in_price", ()) if cost not in COSTS]
    if unknown:
        raise RegistryError(f"{where}: in_price names {unknown[0]!r}{did_you_mean(unknown[0], COSTS)}")
    decision = entry.get("decision", {})
    return Price(
        name=name,
        title=entry["title"],
        datasets=MappingProxyType(dict(traded)),
        template=template,
        bills=tuple(entry["bills"]),
        decision=(decision.get("time", ""), decision.get("timezone", "")),
        roll_business_days=entry.get("roll_business_days", 0),
        in_price=frozenset(entry.get("in_price", ())),
        levels=tuple(entry.get("level", ())),
        history_years=entry.get("history_years", 0.0),
        behind_days=entry.get("behind_days", 45),
    )


def choose(
    prices: Mapping[str, Price],
    asked: str | None,
    here: Callable[[str], bool],
    span: Callable[[str], tuple[pd.Timestamp, pd.Timestamp]],
) -> tuple[Price, str]:
    """The price to trade, and why, as one sentence.

    Asked for by name, it is that one. Otherwise it is the first, in the registry's order, that is here for all of its
    metals, has ``history_years``, and ends no more than ``behind_days`` before the freshest. No clock is read, so that
    the same packs give the same choice on every day.

    Parameters
    ----------
    here, span
        Whether an id is in the packs, and its first and last period.

    Raises
    ------
    NoData
        If there is no such price, or not its data.
    """
    if not prices and asked in (None, PLAIN.name):
        return PLAIN, "the only one in these packs"
    if asked is not None:
        if asked not in prices:
            raise NoData(f"price {asked!r}: no such choice here; there is {', '.join(prices) or PLAIN.name}")
        lacking = [identity for identity in prices[asked].datasets.values() if not here(identity)]
        if len(lacking) == len(prices[asked].datasets):
            raise NoData(f"price {asked!r}: needs {' or '.join(lacking)}: not here; {_cure(lacking[0])}")
        return prices[asked], "as asked" + (f"; {' and '.join(lacking)} not here" if lacking else "")
    whole = {name: price for name, price in prices.items() if all(map(here, price.datasets.values()))}
    spans = {name: [span(identity) for identity in price.datasets.values()] for name, price in whole.items()}
    ends = {name: min(last for _, last in found) for name, found in spans.items()}
    reasons = []
    for name, price in prices.items():
        parts = [identity for identity in price.datasets.values() if here(identity)]
        if name not in whole:
            reasons.append(f"{name} is here for {' and '.join(parts)} only" if parts else f"no {name} is here")
            continue
        years = min((last - first).days for first, last in spans[name]) / _DAYS_PER_YEAR
        behind = (max(ends.values()) - ends[name]).days
        if behind > price.behind_days:
            reasons.append(f"{name} ends {ends[name]:%Y-%m-%d}, {behind} days before the freshest")
        elif years < price.history_years:
            reasons.append(f"{name} has {years:.1f} years, under {price.history_years:g}")
        else:
            better = f" ({'; '.join(reasons)})" if reasons else ""
            return price, f"the best that is here and not stale{better}"
    if not whole:
        return PLAIN, "the only one in these packs"
    freshest = max(whole, key=lambda name: ends[name])
    return whole[freshest], f"the freshest that is here ({'; '.join(reasons)})"


def unavailable(price: Price, metal: str, others: Sequence[str]) -> str:
    """The message for a metal that the chosen price cannot trade."""
    identity = price.dataset(metal)
    cures = [_cure(identity)] if identity else []
    cures += [f"--price {others[0]}"] if others else []
    return f"{metal}: price {price.name!r} needs {identity or 'a dataset'}: not here; {', or '.join(cures)}"


def _cure(identity: str) -> str:
    return f"assay data fetch {identity}, or assay data add FILE --as {identity}"
