"""Data: the packs in force, opened once and read on demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from pathlib import Path

import pandas as pd

from research.datasets.dataset import Dataset
from research.datasets.market import Market, build_market
from research.datasets.panel import Panel
from research.datasets.registry import Pack, read_registry
from research.datasets.store import load, verify
from research.datasets.user_pack import user_pack_folder
from research.errors import ExecutionError, NoData, UnknownDataset, did_you_mean

_HERE = Path(__file__).resolve().parent


def open_data(*packs: str | Path, bundled: bool = True, user: bool = False) -> Data:
    """Open the bundled pack, and any others over it: later packs override earlier ones, id by id.

    Parameters
    ----------
    packs
        Folders of further packs.
    bundled
        Begin with the pack that ships with the package.
    user
        Put the user's own pack, which ``assay data fetch`` and ``assay data add`` make, over the bundled one,
        where there is one.

    Examples
    --------
    >>> data = open_data()
    >>> data["gold_price"].unit
    'USD per troy ounce'
    """
    folders = [bundled_folder()] if bundled else []
    if user and (user_pack_folder() / "registry.toml").exists():
        folders.append(user_pack_folder())
    folders += [Path(pack).expanduser() for pack in packs]
    return Data([read_registry(folder) for folder in folders])


def bundled_folder() -> Path:
    """The folder of the pack that ships with the package (``data/`` in a clone)."""
    installed = _HERE.parent / "_bundled"
    return installed if installed.is_dir() else _HERE.parents[1] / "data"


class Data:
    """Datasets by id, with what strategies and the engine need of them.

    Tables are read, checked against their hash and validated on first use, then kept.
    """

    def __init__(self, packs: Iterable[Pack]) -> None:
        self.packs = tuple(packs)
        self._owner: dict[str, Pack] = {identity: pack for pack in self.packs for identity in pack.datasets}
        self._tables: dict[str, pd.DataFrame] = {}
        self._later: tuple[Data, pd.Timestamp] | None = None

    def __contains__(self, identity: object) -> bool:
        return identity in self._owner

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._owner))

    def __len__(self) -> int:
        return len(self._owner)

    def __getitem__(self, identity: str) -> Dataset:
        if identity not in self._owner:
            raise UnknownDataset(f"dataset {identity!r}: in none of the packs{did_you_mean(identity, self._owner)}")
        return self._owner[identity].datasets[identity]

    def owner(self, identity: str) -> Pack:
        """The pack in force for one dataset."""
        self[identity]
        return self._owner[identity]

    def observations(self, identity: str) -> pd.DataFrame:
        """The whole observation table of one dataset."""
        dataset = self[identity]
        if identity not in self._tables:
            if self._later is None:
                table = load(self._owner[identity], dataset)
            else:
                later, moment = self._later
                table = later.observations(identity)
                table = table[table["known_at"] <= moment].reset_index(drop=True)
            self._tables[identity] = table
        return self._tables[identity].copy()

    def known_by(self, moment: pd.Timestamp) -> Data:
        """The same packs as they stood at a moment (UTC): nothing that was published later, prices included."""
        earlier = copy(self)
        earlier._tables, earlier._later = {}, (self, moment)
        return earlier

    def verify(self) -> list[str]:
        """One line per pinned file that is missing or changed; empty when all is well."""
        return [problem for pack in self.packs for problem in verify(pack)]

    def metals(self) -> list[str]:
        """Metals that have a price."""
        return sorted(identity.removesuffix("_price") for identity in self if self[identity].price)

    def market(self, metal: str, start: str | None = None, end: str | None = None) -> Market:
        """Realised price of ``metal`` and bills, between two dates (inclusive).

        Raises
        ------
        UnknownDataset, NoData
            If the metal has no price here, or nothing lies in the range.
        """
        price = self._price_id(metal)
        return build_market(
            metal,
            (self[price], self.observations(price)),
            (self["bill_rate"], self.observations("bill_rate")),
            _date(start, "start"),
            _date(end, "end"),
        )

    def panel(self, metal: str, inputs: Mapping[str, str], market: Market) -> Panel:
        """What was known of ``inputs`` (alias -> dataset id) at each bar of ``market``.

        Raises
        ------
        UnknownDataset
            If no pack holds one of them, with all that are missing.
        """
        dataset = self[self._price_id(metal)]
        missing = sorted({identity for identity in inputs.values() if identity not in self})
        if missing:
            raise UnknownDataset(f"needs {', '.join(missing)}: in none of the packs; `assay data` lists what there is")
        index = pd.DatetimeIndex(market.price.index)
        time, timezone = dataset.decision
        local = (index + pd.Timedelta(f"{time}:00")).tz_localize(timezone, ambiguous=True, nonexistent="shift_forward")
        decisions = pd.Series(local.tz_convert("UTC"), index=index).astype("datetime64[us, UTC]")
        ids = set(inputs.values())
        return Panel(
            metal,
            decisions,
            inputs,
            {identity: self[identity] for identity in ids},
            {identity: self.observations(identity) for identity in ids},
        )

    def coverage(self, identity: str) -> tuple[pd.Timestamp, pd.Timestamp, int]:
        """First and last period of one dataset, and its number of rows."""
        table = self.observations(identity)
        return table["observed_for"].min(), table["observed_for"].max(), len(table)

    def _price_id(self, metal: str) -> str:
        identity = f"{metal}_price"
        if identity not in self._owner:
            raise NoData(f"metal {metal!r}: no dataset {identity!r}{did_you_mean(metal, self.metals())}")
        return identity


def _date(text: str | None, option: str) -> pd.Timestamp | None:
    if text is None:
        return None
    try:
        stamp = pd.Timestamp(text)
    except ValueError:
        raise ExecutionError(f"{option}: {text!r} is no date; write YYYY or YYYY-MM-DD") from None
    if option == "end":
        for form, frequency in ((4, "Y"), (7, "M")):
            if len(text) == form:
                return stamp.to_period(frequency).end_time.normalize()
    return stamp
