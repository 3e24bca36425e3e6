"""Figures that somebody claims, recomputed: ``Sharpe 1.8``, ``CAGR 22 %``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
import pandas as pd

from research.datasets.importing.units import WORDS
from research.diagnostics import metrics
from research.errors import ParameterError, did_you_mean

Path = tuple[pd.Series, pd.Series, int]
"""Returns, those of bills in the same periods, and periods a year."""

_FORM = re.compile(r"\s*([A-Za-z.# ]+?)\s*[:=]?\s*([-+]?\d+(?:[.,]\d+)?)\s*(%?)\s*")
_OF: Mapping[str, Callable[[pd.Series, pd.Series, int], float]] = {
    "Sharpe": lambda returns, bills, year: metrics.sharpe(returns - bills, year),
    "CAGR": lambda returns, bills, year: metrics.cagr(returns, year),
    "volatility": lambda returns, bills, year: metrics.volatility(returns, year),
    "max drawdown": lambda returns, bills, year: metrics.max_drawdown(returns),
    "total return": lambda returns, bills, year: float(np.prod(1 + returns.to_numpy())) - 1,
    "trades": lambda returns, bills, year: nan,
}
_NAMES: Mapping[str, str] = WORDS["figures"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure as it was claimed beside what it is.

    Attributes
    ----------
    name
        Sharpe, CAGR, volatility, max drawdown, total return or trades.
    claimed
        A fraction where it is in per cent; a drawdown is of 0 or less.
    own
        Of the returns or trades that were brought; NaN where they have none.
    account
        Of the account on this house's terms; NaN where there is none.
    difference
        What was recomputed less what was claimed: of what was brought, else of the account.
    note
        How else it may have been reckoned.
    """

    name: str
    claimed: float
    own: float
    account: float
    difference: float
    note: str = ""

    def __str__(self) -> str:
        told = {"recomputed from what was brought": self.own, "in the account on these terms": self.account}
        found = "; ".join(f"{self._shown(value)} {where}" for where, value in told.items() if isfinite(value))
        against = f"{found}: {self._shown(self.difference, '+')}{self.note}" if found else "it does not tell"
        return f"{self.name} {self._shown(self.claimed)} claimed; {against}"

    def _shown(self, value: float, sign: str = "") -> str:
        return f"{value:{sign}{ {'Sharpe': '.2f', 'trades': '.0f'}.get(self.name, '.2%') }}"


def parsed(claim: str) -> tuple[str, float]:
    """``"CAGR 22 %"`` -> ``("CAGR", 0.22)``.

    Raises
    ------
    ParameterError
        If it is no figure, or one in per cent without its sign.
    """
    match = _FORM.fullmatch(claim)
    if match is None:
        raise ParameterError(f"--claims {claim!r}: write a name and a number, such as 'Sharpe 1.8' or 'CAGR 22 %'")
    word, number, percent = " ".join(match[1].lower().split()), float(match[2].replace(",", ".")), match[3]
    if word not in _NAMES:
        raise ParameterError(f"--claims {claim!r}: cannot be recomputed{did_you_mean(word, _NAMES)}")
    name = _NAMES[word]
    if (name in ("Sharpe", "trades")) is bool(percent):
        right = f"{match[1]} {match[2]}{'' if percent else ' %'}"
        raise ParameterError(f"--claims {claim!r}: {'no per cent' if percent else 'in per cent?'}; write '{right}'")
    value = number / 100 if percent else number
    return name, -abs(value) if name == "max drawdown" else value


def recomputed(
    claims: Mapping[str, float], own: Path | None, account: Path | None, n_trades: int | None
) -> tuple[Figure, ...]:
    """Each claimed figure of the returns that were brought, and of those of the account; trades of a list of them."""
    found = []
    for name, claimed in claims.items():
        mine, here = (nan if path is None else _OF[name](*path) for path in (own, account))
        if name == "trades" and n_trades is not None:
            mine = n_trades
        note = ""
        if name == "Sharpe" and own is not None:
            note = f" (with nothing deducted for bills {metrics.sharpe(own[0], own[2]):.2f})"
        gap = (mine if isfinite(mine) else here) - claimed
        found.append(Figure(name=name, claimed=claimed, own=mine, account=here, difference=gap, note=note))
    return tuple(found)
