"""Data: the packs in force, opened once and read on demand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from research.datasets.futures import held_contract
from research.datasets.market import Market, build_market
from research.datasets.panel import Panel
from research.datasets.plausibility import Quality, quality
from research.datasets.price import Price, choose, unavailable
from research.datasets.registry import Dataset, Pack, how_to_get, read_registry
from research.datasets.store import load, verify
from research.errors import ExecutionError, NoData, UnknownDataset, did_you_mean
from research.home import pack_folders
from research.memo import Memo
from research.values import Displayed

FIRST_YEAR, LAST_YEAR = 1700, 2500
_DATE = re.compile(r"(\d{4}(?:-\d{2}(?:-\d{2})?)?)(?:[T ]00:00(?::00)?)?")


def open_data(*packs: str | Path, bundled: bool = True, user: bool | None = None, price: str | None = None) -> Data:
    """Open what the command line opens: the bundled pack, the user's own over it, and any others over both.

    Later packs override earlier ones, id by id.

    Parameters
    ----------
    packs
        Folders of further packs.
    bundled
        Begin with the pack that ships with the package.
    user
        Put the user's own pack, which ``assay data fetch`` and ``assay data add`` make, over the bundled one,
        where there is one. By default as ``bundled``.
    price
        Which price to trade: ``monthly``, ``spot``, ``future`` or ``etf``; by default the best that is here and not
        stale (``data.price_line`` says which and why).

    Raises
    ------
    RegistryError
        If a folder is no pack.

    Examples
    --------
    >>> data = open_data(user=False)
    >>> data["bill_rate"].unit
    '% a year, bank discount'
    """
    return Data([read_registry(folder) for folder in pack_folders(*packs, bundled=bundled, user=user)], price)


class Data(Displayed):
    """Datasets by id, with what strategies and the engine need of them.

    Tables are read, checked against their hash and validated on first use, then kept.

    ``{metal}_price`` is, for signals, the price an ounce of the chosen ``Price``: a
    strategy that reads it goes on working whichever is traded. ``market`` holds what the account trades.

    Attributes
    ----------
    packs
        Packs in force; later ones override earlier ones, id by id.
    price
        Name of the price to trade; ``None`` for the best that is here.
    """

    def __init__(self, packs: Iterable[Pack], price: str | None = None) -> None:
        self.packs = tuple(packs)
        self._owner: dict[str, Pack] = {identity: pack for pack in self.packs for identity in pack.datasets}
        self._datasets = {identity: pack.datasets[identity] for identity, pack in self._owner.items()}
        self._prices: dict[str, Price] = {name: one for pack in self.packs for name, one in pack.prices.items()}
        self._priced_metals = {metal for one in self._prices.values() for metal in one.datasets}
        self._asked = price
        self._later: tuple[Data, pd.Timestamp] | None = None
        self._tables: dict[str, pd.DataFrame] = {}
        self._held: dict[str, pd.DataFrame] = {}
        self._markets: dict[tuple[str, str | None, str | None], Market] = {}
        self._memos: dict[tuple[object, ...], Memo] = {}  # by decision times
        if price is not None:
            self._choice  # noqa: B018 - a price that is not here is an error now, not at its first use

    def __reduce__(self) -> tuple[type[Data], tuple[tuple[Pack, ...], str | None]]:
        return Data, (self.packs, self._asked)  # tables are read anew, against their hashes

    def __repr__(self) -> str:
        return f"<Data of {len(self)} datasets in {' + '.join(str(pack.folder) for pack in self.packs)}>"

    def __contains__(self, identity: object) -> bool:
        return self._source(str(identity)) in self._owner

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._owner))

    def __len__(self) -> int:
        return len(self._owner)

    def __getitem__(self, identity: str) -> Dataset:
        source, rolled = self._resolved(identity)
        dataset = self._datasets[source]
        if not rolled:
            return dataset
        return replace(dataset, kind="series", key=(), price="close", title=f"{dataset.title}: close of the held one")

    def owner(self, identity: str) -> Pack:
        """The pack in force for one dataset.

        Parameters
        ----------
        identity
            Id of the dataset.
        """
        return self._owner[self._resolved(identity)[0]]

    def observations(self, identity: str) -> pd.DataFrame:
        """The whole observation table of one dataset.

        Parameters
        ----------
        identity
            Id of the dataset.
        """
        source, rolled = self._resolved(identity)
        if rolled:
            return self._held_contract(source)[["observed_for", "known_at", "value"]].copy()
        return self._own(source).copy()

    def known_by(self, moment: pd.Timestamp) -> Data:
        """The same packs as they stood at a moment (UTC): nothing that was published later, prices included.

        Parameters
        ----------
        moment
            UTC.
        """
        earlier = Data(self.packs, self._asked)
        earlier._later = self, moment
        return earlier

    def verify(self) -> list[str]:
        """One line per pinned file that is missing or changed; empty when all is well."""
        return [problem for pack in self.packs for problem in verify(pack)]

    @cached_property
    def _choice(self) -> tuple[Price, str]:
        def span(identity: str) -> tuple[pd.Timestamp, pd.Timestamp]:
            periods = self._own(identity)["observed_for"]
            return periods.min(), periods.max()

        return choose(self._prices, self._asked, self._owner.__contains__, span)

    @property
    def price(self) -> Price:
        """The price that is traded.

        Raises
        ------
        NoData
            If it was asked for by name, and is not here.
        """
        return self._choice[0]

    @property
    def price_line(self) -> str:
        """Which price is traded and why, as one sentence for the head of a table."""
        price, why = self._choice
        return f"price: {price.name}, {price.title}; {why}"

    def priced(self, price: str | None) -> Data:
        """The same packs with another price; ``None`` keeps this one.

        Parameters
        ----------
        price
            ``monthly``, ``spot``, ``future`` or ``etf``, or ``None``.
        """
        if price is None:
            return self
        other = Data(self.packs, price)
        other._tables, other._held, other._later = self._tables, self._held, self._later
        return other

    def metals(self) -> list[str]:
        """Metals that the chosen price names and can trade; of packs that name no price, those with a price."""
        named = self.price.datasets or [i.removesuffix("_price") for i in self._owner if self[i].price]
        return sorted(metal for metal in named if self.price.dataset(metal) in self._owner)

    def market(self, metal: str, start: str | None = None, end: str | None = None) -> Market:
        """Realised price of ``metal`` and bills, between two dates (inclusive).

        Parameters
        ----------
        start
            First bar, ``YYYY`` or ``YYYY-MM-DD``.
        end
            Last bar, ``YYYY`` or ``YYYY-MM-DD``.

        Raises
        ------
        NoData
            If the chosen price has no data for the metal, or nothing lies in the range.
        """
        asked = metal, start, end
        if asked not in self._markets:
            self._markets[asked] = self._market(*asked)
        kept = self._markets[asked]
        return replace(kept, price=kept.price.copy(deep=False), bill_accrual=kept.bill_accrual.copy(deep=False))

    def _market(self, metal: str, start: str | None, end: str | None) -> Market:
        traded = self._traded(metal)
        dataset = self._datasets[traded]
        held = self._held_contract(traded) if self._rolls(traded) else None
        table = self.observations(traded) if held is None else held
        bills = [(self[identity], self.observations(identity)) for identity in self.price.bills if identity in self]
        if not bills:
            raise UnknownDataset(f"bills: needs {' or '.join(self.price.bills)}: in none of the packs")
        market = build_market(
            metal,
            (replace(dataset, price=dataset.price or "close"), table),
            bills,
            _date(start, "start"),
            _date(end, "end"),
            excess_returns=None if held is None else held.set_index("observed_for")["excess_return"],
            in_price=self.price.in_price,
        )
        level = f"{metal}_price"
        return market if level not in self else replace(market, datasets={**market.datasets, level: self[level]})

    def panel(self, metal: str, inputs: Mapping[str, str], market: Market) -> Panel:
        """What was known of ``inputs`` (alias -> dataset id) at each bar of ``market``.

        Parameters
        ----------
        metal
            The metal that is traded: ``{metal}`` in an id stands for it.

        Raises
        ------
        UnknownDataset
            If no pack holds one of them, with all that are missing.
        """
        missing = sorted({identity for identity in inputs.values() if identity not in self})
        if missing:
            raise UnknownDataset(f"needs {', '.join(missing)}: in none of the packs; {how_to_get(missing)}")
        index = pd.DatetimeIndex(market.price.index)
        at = self.price.decision or self[self._traded(metal)].decision
        if at is None:
            raise NoData(f"{self._traded(metal)}: no moment of decision; say `decision` in the registry")
        clock = index + pd.Timedelta(f"{at.time}:00")
        local = clock.tz_localize(at.timezone, ambiguous=True, nonexistent="shift_forward")
        decisions = pd.Series(local.tz_convert("UTC"), index=index).astype("datetime64[us, UTC]")
        ids = set(inputs.values())
        return Panel(
            metal,
            decisions,
            inputs,
            {identity: self[identity] for identity in ids},
            {identity: self.observations(identity) for identity in ids},
            self._memos.setdefault((at, index.unit, index.asi8.tobytes()), Memo()),
        )

    def quality(self, metal: str, since: pd.Timestamp | None = None) -> Quality:
        """What is wrong with the price that the account trades: spikes, frozen runs, splits, gaps, empty rows.

        Parameters
        ----------
        metal
            Which metal.
        since
            Only what lies after it.
        """
        traded = self._traded(metal)
        traded = f"{metal}_price" if self._rolls(traded) else traded
        return quality(self[traded], self.observations(traded), since)

    def prices_looked_over(self) -> list[Quality]:
        """The quality of every price that is here, and of the price an ounce where it is made from contracts."""
        prices = [self._datasets[identity] for identity in self if self._datasets[identity].price]
        found = [quality(dataset, self._own(dataset.id)) for dataset in prices]
        return found + [self.quality(metal) for metal in self.metals() if self._rolls(self.price.dataset(metal))]

    def coverage(self, identity: str) -> tuple[pd.Timestamp, pd.Timestamp, int]:
        """First and last period of one dataset, and its number of rows.

        Parameters
        ----------
        identity
            Id of the dataset.
        """
        table = self.observations(identity)
        return table["observed_for"].min(), table["observed_for"].max(), len(table)

    def _own(self, identity: str) -> pd.DataFrame:
        """The table that the packs hold under the very id."""
        if identity not in self._tables:
            if self._later is None:
                table = load(self._owner[identity], self._datasets[identity])
            else:
                later, moment = self._later
                whole = later._own(identity)
                table = whole[whole["known_at"] <= moment].reset_index(drop=True)
            self._tables[identity] = table
        return self._tables[identity]

    def _traded(self, metal: str) -> str:
        identity = self.price.dataset(metal)
        if identity in self._owner:
            return identity
        if metal not in self._priced_metals:
            raise NoData(f"metal {metal!r}: no dataset {identity!r}{did_you_mean(metal, self.metals())}")
        others = [name for name, price in self._prices.items() if price.dataset(metal) in self._owner]
        raise NoData(unavailable(self.price, metal, others))

    def _source(self, identity: str) -> str:
        """The id whose observations stand under ``identity``: its own, but for the price an ounce."""
        metal = identity.removesuffix("_price")
        if metal == identity or metal not in self._priced_metals:
            return identity
        levels = [level.format(metal=metal) for level in self.price.level] or [self.price.dataset(metal)]
        return next((level for level in levels if level in self._owner), identity)

    def _resolved(self, identity: str) -> tuple[str, bool]:
        """The id in the packs, and whether its contracts are to be rolled into the price an ounce."""
        source = self._source(identity)
        if source not in self._owner:
            raise UnknownDataset(f"dataset {identity!r}: in none of the packs{did_you_mean(identity, self._owner)}")
        return source, source != identity and self._rolls(source)

    def _rolls(self, identity: str) -> bool:
        return bool(self.price.roll_business_days) and self._datasets[identity].kind == "table"

    def _held_contract(self, identity: str) -> pd.DataFrame:
        """``observed_for, known_at, value`` (close) and ``excess_return`` of the contract held on each day."""
        if identity not in self._held:
            self._held[identity] = held_contract(self.observations(identity), self.price.roll_business_days)
        return self._held[identity]


def _date(given: object, option: str) -> pd.Timestamp | None:
    """The first day of ``2006``, ``2006-01`` or ``2006-01-31``, of an ``end`` the last; a year or a date as well.

    Nothing else is read, so that ``01/02/2006`` means nothing rather than one of two days.
    """
    if given is None:
        return None
    form = _DATE.fullmatch(str(given))  # of a datetime at midnight too
    try:
        period = pd.Period(form[1]) if form else None
    except ValueError:
        period = None
    if period is None or not FIRST_YEAR <= period.year <= LAST_YEAR:
        years = f"of {FIRST_YEAR} to {LAST_YEAR}"
        raise ExecutionError(f"{option}: {str(given)!r} is no date {years}; write YYYY, YYYY-MM or YYYY-MM-DD")
    return (period.start_time if option == "start" else period.end_time).normalize()
