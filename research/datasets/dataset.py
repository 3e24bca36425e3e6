"""Dataset: what a series is, where it comes from, and when its numbers become known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import pandas as pd

from research.datasets.release import ReleaseRule
from research.datasets.shaping import Read

Frequency = Literal["day", "week", "month", "quarter", "year", "irregular"]

PERIODS_PER_YEAR: Mapping[str, int] = MappingProxyType({"day": 252, "week": 52, "month": 12, "quarter": 4, "year": 1})


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One entry of a registry. Nothing here reads a file.

    Attributes
    ----------
    id
        The name by which strategies ask for it; one id means one thing in every pack.
    title
        What it is, in a few words.
    publisher
        Who publishes it.
    source
        Address that it was taken from.
    licence
        On what terms.
    unit
        Unit of the values, in words.
    frequency
        Spacing of the periods that the values describe.
    file
        Name of its file in the pack.
    read
        How its file is read: which column holds what.
    release
        Rules from period to the moment known, one per regime.
    longest_useful_age
        A value whose period ended longer ago than this is no longer used.
    kind
        ``"series"`` (one value a period) or ``"table"`` (named columns, told apart by ``key``).
    price
        For prices: ``"average"`` over the period, or ``"close"``; empty otherwise.
    decision
        For prices: time of day and timezone at which a decision is taken on each bar.
    attribution
        What its licence asks to be said.
    notes
        Holes and known errors.
    lag_note
        What the release rule cannot say of itself.
    forecast
        Whether a value may be known before its period ends.
    pack
        Name of its pack.
    sha256
        SHA-256 of its file.
    """

    id: str
    title: str
    publisher: str
    source: str
    licence: str
    unit: str
    frequency: Frequency
    file: str
    read: Read
    release: tuple[ReleaseRule, ...]
    longest_useful_age: pd.Timedelta
    kind: Literal["series", "table"] = "series"
    key: tuple[str, ...] = ()
    price: Literal["", "average", "close"] = ""
    decision: tuple[str, str] = ("", "")
    attribution: str = ""
    notes: str = ""
    lag_note: str = ""
    forecast: bool = False
    pack: str = ""
    sha256: str = ""

    @property
    def release_words(self) -> str:
        """The release rule in words, regimes joined by ``;``."""
        return "; ".join(rule.describe() for rule in self.release)
