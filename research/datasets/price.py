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

import pandas as pd

from research.datasets.fields import from_table
from research.errors import NoData, RegistryError, did_you_mean
from research.values import frozen

COSTS = ("storage", "borrow")

_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Time of day and timezone at which a decision is taken on each bar."""

    time: str
    timezone: str


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
        When a decision is taken; None: the dataset's own moment.
    roll_business_days
        For a table by contract: business days before first notice on which the held contract is left; 0 otherwise.
    in_price
        Terms of an Execution that the price holds already, so that they are not charged twice.
    level
        Ids, ``{metal}`` for the metal, of the price an ounce that signals read, the first that is here; empty: what is
        traded.
    history_years, behind_days
        Fewest years of history, and most days behind the freshest price, with which it may be the default.
    """

    name: str
    title: str
    bills: tuple[str, ...]
    datasets: Mapping[str, str] = field(default_factory=dict)
    template: str = "{metal}_price"
    decision: Decision | None = None
    roll_business_days: int = 0
    in_price: frozenset[str] = frozenset()
    level: tuple[str, ...] = ()
    history_years: float = 0.0
    behind_days: int = 45

    def __post_init__(self) -> None:
        for cost in self.in_price - set(COSTS):
            raise RegistryError(f"in_price names {cost!r}{did_you_mean(cost, COSTS)}")

    def dataset(self, metal: str) -> str:
        """Id of what is traded, by name or by the pattern; empty where it is neither."""
        return self.datasets.get(metal) or self.template.format(metal=metal)


# The price of packs that name none: ``{metal}_price`` with ``bill_rate``.
PLAIN = Price(name="plain", title="the pack's own price", bills=("bill_rate",))


def parse_price(name: str, entry: Mapping[str, object]) -> Price:
    """Read one table of ``[prices]`` of a registry.

    Raises
    ------
    RegistryError
        Naming the field.
    """
    own = dict(entry)
    traded, metals = own.pop("dataset", ""), own.pop("metals", ())
    template = traded if isinstance(traded, str) else ""
    if template and isinstance(metals, list):
        traded = {metal: template.format(metal=metal) for metal in metals}
    named = frozen(traded) if isinstance(traded, Mapping) else {}
    price = from_table(Price, own, name=name, datasets=named, template=template)
    if not named:
        raise RegistryError(
            f"field {'metals' if template else 'dataset'!r} is missing; say what is traded, and of which metals"
        )
    return price


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
    whole = {name: list(price.datasets.values()) for name, price in prices.items()}
    spans = {name: [span(identity) for identity in ids] for name, ids in whole.items() if all(map(here, ids))}
    ends = {name: min(last for _, last in found) for name, found in spans.items()}
    if not spans:
        return PLAIN, "the only one in these packs"
    reasons = []
    for name, price in prices.items():
        if name not in spans:
            parts = " and ".join(filter(here, whole[name]))
            reasons.append(f"{name} is here for {parts} only" if parts else f"no {name} is here")
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
    freshest = max(ends, key=lambda name: ends[name])
    return prices[freshest], f"the freshest that is here ({'; '.join(reasons)})"


def unavailable(price: Price, metal: str, others: Sequence[str]) -> str:
    """The message for a metal that the chosen price cannot trade."""
    identity = price.dataset(metal)
    cures = [_cure(identity)] if identity else []
    cures += [f"--price {others[0]}"] if others else []
    return f"{metal}: price {price.name!r} needs {identity or 'a dataset'}: not here; {', or '.join(cures)}"


def _cure(identity: str) -> str:
    return f"assay data fetch {identity}, or assay data add FILE --as {identity}"
